/*
 * admit: may this caller call this route now?
 *
 *   in   exchange->route, caller, ask_breaker
 *   out  exchange->admission, caller.owner/name, pass; or an answer 401 / 403 / 429 / 503
 *
 * One question to Redis (lua/admit.lua) decides the key, its rights, every limit and, where this worker's view could
 * not tell, the service's breaker: all looked at before any is charged. Silence is never taken for a yes, nor for a 401
 * or 403. A key that Redis did not know a moment ago is refused without asking.
 */
#include "request.h"
#include "sluice/answer.h"
#include "sluice/log.h"
#include "sluice/stages.h"

static void on_admission(void *asker, const sl_admission_t *admission, const char *error);
static void on_pass(void *asker, bool granted, const sl_pass_t *pass, uint64_t wait_us, const char *error);
static void take(sl_exchange_t *exchange, const sl_admission_t *admission);
static sl_verdict_t settle(sl_exchange_t *exchange);

static void cancel_ticket(void *object)
{
    sl_ticket_cancel(object);
}

static void cancel_seat(void *object)
{
    sl_seat_cancel(object);
}

/* NULL for an aggregate: several were asked for together. */
static const char *service_name(const sl_exchange_t *exchange)
{
    return exchange->service != NULL ? exchange->service->name : NULL;
}

static sl_verdict_t ask(sl_exchange_t *exchange)
{
    const sl_route_t *route = exchange->route;
    bool is_aggregate = route->aggregate != NULL;
    sl_store_t *store = exchange->worker->store;
    sl_admission_question_t question = {
        .digest = exchange->caller.digest,
        .service = is_aggregate ? sl_aggregate_services(exchange) : sl_bytes_of(exchange->service->name),
        .method = exchange->req->method,
        .scopes = route->scopes,
        .units = is_aggregate ? sl_aggregate_units(exchange) : route->cost,
        .defaults = &exchange->config->keys,
        .shadow = route->shadow,
        .breaker = exchange->ask_breaker ? sl_store_breaker(store, exchange->service) : NULL,
    };

    sl_seat_t *seat = h2o_mem_alloc_pool(&exchange->req->pool, sizeof(*seat));
    *seat = (sl_seat_t){.on_admission = on_admission, .asker = exchange};
    sl_store_admit(store, &question, seat);
    sl_exchange_wait_for(exchange, cancel_seat, seat);
    return SL_WAITING;
}

static sl_verdict_t ask_pass_only(sl_exchange_t *exchange)
{
    sl_store_t *store = exchange->worker->store;

    exchange->outcome = SL_ADMISSION_OPEN_ROUTE;
    if (!exchange->ask_breaker)
        return SL_NEXT;
    sl_ticket_t *ticket = sl_store_ask_pass(store, sl_store_breaker(store, exchange->service), on_pass, exchange);
    sl_exchange_wait_for(exchange, cancel_ticket, ticket);
    return SL_WAITING;
}

/* As Redis would. */
static sl_verdict_t refuse_unasked(sl_exchange_t *exchange)
{
    sl_admission_t unknown = {.verdict = SL_VERDICT_UNKNOWN, .owner = SL_LIT(""), .name = SL_LIT("")};

    take(exchange, &unknown);
    return settle(exchange);
}

sl_verdict_t sl_admit(sl_exchange_t *exchange)
{
    uint64_t remember_ms = exchange->config->keys.remember_unknown_ms;

    if (!exchange->route->needs_key)
        return ask_pass_only(exchange);
    if (sl_store_remembers_unknown(exchange->worker->store, exchange->caller.digest, remember_ms))
        return refuse_unasked(exchange);
    return ask(exchange);
}

static void on_pass(void *asker, bool granted, const sl_pass_t *pass, uint64_t wait_us, const char *error)
{
    sl_exchange_t *exchange = asker;
    sl_verdict_t verdict = SL_NEXT;

    sl_exchange_waited(exchange);
    if (error != NULL)
        verdict = sl_answer_without_redis(exchange, error);
    else if (!granted)
        verdict = sl_breaker_refuses(exchange, wait_us);
    else
        exchange->pass = *pass;
    sl_exchange_advance(exchange, verdict);
}

sl_verdict_t sl_answer_without_redis(sl_exchange_t *exchange, const char *error)
{
    exchange->outcome = SL_ADMISSION_NO_REDIS;
    h2o_iovec_t copy = sl_exchange_copy(exchange, sl_bytes_of(error)); /* h2o_strdup adds a final zero */
    return sl_answer(exchange, SL_ANSWER_NO_REDIS, &(sl_answer_details_t){.retry_after_s = 1, .log_detail = copy.base});
}

static sl_verdict_t refuse_key(sl_exchange_t *exchange, sl_admission_outcome_t outcome, sl_answer_id_t answer)
{
    exchange->outcome = outcome;
    if (sl_answer_status(answer) == 401)
        sl_add_challenge(exchange);
    return sl_answer(exchange, answer, &(sl_answer_details_t){.service = service_name(exchange)});
}

static sl_verdict_t refuse_over_limit(sl_exchange_t *exchange)
{
    const sl_admission_t *admission = &exchange->admission;
    sl_answer_details_t details = {.service = service_name(exchange), .has_limits = true};

    exchange->outcome = SL_ADMISSION_LIMITED;
    if (admission->wait_us != 0)
        details.retry_after_s = sl_retry_after_s(admission->wait_us);
    else /* no time would do, so none is told: who believed it would come again for ever */
        details.text = SL_LIT("This request costs more than this API key can ever spend at once.");
    return sl_answer(exchange, SL_ANSWER_LIMITED, &details);
}

static sl_verdict_t refuse_broken_record(sl_exchange_t *exchange)
{
    const char *field = exchange->admission.owner.base; /* h2o_strdup gave it a final zero */

    exchange->outcome = SL_ADMISSION_BROKEN;
    sl_number_add(&exchange->worker->slot->numbers[SL_M_BROKEN_RECORDS], 1);
    sl_log_limited(SL_LOG_ERROR, "broken_record", "the record of key %.8s has a field that cannot be understood: %s",
                   exchange->caller.digest, field);
    return sl_answer(exchange, SL_ANSWER_BROKEN_RECORD, &(sl_answer_details_t){.log_detail = field});
}

static sl_verdict_t admitted(sl_exchange_t *exchange)
{
    const sl_admission_t *admission = &exchange->admission;

    exchange->outcome = admission->is_shadow_refused ? SL_ADMISSION_SHADOW_LIMITED : SL_ADMISSION_ADMITTED;
    if (admission->is_shadow_refused)
        exchange->detail = "over the limit, in shadow mode";
    if (exchange->ask_breaker) {
        sl_service_breaker_t *breaker = sl_store_breaker(exchange->worker->store, exchange->service);
        exchange->pass =
            (sl_pass_t){breaker, admission->probe_generation, admission->is_probe ? admission->probe_id : 0};
    }
    return SL_NEXT;
}

/* With a fallback the caller must still be admitted, now without asking for the breaker: nothing has been charged yet.
 */
static sl_verdict_t breaker_refused(sl_exchange_t *exchange)
{
    sl_verdict_t verdict = sl_breaker_refuses(exchange, exchange->admission.wait_us);
    return verdict == SL_NEXT ? ask(exchange) : verdict;
}

static sl_verdict_t settle(sl_exchange_t *exchange)
{
    switch (exchange->admission.verdict) {
    case SL_VERDICT_ADMITTED:
        return admitted(exchange);
    case SL_VERDICT_UNKNOWN:
        return refuse_key(exchange, SL_ADMISSION_UNKNOWN, SL_ANSWER_UNKNOWN_KEY);
    case SL_VERDICT_DISABLED:
        return refuse_key(exchange, SL_ADMISSION_DISABLED, SL_ANSWER_DISABLED_KEY);
    case SL_VERDICT_EXPIRED:
        return refuse_key(exchange, SL_ADMISSION_EXPIRED, SL_ANSWER_EXPIRED_KEY);
    case SL_VERDICT_SERVICE:
        return refuse_key(exchange, SL_ADMISSION_FORBIDDEN, SL_ANSWER_NO_SERVICE_RIGHT);
    case SL_VERDICT_METHOD:
        return refuse_key(exchange, SL_ADMISSION_FORBIDDEN, SL_ANSWER_NO_METHOD_RIGHT);
    case SL_VERDICT_SCOPE:
        return refuse_key(exchange, SL_ADMISSION_FORBIDDEN, SL_ANSWER_NO_SCOPE);
    case SL_VERDICT_LIMITED:
        return refuse_over_limit(exchange);
    case SL_VERDICT_BREAKER:
        return breaker_refused(exchange);
    case SL_VERDICT_BROKEN:
    case SL_VERDICT_COUNT:
    default:
        return refuse_broken_record(exchange);
    }
}

static void take(sl_exchange_t *exchange, const sl_admission_t *admission)
{
    exchange->admission = *admission;
    exchange->admission.owner = sl_exchange_copy(exchange, admission->owner);
    exchange->admission.name = sl_exchange_copy(exchange, admission->name);
    exchange->has_admission = true;
    if (admission->verdict != SL_VERDICT_BROKEN) {
        exchange->caller.owner = exchange->admission.owner;
        exchange->caller.name = exchange->admission.name;
    }
}

static void on_admission(void *asker, const sl_admission_t *admission, const char *error)
{
    sl_exchange_t *exchange = asker;

    sl_exchange_waited(exchange);
    if (error != NULL) {
        sl_exchange_advance(exchange, sl_answer_without_redis(exchange, error));
        return;
    }
    take(exchange, admission);
    sl_exchange_advance(exchange, settle(exchange));
}
