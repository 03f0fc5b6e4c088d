/* chunk_decoder: the same bytes in two parts give what they give at once, and data never outgrows what came. Input: a
 * byte that says where to cut, then the coded body. */
#include "sluice/bytes.h"
#include "sluice/chunk_decoder.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t all = size - 1, cut = data[0] % all, whole = all, first = cut;
    char *at_once = memcpy(malloc(all), data + 1, all), *in_parts = memcpy(malloc(all), data + 1, all);
    sl_chunk_decoder_t one = {.discards_trailer = 1}, two = one;

    ssize_t expected = sl_chunk_decode(&one, at_once, &whole);
    ssize_t result = sl_chunk_decode(&two, in_parts, &first);
    if (result >= 0)
        result += (ssize_t)(all - cut);
    size_t sum = first;
    if (result == SL_CHUNK_INCOMPLETE) {
        size_t second = all - cut;
        memmove(in_parts + first, data + 1 + cut, second);
        result = sl_chunk_decode(&two, in_parts + first, &second);
        sum += second;
    }
    assert(result == expected && whole <= all);
    if (result != SL_CHUNK_BROKEN)
        assert(sum == whole && memcmp(at_once, in_parts, whole) == 0);
    if (result >= 0)
        assert((size_t)result + whole <= all);
    free(at_once);
    free(in_parts);
    return 0;
}
