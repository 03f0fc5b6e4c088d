/* Whatever the bytes: a path that is taken begins with '/', has no dot segment, no doubled slash, no control character,
 * fits where it was promised to fit, and is its own normal form. */
#include "sluice/path.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_dots(const char *segment, size_t len)
{
    return (len == 1 || len == 2) && memcmp(segment, "..", len) == 0;
}

static void check_segments(h2o_iovec_t path)
{
    const char *end = path.base + path.len, *segment = path.base + 1;
    for (const char *at = segment; at <= end; ++at) {
        if (at != end && *at != '/')
            continue;
        size_t len = (size_t)(at - segment);
        require(!is_dots(segment, len));
        require(len != 0 || at == end);
        segment = at + 1;
    }
}

static void check_octets(h2o_iovec_t path)
{
    for (size_t i = 0; i != path.len; ++i) {
        unsigned char octet = (unsigned char)path.base[i];
        require(octet > 0x20 && octet < 0x7f && octet != '?' && octet != '#');
    }
}

static void check_idempotence(h2o_iovec_t path)
{
    char *again = malloc(3 * path.len + 1);
    size_t len;
    require(sl_path_normalise(path, again, &len) == SL_PATH_OK);
    require(sl_bytes_equal(path, sl_bytes(again, len)));
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    h2o_iovec_t target = sl_bytes((const char *)data, size), path, query;
    sl_path_split(target, &path, &query);
    require(path.len + (query.base != NULL) + query.len == size);

    /* exactly the promised room, so that one byte too many is seen */
    char *out = malloc(3 * path.len + 1);
    size_t len;
    if (sl_path_normalise(path, out, &len) == SL_PATH_OK) {
        h2o_iovec_t normal = sl_bytes(out, len);
        require(len != 0 && out[0] == '/');
        check_segments(normal);
        check_octets(normal);
        check_idempotence(normal);
    }
    free(out);
    return 0;
}
