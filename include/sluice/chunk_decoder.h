/*
 * chunk_decoder: the chunked coding of request bodies (RFC 9112 §7.1), decoded in place and strictly. The struct has
 * the size and the first three members of libh2o's, whose memory it lives in; that library zeroes it as a whole.
 */
#ifndef SLUICE_CHUNK_DECODER_H
#define SLUICE_CHUNK_DECODER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct sl_chunk_decoder_t {
    size_t left;           /* of the chunk's data */
    char discards_trailer; /* set by libh2o; trailers are always discarded here */
    char digits;           /* of the chunk's size, so far */
    char state;
    char unused;
    uint32_t overhead; /* bytes of extensions and trailers, in the whole body */
} sl_chunk_decoder_t;

#define SL_CHUNK_OVERHEAD_MAX 16384
#define SL_CHUNK_BROKEN ((ssize_t)-1)
#define SL_CHUNK_INCOMPLETE ((ssize_t)-2)

/* Decodes `*size` bytes; `*size` becomes the number of bytes of data, at the front. A count from 0 on: the body is
 * complete, and so many bytes that follow it stand behind the data. */
ssize_t sl_chunk_decode(sl_chunk_decoder_t *decoder, char *bytes, size_t *size);

#endif
