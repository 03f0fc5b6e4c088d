/*
 * pipeline: the life of a request, in the order in which it happens. Read this file, then open the file named like the
 * stage.
 *
 *   listener → libh2o, behind the guard → on_req → way_in, from the first stage to the one that answers
 *                                         → way_out, when the answer begins → chunk → libh2o → client
 *                                         → account, when libh2o disposes of the request
 *
 * Who answers: any stage of the way in (a refusal is an answer), or the service by way of forward and its relay. Both
 * take the same way out.
 */
#include "sluice/pipeline.h"
#include "sluice/account.h"
#include "sluice/guard.h"
#include "sluice/stages.h"
#include "sluice/steps.h"

static const sl_stage_t way_in[] = {
    {"framing", sl_check_framing},       /* is the head unambiguous? */
    {"redirect", sl_redirect},           /* is this listener only here to lead to https? */
    {"route", sl_find_route},            /* which route serves it? */
    {"hops", sl_count_hops},             /* was it to come no further than here? */
    {"version", sl_find_version},        /* which version of it? */
    {"health", sl_answer_health},        /* the built-in one answers by itself */
    {"identify", sl_identify_caller},    /* which API key does it carry? */
    {"body", sl_require_body},           /* is it all here? it need not be for what the above refuse */
    {"breaker", sl_check_breaker},       /* is the service worth asking? */
    {"admit", sl_admit},                 /* may this key do this now? one question to Redis */
    {"aggregate", sl_aggregate},         /* an answer made of several services'? */
    {"transform", sl_transform_request}, /* query and body as its service wants them */
    {"forward", sl_forward},             /* send it on; always answers */
};

static const sl_step_t way_out[] = {
    {"version", sl_tell_version},
    {"headers", sl_add_headers},
    {NULL, NULL},
};

typedef struct handler_t {
    h2o_handler_t super;
    sl_worker_t *worker;
} handler_t;

typedef struct logger_t {
    h2o_logger_t super;
    sl_worker_t *worker;
} logger_t;

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    sl_exchange_begin(((handler_t *)handler)->worker, req, way_in, way_out);
    return 0;
}

static void on_disposed(h2o_logger_t *logger, h2o_req_t *req)
{
    sl_exchange_t *exchange = sl_exchange_of(req);

    if (exchange == NULL)
        return;
    if (!exchange->has_begun_answer)
        sl_departure_note(exchange); /* how HTTP/2 tells of it */
    sl_account_note(((logger_t *)logger)->worker->account, exchange);
}

void sl_pipeline_register(sl_worker_t *worker, h2o_pathconf_t *pathconf, bool is_fallback)
{
    sl_guard_set_judge(sl_judge_head);
    sl_chunk_install(pathconf); /* first: it stays the last before the wire */
    sl_own_words_install(pathconf, worker, way_out);
    if (!is_fallback) {
        handler_t *handler = (handler_t *)h2o_create_handler(pathconf, sizeof(*handler));
        handler->super.on_req = on_request;
        handler->worker = worker;
    }
    logger_t *logger = (logger_t *)h2o_create_logger(pathconf, sizeof(*logger));
    logger->super.log_access = on_disposed;
    logger->worker = worker;
}
