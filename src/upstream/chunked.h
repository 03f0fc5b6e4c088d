/*
 * chunked: an incremental decoder of the chunked transfer coding (RFC 9112 §7.1). Pure.
 *
 * Strict where leniency lets two readers disagree about the end of a message: only CRLF ends a line, a size is 1 to 16
 * hexadecimal digits. Chunk extensions and trailer fields are dropped, each within a bound.
 */
#ifndef SLUICE_UPSTREAM_CHUNKED_H
#define SLUICE_UPSTREAM_CHUNKED_H

#include "sluice/bytes.h"
#include <stdint.h>

#define SL_CHUNK_EXTENSION_BYTES 4096 /* of one chunk, blanks after the size included */
#define SL_TRAILER_BYTES 16384        /* of the whole trailer section */

typedef enum { SL_CHUNKED_MORE, SL_CHUNKED_DONE, SL_CHUNKED_BROKEN } sl_chunked_verdict_t;

/* All zero is the start of a body. */
typedef struct sl_chunked_t {
    int state;
    unsigned digits;
    uint64_t left;    /* while reading a size: the size so far; within a chunk: bytes to come */
    size_t skipped;   /* bytes of the extension or the trailers so far */
    bool is_trailing; /* inside a trailer line */
} sl_chunked_t;

/*
 * Decodes in place: afterwards `*payload` is one slice of `bytes` with all data that was in it, also when the verdict
 * is BROKEN. `*used` is less than bytes.len only with DONE (what follows is not of this body) and BROKEN.
 */
sl_chunked_verdict_t sl_chunked_decode(sl_chunked_t *decoder, h2o_iovec_t bytes, h2o_iovec_t *payload, size_t *used);

#endif
