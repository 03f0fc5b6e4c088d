/* framing_http2: whatever passes can be written as one head of HTTP/1. Input: method, path, authority, then name/value
 * pairs; each with a length byte in front. */
#include "sluice/framing.h"
#include <assert.h>
#include <stdint.h>

#define FIELDS_MAX 120

static h2o_iovec_t take(const uint8_t **at, const uint8_t *end)
{
    if (*at == end)
        return SL_LIT("");
    size_t len = *(*at)++;
    if (len > (size_t)(end - *at))
        len = (size_t)(end - *at);
    h2o_iovec_t piece = {(char *)*at, len};
    *at += len;
    return piece;
}

static void assert_harmless(h2o_iovec_t text, bool may_hold_blanks)
{
    for (size_t i = 0; i != text.len; ++i) {
        unsigned char c = (unsigned char)text.base[i];
        assert(c != '\0' && c != '\r' && c != '\n' && (may_hold_blanks || (c != ' ' && c != '\t')));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *at = data, *end = data + size;
    sl_head_field_t fields[FIELDS_MAX];
    const sl_head_limits_t limits = {.target = 200, .bytes = 32768, .lines = SL_HEAD_LINES_MAX};

    sl_head_t head = {.method = take(&at, end), .target = take(&at, end), .fields = fields};
    h2o_iovec_t authority = take(&at, end);
    while (at != end && head.field_count != FIELDS_MAX) {
        sl_head_field_t *field = &fields[head.field_count++];
        field->name = take(&at, end);
        field->value = take(&at, end);
    }
    if (sl_framing_check_http2(&head, authority, &limits) != SL_FRAMING_OK)
        return 0;
    assert(head.method.len != 0 && head.target.len != 0 && head.target.len <= 200 && authority.len != 0);
    assert_harmless(head.method, false);
    assert_harmless(head.target, false);
    assert_harmless(authority, false);
    for (size_t i = 0; i != head.field_count; ++i) {
        assert(fields[i].name.len != 0 && memchr(fields[i].name.base, ':', fields[i].name.len) == NULL);
        assert_harmless(fields[i].name, false);
        assert_harmless(fields[i].value, true);
    }
    return 0;
}
