/* framing: whatever passes is unambiguous. Input: method, target, then name/value pairs, separated by newlines; the
 * first byte is the minor version. */
#include "sluice/framing.h"
#include <assert.h>
#include <stdint.h>

#define FIELDS_MAX 100

static h2o_iovec_t next_line(const char **at, const char *end)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at)), *stop = newline != NULL ? newline : end;
    h2o_iovec_t line = sl_bytes(*at, (size_t)(stop - *at));

    *at = newline != NULL ? newline + 1 : end;
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    sl_head_field_t fields[FIELDS_MAX];
    sl_head_t head = {.fields = fields};
    const sl_head_limits_t limits = {.target = 8192, .bytes = 32768, .lines = SL_HEAD_LINES_MAX};
    size_t lengths = 0, codings = 0, hosts = 0;

    if (size < 1)
        return 0;
    head.minor_version = *at++ & 1;
    head.method = next_line(&at, end);
    head.target = next_line(&at, end);
    while (at != end && head.field_count != FIELDS_MAX) {
        sl_head_field_t *field = &fields[head.field_count++];
        field->name = next_line(&at, end);
        field->value = next_line(&at, end);
        lengths += sl_bytes_equal_fold(field->name, SL_LIT("content-length"));
        codings += sl_bytes_equal_fold(field->name, SL_LIT("transfer-encoding"));
        hosts += sl_bytes_equal_fold(field->name, SL_LIT("host"));
    }
    sl_framing_error_t why = sl_framing_explain(sl_bytes((const char *)data, size), &limits);
    assert(why != SL_FRAMING_OK && sl_framing_error_status(why) >= 400);
    if (sl_framing_check(&head, &limits) == SL_FRAMING_OK)
        assert(lengths + codings <= 1 && hosts <= 1 && (hosts == 1 || head.minor_version == 0) && head.target.len != 0);
    return 0;
}
