/*
 * own_words: libh2o answers some requests before any handler sees them (body too large, broken chunks, heads of HTTP/2
 * that the guard refuses), in plain text. Here such an answer gets an exchange, a problem body instead of the library's
 * sentence, the steps of the way out, and so its line in the log.
 */
#include "sluice/answer.h"
#include "sluice/method.h"
#include "sluice/steps.h"

typedef struct own_words_t {
    h2o_filter_t super;
    sl_worker_t *worker;
    const sl_step_t *steps;
} own_words_t;

typedef struct replace_t {
    h2o_ostream_t super;
    h2o_iovec_t body;
} replace_t;

static void send_ours(h2o_ostream_t *ostream, h2o_req_t *req, h2o_iovec_t *inbufs, size_t count, h2o_send_state_t state)
{
    replace_t *self = (replace_t *)ostream;
    bool is_head = sl_is_head(req->input.method);

    (void)inbufs;
    (void)count;
    h2o_ostream_send_next(ostream, req, &self->body, is_head ? 0 : 1, state); /* the library sends all it has at once */
}

/* Heads of HTTP/2 that the guard refuses come here as "bad character"; the true reason waits in the connection. */
static h2o_iovec_t compose(sl_exchange_t *exchange)
{
    int status = exchange->req->res.status;
    sl_framing_error_t error = exchange->connection != NULL ? exchange->connection->refusal : SL_FRAMING_OK;

    if (error == SL_FRAMING_OK)
        return sl_answer_compose(exchange, sl_answer_for_status(status),
                                 &(sl_answer_details_t){.retry_after_s = status == 503 ? 1 : 0});
    exchange->connection->refusal = SL_FRAMING_OK;
    return sl_answer_compose(exchange, sl_answer_for_status(sl_framing_error_status(error)),
                             &(sl_answer_details_t){.text = sl_bytes_of(sl_framing_error_advice(error)),
                                                    .log_detail = sl_framing_error_text(error)});
}

static void on_setup(h2o_filter_t *filter, h2o_req_t *req, h2o_ostream_t **slot)
{
    own_words_t *self = (own_words_t *)filter;

    if (sl_exchange_of(req) == NULL) {
        sl_exchange_t *exchange = sl_exchange_adopt(self->worker, req, self->steps);
        memset(&req->res.headers, 0, sizeof(req->res.headers));
        h2o_iovec_t body = compose(exchange);
        exchange->is_complete = true;
        slot = sl_exchange_walk_out(exchange, slot);
        replace_t *replace = (replace_t *)h2o_add_ostream(req, sizeof(*replace), slot);
        replace->super.do_send = send_ours;
        replace->body = body;
        slot = &replace->super.next;
    }
    h2o_setup_next_ostream(req, slot);
}

void sl_own_words_install(h2o_pathconf_t *pathconf, sl_worker_t *worker, const sl_step_t *steps)
{
    own_words_t *self = (own_words_t *)h2o_create_filter(pathconf, sizeof(*self));

    self->super.on_setup_ostream = on_setup;
    self->worker = worker;
    self->steps = steps;
}
