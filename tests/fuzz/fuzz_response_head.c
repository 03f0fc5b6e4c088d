/* Whatever the bytes: no crash, every slice lies inside them, a complete head is consistent, and a head that drips in
 * is read as one that came whole. */
#include "upstream/response_head.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_inside(h2o_iovec_t bytes, h2o_iovec_t slice)
{
    require(slice.base >= bytes.base && slice.base + slice.len <= bytes.base + bytes.len);
    require(memchr(slice.base, '\n', slice.len) == NULL);
}

static void check_head(h2o_iovec_t bytes, const sl_response_head_t *response)
{
    require(response->len <= bytes.len && response->len <= SL_RESPONSE_HEAD_BYTES);
    require(response->head.status >= 100 && response->head.status <= 599);
    require(response->head.field_count <= SL_RESPONSE_FIELDS);
    require(response->head.has_body == (response->framing != SL_FRAMING_NONE));
    require(response->framing != SL_FRAMING_CLOSE || !response->keeps_alive);
    require(response->framing != SL_FRAMING_LENGTH || response->head.content_length != SIZE_MAX);
    check_inside(bytes, response->head.reason);
    for (size_t i = 0; i != response->head.field_count; ++i) {
        check_inside(bytes, response->head.fields[i].name);
        check_inside(bytes, response->head.fields[i].value);
        require(response->head.fields[i].name.len != 0);
    }
}

static sl_head_verdict_t drip(h2o_iovec_t bytes, size_t step, bool to_head, size_t *len)
{
    sl_response_head_t response;
    sl_head_verdict_t verdict = SL_HEAD_PARTIAL;
    size_t scanned = 0;
    for (size_t at = 0; at != bytes.len && verdict == SL_HEAD_PARTIAL;) {
        at = bytes.len - at < step ? bytes.len : at + step;
        verdict = sl_response_head_parse(sl_bytes(bytes.base, at), to_head, &scanned, &response);
    }
    *len = response.len;
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t step = 1 + data[0] / 8;
    bool to_head = data[0] & 1;
    h2o_iovec_t bytes = sl_bytes((const char *)data + 1, size - 1);
    sl_response_head_t response;
    size_t scanned = 0, len;
    sl_head_verdict_t verdict = sl_response_head_parse(bytes, to_head, &scanned, &response);
    if (verdict == SL_HEAD_COMPLETE)
        check_head(bytes, &response);
    sl_head_verdict_t dripped = drip(bytes, step, to_head, &len);
    require(dripped == verdict);
    require(verdict != SL_HEAD_COMPLETE || len == response.len);
    return 0;
}
