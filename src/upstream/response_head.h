/*
 * response_head: reads the head of one HTTP/1 response (RFC 9112 §4, §5, §6.3) and says how its body is framed. Pure.
 *
 * What two readers could understand differently is refused: bare LF, folded lines, blanks around names, controls in
 * values, Content-Length that is odd, repeated with another value or beside Transfer-Encoding, any transfer coding
 * but chunked. A missing blank after the status is forgiven: it is common and can hide nothing.
 */
#ifndef SLUICE_UPSTREAM_RESPONSE_HEAD_H
#define SLUICE_UPSTREAM_RESPONSE_HEAD_H

#include "sluice/upstream.h"

#define SL_RESPONSE_HEAD_BYTES 65536
#define SL_RESPONSE_FIELDS 100

typedef enum { SL_FRAMING_NONE, SL_FRAMING_LENGTH, SL_FRAMING_CHUNKED, SL_FRAMING_CLOSE } sl_framing_t;
typedef enum { SL_HEAD_COMPLETE, SL_HEAD_PARTIAL, SL_HEAD_BROKEN } sl_head_verdict_t;

typedef struct sl_response_head_t {
    sl_call_head_t head; /* head.fields points to `fields`, all bytes into what was parsed */
    size_t len;          /* the blank line included */
    sl_framing_t framing;
    bool keeps_alive; /* the service will take another request on this connection */
    sl_field_t fields[SL_RESPONSE_FIELDS];
} sl_response_head_t;

/*
 * `*scanned` starts at 0 and remembers between calls with the same, longer bytes how far the end was looked for.
 * `to_head`: the request's method was HEAD. 1xx heads are complete heads too; the caller skips them.
 */
sl_head_verdict_t sl_response_head_parse(h2o_iovec_t bytes, bool to_head, size_t *scanned,
                                         sl_response_head_t *response);

#endif
