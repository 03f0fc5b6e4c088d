/* http2: the parts of libh2o's HTTP/2 that the sweep has to see (http2.c). `req` and `sock` are of HTTP/2 connections.
 */
#ifndef SLUICE_EXCHANGE_HTTP2_H
#define SLUICE_EXCHANGE_HTTP2_H

#include <h2o.h>
#include <stdbool.h>

/* What of a request is being waited for. TURN: HTTP/2, all of it is here, but others of its connection are being
 * served. OTHER: nothing, or not the client's doing. */
typedef enum { SL_PHASE_OTHER, SL_PHASE_IDLE, SL_PHASE_HEAD, SL_PHASE_BODY, SL_PHASE_TURN } sl_phase_t;

sl_phase_t sl_http2_phase(h2o_req_t *req);
/* Of the request body, so far. */
size_t sl_http2_body_bytes(h2o_req_t *req);
/* Of the answer, handed over and not yet taken into a write: the client's window is closed, or others come first. */
size_t sl_http2_unsent_bytes(h2o_req_t *req);
/* The rest of the body is not wanted: an answer may be sent now. Only in the phases BODY and
 * TURN. */
void sl_http2_skip_body(h2o_req_t *req);
/* Is its head alone to be answered? Then Content-Length, 0 for none. */
bool sl_http2_is_body_left(h2o_req_t *req, size_t *announced);
/* RST_STREAM; the request may be gone then. */
void sl_http2_reset(h2o_req_t *req);

#endif
