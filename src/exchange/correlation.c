/*
 * correlation: the request id, and the W3C trace context (https://www.w3.org/TR/trace-context/). A trusted peer's are
 * carried on; anybody else's are replaced, so that no stranger can write into our logs or graft spans onto other
 * people's traces. Our own span id is new every time.
 */
#include "exchange.h"
#include <ctype.h>

static bool is_id(h2o_iovec_t text)
{
    if (text.len == 0 || text.len > SL_REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i != text.len; ++i)
        if (!isalnum((unsigned char)text.base[i]) && strchr("-_.:/+=@", text.base[i]) == NULL)
            return false;
    return true;
}

/* Lower-case hex, not all zero (trace-context §3.2.2.3). */
static bool is_hex(const char *text, size_t len)
{
    bool is_zero = true;

    for (size_t i = 0; i != len; ++i) {
        if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
            return false;
        is_zero = is_zero && text[i] == '0';
    }
    return !is_zero;
}

/* "00-<32 hex>-<16 hex>-<2 hex>"; a later version may be longer. */
static bool is_traceparent(h2o_iovec_t text)
{
    return text.len >= 55 && (text.len == 55 || (memcmp(text.base, "00", 2) != 0 && text.base[55] == '-')) &&
           memcmp(text.base, "ff", 2) != 0 && text.base[2] == '-' && is_hex(text.base + 3, SL_TRACE_ID_HEX) &&
           text.base[35] == '-' && is_hex(text.base + 36, SL_SPAN_ID_HEX) && text.base[52] == '-' &&
           isxdigit((unsigned char)text.base[53]) && isxdigit((unsigned char)text.base[54]);
}

static void take_request_id(sl_exchange_t *exchange)
{
    h2o_iovec_t given =
        exchange->client.is_believed ? sl_exchange_header(exchange, H2O_STRLIT("x-request-id")) : sl_bytes(NULL, 0);

    if (is_id(given)) {
        memcpy(exchange->request_id, given.base, given.len);
        exchange->request_id_len = given.len;
    } else {
        exchange->request_id_len = 32;
        sl_random_hex(exchange->request_id, 16);
    }
    exchange->request_id[exchange->request_id_len] = '\0';
}

static void take_trace(sl_exchange_t *exchange)
{
    h2o_iovec_t given =
        exchange->client.is_believed ? sl_exchange_header(exchange, H2O_STRLIT("traceparent")) : sl_bytes(NULL, 0);

    if (given.base != NULL && is_traceparent(given)) {
        memcpy(exchange->trace_id, given.base + 3, SL_TRACE_ID_HEX);
        memcpy(exchange->trace_flags, given.base + 53, 2);
    } else {
        sl_random_hex(exchange->trace_id, SL_TRACE_ID_HEX / 2);
        memcpy(exchange->trace_flags, "00", 2); /* whoever samples decides; we only carry the context */
    }
    sl_random_hex(exchange->span_id, SL_SPAN_ID_HEX / 2);
}

void sl_exchange_correlate(sl_exchange_t *exchange)
{
    take_request_id(exchange);
    take_trace(exchange);
}
