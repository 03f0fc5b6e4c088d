/* media: what a Content-Type says. */
#include "sluice/media.h"
#include "media_range.h"

bool sl_media_next_piece(h2o_iovec_t *rest, char border, h2o_iovec_t *piece)
{
    bool is_quoted = false;
    size_t i = 0;
    if (rest->len == 0)
        return false;
    for (; i != rest->len && (is_quoted || rest->base[i] != border); ++i) {
        if (rest->base[i] == '"')
            is_quoted = !is_quoted;
        else if (is_quoted && rest->base[i] == '\\' && i + 1 != rest->len)
            ++i;
    }
    *piece = sl_bytes_trim(sl_bytes(rest->base, i));
    size_t used = i == rest->len ? i : i + 1;
    *rest = sl_bytes(rest->base + used, rest->len - used);
    return true;
}

bool sl_media_range_read(h2o_iovec_t text, sl_media_range_t *range)
{
    h2o_iovec_t rest = text, kind;
    if (!sl_media_next_piece(&rest, ';', &kind) || kind.len == 0)
        return false;
    const char *slash = memchr(kind.base, '/', kind.len);
    if (slash == NULL)
        return false;
    size_t border = (size_t)(slash - kind.base);
    range->type = sl_bytes(kind.base, border);
    range->subtype = sl_bytes(slash + 1, kind.len - border - 1);
    range->parameters = rest;
    return range->type.len != 0 && range->subtype.len != 0;
}

bool sl_media_next_parameter(h2o_iovec_t *rest, h2o_iovec_t *name, h2o_iovec_t *value)
{
    h2o_iovec_t piece;
    while (sl_media_next_piece(rest, ';', &piece)) {
        const char *sign = piece.len == 0 ? NULL : memchr(piece.base, '=', piece.len);
        if (sign == NULL)
            continue;
        size_t border = (size_t)(sign - piece.base);
        *name = sl_bytes_trim(sl_bytes(piece.base, border));
        *value = sl_bytes_trim(sl_bytes(sign + 1, piece.len - border - 1));
        if (value->len >= 2 && value->base[0] == '"' && value->base[value->len - 1] == '"')
            *value = sl_bytes(value->base + 1, value->len - 2);
        return true;
    }
    return false;
}

static bool ends_with(h2o_iovec_t text, h2o_iovec_t end)
{
    return text.len > end.len && sl_bytes_equal_fold(sl_bytes(text.base + text.len - end.len, end.len), end);
}

static const struct {
    const char *subtype; /* of application/ */
    sl_media_t media;
} kinds[] = {{"json", SL_MEDIA_JSON},
             {"msgpack", SL_MEDIA_MSGPACK},
             {"vnd.msgpack", SL_MEDIA_MSGPACK},
             {"x-msgpack", SL_MEDIA_MSGPACK},
             {"x-www-form-urlencoded", SL_MEDIA_FORM}};

sl_media_t sl_media_of(h2o_iovec_t content_type)
{
    sl_media_range_t range;
    if (!sl_media_range_read(content_type, &range))
        return SL_MEDIA_OTHER;
    if (ends_with(range.subtype, SL_LIT("+json")))
        return SL_MEDIA_JSON;
    if (ends_with(range.subtype, SL_LIT("+msgpack")))
        return SL_MEDIA_MSGPACK;
    if (!sl_bytes_equal_fold(range.type, SL_LIT("application")))
        return SL_MEDIA_OTHER;
    for (size_t i = 0; i != sizeof(kinds) / sizeof(kinds[0]); ++i)
        if (sl_bytes_equal_fold(range.subtype, sl_bytes_of(kinds[i].subtype)))
            return kinds[i].media;
    return SL_MEDIA_OTHER;
}

h2o_iovec_t sl_media_charset(h2o_iovec_t content_type)
{
    sl_media_range_t range;
    h2o_iovec_t name, value;
    if (!sl_media_range_read(content_type, &range))
        return sl_bytes(NULL, 0);
    while (sl_media_next_parameter(&range.parameters, &name, &value))
        if (sl_bytes_equal_fold(name, SL_LIT("charset")))
            return value;
    return sl_bytes(NULL, 0);
}
