/* response_head: find the blank line first, then read line by line; so a head that drips in is looked at only once. */
#include "response_head.h"
#include "sluice/framing.h"
#include "sluice/parse.h"

/* What framing needs to know of the fields while they are read. */
typedef struct framing_facts_t {
    uint64_t length;
    bool has_length, has_coding, has_close, has_keep_alive;
} framing_facts_t;

/* Length of the head, 0 when its end has not come, SIZE_MAX when a line ends without CR. */
static size_t find_end(h2o_iovec_t bytes, size_t *scanned)
{
    const char *end = bytes.base + bytes.len;
    const char *at = bytes.base + *scanned;
    while (at != end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        size_t before = (size_t)(at - bytes.base);
        if (before == 0 || at[-1] != '\r')
            return SIZE_MAX;
        if (before >= 2 && at[-2] == '\n')
            return before + 1;
        ++at;
    }
    *scanned = bytes.len;
    return 0;
}

/* Cuts the next line off, without its CRLF; `rest` is known to hold one. */
static h2o_iovec_t take_line(h2o_iovec_t *rest)
{
    const char *feed = memchr(rest->base, '\n', rest->len);
    size_t len = (size_t)(feed - rest->base);
    h2o_iovec_t line = sl_bytes(rest->base, len - 1);
    *rest = sl_bytes(feed + 1, rest->len - len - 1);
    return line;
}

static bool has_http1_prefix(h2o_iovec_t bytes)
{
    static const char prefix[] = "HTTP/1.";
    size_t len = bytes.len < sizeof prefix - 1 ? bytes.len : sizeof prefix - 1;
    return memcmp(bytes.base, prefix, len) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200" */
static bool read_status_line(h2o_iovec_t line, sl_call_head_t *head, bool *is_http10)
{
    if (line.len < 12 || !has_http1_prefix(line) || !is_digit(line.base[7]) || line.base[8] != ' ')
        return false;
    *is_http10 = line.base[7] == '0';

    const char *digits = line.base + 9;
    if (digits[0] < '1' || digits[0] > '5' || !is_digit(digits[1]) || !is_digit(digits[2]))
        return false;
    head->status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');

    if (line.len > 12 && line.base[12] != ' ')
        return false;
    size_t reason_at = line.len > 12 ? 13 : 12;
    head->reason = sl_bytes(line.base + reason_at, line.len - reason_at);
    return sl_is_field_value(head->reason);
}

static bool read_field(h2o_iovec_t line, sl_field_t *field)
{
    size_t name_len = 0;
    while (name_len != line.len && sl_is_token_character((unsigned char)line.base[name_len]))
        ++name_len;
    if (name_len == 0 || name_len == line.len || line.base[name_len] != ':')
        return false;
    field->name = sl_bytes(line.base, name_len);
    field->value = sl_bytes_trim(sl_bytes(line.base + name_len + 1, line.len - name_len - 1));
    return sl_is_field_value(field->value);
}

static bool note_length(framing_facts_t *facts, h2o_iovec_t value)
{
    uint64_t length;
    /* SIZE_MAX means unknown further up */
    if (!sl_parse_count(value, &length) || length >= SIZE_MAX)
        return false;
    if (facts->has_length && facts->length != length)
        return false;
    facts->has_length = true;
    facts->length = length;
    return true;
}

static bool note_coding(framing_facts_t *facts, h2o_iovec_t value)
{
    if (facts->has_coding || !sl_bytes_equal_fold(value, SL_LIT("chunked")))
        return false;
    facts->has_coding = true;
    return true;
}

static void note_connection(framing_facts_t *facts, h2o_iovec_t value)
{
    while (value.len != 0) {
        const char *comma = memchr(value.base, ',', value.len);
        size_t len = comma != NULL ? (size_t)(comma - value.base) : value.len;
        h2o_iovec_t option = sl_bytes_trim(sl_bytes(value.base, len));
        facts->has_close |= sl_bytes_equal_fold(option, SL_LIT("close"));
        facts->has_keep_alive |= sl_bytes_equal_fold(option, SL_LIT("keep-alive"));
        len += comma != NULL;
        value = sl_bytes(value.base + len, value.len - len);
    }
}

static bool note_field(framing_facts_t *facts, const sl_field_t *field)
{
    if (sl_bytes_equal_fold(field->name, SL_LIT("content-length")))
        return note_length(facts, field->value);
    if (sl_bytes_equal_fold(field->name, SL_LIT("transfer-encoding")))
        return note_coding(facts, field->value);
    if (sl_bytes_equal_fold(field->name, SL_LIT("connection")))
        note_connection(facts, field->value);
    return true;
}

static bool read_fields(h2o_iovec_t lines, sl_response_head_t *response, framing_facts_t *facts)
{
    size_t count = 0;
    while (lines.len != 0) {
        if (count == SL_RESPONSE_FIELDS)
            return false;
        sl_field_t *field = &response->fields[count++];
        if (!read_field(take_line(&lines), field) || !note_field(facts, field))
            return false;
    }
    response->head.fields = response->fields;
    response->head.field_count = count;
    return true;
}

/* RFC 9112 §6.3 in its order. */
static sl_framing_t framing_of(int status, bool to_head, const framing_facts_t *facts)
{
    if (to_head || status < 200 || status == 204 || status == 304)
        return SL_FRAMING_NONE;
    if (facts->has_coding)
        return SL_FRAMING_CHUNKED;
    if (!facts->has_length)
        return SL_FRAMING_CLOSE;
    return facts->length == 0 ? SL_FRAMING_NONE : SL_FRAMING_LENGTH;
}

static bool read_head(h2o_iovec_t lines, bool to_head, sl_response_head_t *response)
{
    framing_facts_t facts = {0};
    bool is_http10;
    if (!read_status_line(take_line(&lines), &response->head, &is_http10))
        return false;
    if (!read_fields(lines, response, &facts))
        return false;
    /* HTTP/1.0 knows no transfer codings: whoever sends one there mixes two readings of the framing (RFC 9112 §6.1) */
    if (facts.has_coding && (facts.has_length || is_http10))
        return false;

    response->framing = framing_of(response->head.status, to_head, &facts);
    /* a 204 that names a length says what nobody may pass on (RFC 9110 §8.6) */
    response->head.content_length = facts.has_length && response->head.status != 204 ? (size_t)facts.length : SIZE_MAX;
    response->head.has_body = response->framing != SL_FRAMING_NONE;
    response->keeps_alive =
        !facts.has_close && (!is_http10 || facts.has_keep_alive) && response->framing != SL_FRAMING_CLOSE;
    return true;
}

sl_head_verdict_t sl_response_head_parse(h2o_iovec_t bytes, bool to_head, size_t *scanned, sl_response_head_t *response)
{
    if (!has_http1_prefix(bytes))
        return SL_HEAD_BROKEN;
    size_t len = find_end(bytes, scanned);
    if (len > SL_RESPONSE_HEAD_BYTES || (len == 0 && bytes.len >= SL_RESPONSE_HEAD_BYTES))
        return SL_HEAD_BROKEN;
    if (len == 0)
        return SL_HEAD_PARTIAL;
    response->len = len;
    return read_head(sl_bytes(bytes.base, len - 2), to_head, response) ? SL_HEAD_COMPLETE : SL_HEAD_BROKEN;
}
