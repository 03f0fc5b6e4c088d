/* Whatever the bytes: what was removed cannot be found any more, what was not named is still there, and decoded text
 * has no control characters. The input is "name?query". */
#include "sluice/path.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_removal(h2o_iovec_t query, h2o_iovec_t name)
{
    char *out = malloc(query.len + 1);
    size_t len = sl_query_remove(query, name, out);
    h2o_iovec_t rest = sl_bytes(out, len);
    require(len <= query.len);
    /* of an empty query the empty parameter is left, which only the empty name finds */
    require(name.len == 0 || sl_query_find(rest, name).base == NULL);
    if (sl_query_find(query, name).base == NULL)
        require(sl_bytes_equal(query, rest));
    free(out);
}

static void check_decoding(h2o_iovec_t text)
{
    char *out = malloc(text.len + 1);
    size_t len;
    if (sl_query_decode(text, out, &len)) {
        require(len <= text.len);
        for (size_t i = 0; i != len; ++i)
            require((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
        require(sl_query_text(text, out) == len);
    }
    require(sl_query_text(text, out) <= text.len);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    h2o_iovec_t name, query;
    sl_path_split(sl_bytes((const char *)data, size), &name, &query);
    h2o_iovec_t value = sl_query_find(query, name);
    require(value.base == NULL || (value.base >= query.base && value.base + value.len <= query.base + query.len));
    check_removal(query, name);
    check_decoding(query);
    return 0;
}
