/*
 * chunk: HTTP/1.1 chunked coding of answers of unknown length (RFC 9112 §7.1), in place of libh2o's encoder.
 *
 * The packaged one chunks only status 200, closes the connection for every other answer of unknown length, leaves
 * HTTP/1.0 keep-alive clients hanging, and holds the head back until the first byte of the body. This one sits in the
 * same place, the last before the wire.
 */
#include "sluice/method.h"
#include "sluice/steps.h"
#include <stdio.h>

typedef struct chunk_t {
    h2o_ostream_t super;
    char size_line[2 * sizeof(size_t) + 3];
} chunk_t;

static bool may_have_body(const h2o_req_t *req)
{
    int status = req->res.status;

    return status >= 200 && status != 204 && status != 304 && !sl_is_head(req->input.method);
}

static void send_chunk(h2o_ostream_t *ostream, h2o_req_t *req, h2o_iovec_t *inbufs, size_t count,
                       h2o_send_state_t state)
{
    chunk_t *self = (chunk_t *)ostream;
    h2o_iovec_t *out = alloca(sizeof(*out) * (count + 3));
    size_t bytes = 0, used = 0;

    for (size_t i = 0; i != count; ++i)
        bytes += inbufs[i].len;
    req->bytes_sent += bytes;
    if (bytes != 0) {
        int len = snprintf(self->size_line, sizeof(self->size_line), "%zx\r\n", bytes);
        out[used++] = sl_bytes(self->size_line, (size_t)len);
        memcpy(out + used, inbufs, sizeof(*out) * count);
        used += count;
        out[used++] = SL_LIT("\r\n");
    }
    if (state == H2O_SEND_STATE_FINAL)
        out[used++] = SL_LIT("0\r\n\r\n"); /* with ERROR nothing: the missing end tells the client */

    /* Passed on directly: h2o_ostream_send_next forwards nothing for an empty send, and the head would wait for the
     * first byte. */
    if (state != H2O_SEND_STATE_IN_PROGRESS)
        req->_ostr_top = self->super.next;
    self->super.next->do_send(self->super.next, req, out, used, state);
}

static void on_setup(h2o_filter_t *filter, h2o_req_t *req, h2o_ostream_t **slot)
{
    (void)filter;
    if (req->version < 0x200 && req->res.content_length == SIZE_MAX && may_have_body(req)) {
        if (req->version >= 0x101) {
            h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_TRANSFER_ENCODING, NULL, H2O_STRLIT("chunked"));
            req->bytes_counted_by_ostream = 1;
            chunk_t *chunk = (chunk_t *)h2o_add_ostream(req, sizeof(*chunk), slot);
            chunk->super.do_send = send_chunk;
            slot = &chunk->super.next;
        } else {
            req->http1_is_persistent = 0; /* HTTP/1.0: the end of the connection is the end of the body */
        }
    }
    h2o_setup_next_ostream(req, slot);
}

void sl_chunk_install(h2o_pathconf_t *pathconf)
{
    pathconf->filters.entries[pathconf->filters.size - 1]->on_setup_ostream = on_setup;
}
