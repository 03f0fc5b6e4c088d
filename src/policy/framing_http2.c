/*
 * framing_http2: heads of HTTP/2 (RFC 9113 §8.2, §8.3). libh2o lets through what would become a second request line, a
 * second header or a second length once it is written as HTTP/1 for a service.
 */
#include "sluice/framing.h"

static sl_framing_error_t check_http2_target(h2o_iovec_t target, h2o_iovec_t method)
{
    if (!sl_is_target(target, method))
        return SL_FRAMING_TARGET;
    return target.base[0] == '/' || target.base[0] == '*' ? SL_FRAMING_OK : SL_FRAMING_TARGET;
}

static bool is_of_one_connection(const sl_head_field_t *field)
{
    static const char *const names[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};

    for (size_t i = 0; i != sizeof(names) / sizeof(names[0]); ++i)
        if (sl_bytes_equal(field->name, sl_bytes_of(names[i])))
            return true;
    return sl_bytes_equal(field->name, SL_LIT("te")) && !sl_bytes_equal_fold(field->value, SL_LIT("trailers"));
}

/* A field value may neither begin nor end with a blank (RFC 9113 §8.2.1). */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_http2_value(h2o_iovec_t value)
{
    if (value.len != 0 && (is_blank(value.base[0]) || is_blank(value.base[value.len - 1])))
        return false;
    return sl_is_field_value(value);
}

static sl_framing_error_t check_http2_field(const sl_head_field_t *field, h2o_iovec_t authority)
{
    if (!sl_is_token(field->name))
        return SL_FRAMING_FIELD_NAME;
    if (!is_http2_value(field->value))
        return SL_FRAMING_FIELD_VALUE;
    if (is_of_one_connection(field))
        return SL_FRAMING_CONNECTION_FIELD;
    if (sl_bytes_equal(field->name, SL_LIT("host")) && !sl_bytes_equal_fold(field->value, authority))
        return SL_FRAMING_AUTHORITY_DIFFERS;
    if (sl_bytes_equal(field->name, SL_LIT("expect")) && !sl_bytes_equal_fold(field->value, SL_LIT("100-continue")))
        return SL_FRAMING_EXPECTATION;
    return SL_FRAMING_OK;
}

/* Size as RFC 9113 §6.5.2 counts it. Browsers send each cookie as a field of its own; together they are one line. */
static sl_framing_error_t check_http2_size(const sl_head_t *head, h2o_iovec_t authority, const sl_head_limits_t *limits)
{
    size_t bytes = head->method.len + head->target.len + authority.len, lines = 0, cookies = 0;

    for (size_t i = 0; i != head->field_count; ++i) {
        bytes += head->fields[i].name.len + head->fields[i].value.len + 32;
        if (!sl_bytes_equal(head->fields[i].name, SL_LIT("cookie")))
            ++lines;
        else if (cookies++ == 0)
            ++lines;
    }
    if (lines > limits->lines)
        return SL_FRAMING_TOO_MANY;
    return bytes > limits->bytes ? SL_FRAMING_TOO_LONG : SL_FRAMING_OK;
}

sl_framing_error_t sl_framing_check_http2(const sl_head_t *head, h2o_iovec_t authority, const sl_head_limits_t *limits)
{
    if (!sl_is_token(head->method) || sl_bytes_equal(head->method, SL_LIT("CONNECT")))
        return SL_FRAMING_METHOD;
    if (head->target.len > limits->target)
        return SL_FRAMING_TARGET_LONG;
    sl_framing_error_t error = check_http2_target(head->target, head->method);
    if (error != SL_FRAMING_OK)
        return error;
    if (authority.len == 0)
        return SL_FRAMING_NO_AUTHORITY;
    if (!sl_is_authority(authority))
        return SL_FRAMING_BAD_HOST;
    error = check_http2_size(head, authority, limits);
    for (size_t i = 0; error == SL_FRAMING_OK && i != head->field_count; ++i)
        error = check_http2_field(&head->fields[i], authority);
    return error;
}
