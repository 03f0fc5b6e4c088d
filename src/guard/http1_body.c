/* http1_body: chunked request bodies are decoded by policy/chunk_decoder.c, in the memory and in the place of libh2o's
 * decoder. A body that it refuses is answered 400 by the library, in our words (response/own_words.c), and closed. */
#include "library.h"
#include "sluice/chunk_decoder.h"

_Static_assert(sizeof(sl_chunk_decoder_t) == 16 && offsetof(sl_chunk_decoder_t, state) == 10,
               "libh2o allocates a decoder of this size and zeroes all of it");

ssize_t phr_decode_chunked(void *decoder, char *buf, size_t *bufsz)
{
    return sl_chunk_decode(decoder, buf, bufsz);
}
