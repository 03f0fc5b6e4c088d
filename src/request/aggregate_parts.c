/*
 * aggregate_parts: how the parts of an answer went, told to the client (_meta, or the problem when a required one
 * failed) and to the log.
 *
 *   "_meta": {"parts": {"search": {"status": 500, "ms": 12, "error": "status"}}}      of a for_each also "failed", "of"
 *
 * The members stand in this order and are always there; a part that got no answer has the status null.
 */
#include "aggregate.h"
#include "sluice/answer.h"

static bool is_well(const sl_compose_t *compose, size_t call)
{
    return sl_compose_report(compose, call)->error == SL_PART_WELL;
}

const char *sl_parts_detail(sl_exchange_t *exchange, const sl_compose_t *compose)
{
    const sl_aggregate_t *aggregate = exchange->route->aggregate;
    sl_text_t text = {0};

    for (size_t i = 0; i != aggregate->call_count; ++i) {
        if (is_well(compose, i))
            continue;
        if (text.size != 0)
            sl_text_put(&text, " ");
        sl_text_put(&text, aggregate->calls[i].name);
        sl_text_put(&text, ":");
        sl_text_put(&text, sl_part_error_word(sl_compose_report(compose, i)->error));
    }
    const char *detail = text.size != 0 ? sl_exchange_copy(exchange, sl_bytes(text.base, text.size)).base : NULL;
    sl_text_dispose(&text);
    return detail;
}

/* --- _meta --- */

static void put_part(sl_text_t *meta, const char *name, const sl_part_report_t *report)
{
    sl_text_json(meta, sl_bytes_of(name));
    sl_text_put(meta, ":{\"status\":");
    if (report->status != 0)
        sl_text_number(meta, (unsigned long long)report->status);
    else
        sl_text_put(meta, "null");
    sl_text_put(meta, ",\"ms\":");
    sl_text_number(meta, report->us / 1000);
    sl_text_put(meta, ",\"error\":\"");
    sl_text_put(meta, sl_part_error_word(report->error));
    sl_text_put(meta, "\"");
    if (report->count != 0) {
        sl_text_put(meta, ",\"failed\":");
        sl_text_number(meta, report->failed);
        sl_text_put(meta, ",\"of\":");
        sl_text_number(meta, report->count);
    }
    sl_text_put(meta, "}");
}

static void put_parts(const sl_aggregate_t *aggregate, const sl_compose_t *compose, sl_text_t *meta)
{
    const char *separator = "";

    sl_text_put(meta, "\"_meta\":{\"parts\":{");
    for (size_t i = 0; i != aggregate->call_count; ++i) {
        if (is_well(compose, i))
            continue;
        sl_text_put(meta, separator);
        put_part(meta, aggregate->calls[i].name, sl_compose_report(compose, i));
        separator = ",";
    }
    sl_text_put(meta, "}}}");
}

static bool is_all_well(const sl_aggregate_t *aggregate, const sl_compose_t *compose)
{
    for (size_t i = 0; i != aggregate->call_count; ++i)
        if (!is_well(compose, i))
            return false;
    return true;
}

/* Where the object's own members end, 0 when there is no place for ours. */
static size_t end_of_members(const sl_text_t *answer, bool *is_empty)
{
    sl_json_t json = {0};
    size_t offset, end = 0;

    if (sl_json_index(&json, sl_bytes(answer->base, answer->size), NULL, &offset) == NULL &&
        json.values[0].type == SL_JSON_OBJECT && sl_json_member(&json, 0, SL_LIT("_meta")) < 0) {
        *is_empty = json.values[0].count == 0;
        end = json.values[0].end - 1;
    }
    sl_json_dispose(&json);
    return end;
}

void sl_parts_put_meta(const sl_aggregate_t *aggregate, const sl_compose_t *compose, sl_text_t *answer)
{
    bool is_empty = false;

    if (!aggregate->meta || is_all_well(aggregate, compose))
        return;
    size_t end = end_of_members(answer, &is_empty);
    if (end == 0)
        return;
    answer->size = end;
    if (!is_empty)
        sl_text_put(answer, ",");
    put_parts(aggregate, compose, answer);
}

/* --- a required part --- */

/* What could not be asked without any other part's answer lacks something in the request. */
static bool is_clients_fault(const sl_call_plan_t *plan, sl_part_error_t error)
{
    return plan->need_count == 0 &&
           (error == SL_PART_BAD_INPUT || error == SL_PART_NOT_A_LIST || error == SL_PART_TOO_MANY);
}

static sl_answer_id_t answer_for(const sl_call_plan_t *plan, sl_part_error_t error)
{
    if (is_clients_fault(plan, error))
        return SL_ANSWER_BAD_INPUT;
    switch (error) {
    case SL_PART_TIMEOUT:
        return SL_ANSWER_UPSTREAM_TIMEOUT;
    case SL_PART_REFUSED:
        return SL_ANSWER_UPSTREAM_REFUSED;
    case SL_PART_BROKEN:
        return SL_ANSWER_UPSTREAM_BROKEN;
    case SL_PART_BREAKER_OPEN:
        return SL_ANSWER_BREAKER_OPEN;
    case SL_PART_NO_REDIS:
        return SL_ANSWER_NO_REDIS;
    case SL_PART_LIMITED:
        return SL_ANSWER_LIMITED;
    case SL_PART_NOT_ALLOWED:
        return SL_ANSWER_NO_SERVICE_RIGHT;
    case SL_PART_WELL:
    case SL_PART_STATUS:
    case SL_PART_NOT_JSON:
    case SL_PART_TOO_DEEP:
    case SL_PART_TOO_LARGE:
    case SL_PART_BAD_INPUT:
    case SL_PART_NOT_A_LIST:
    case SL_PART_TOO_MANY:
    case SL_PART_ERROR_COUNT:
    default:
        return SL_ANSWER_PART_FAILED;
    }
}

static uint64_t retry_after_s(const sl_part_report_t *report)
{
    if (report->error == SL_PART_BREAKER_OPEN || (report->error == SL_PART_LIMITED && report->wait_us != 0))
        return sl_retry_after_s(report->wait_us);
    return report->error == SL_PART_NO_REDIS ? 1 : 0;
}

sl_verdict_t sl_parts_answer_failure(sl_exchange_t *exchange, const sl_compose_t *compose, size_t call)
{
    const sl_call_plan_t *plan = &exchange->route->aggregate->calls[call];
    const sl_part_report_t *report = sl_compose_report(compose, call);
    sl_text_t text = {0};

    sl_text_format(&text, "The part '%s' of this answer, without which there is none, %s", plan->name,
                   sl_part_error_text(report->error));
    if (report->status != 0)
        sl_text_format(&text, " (status %d)", report->status);
    sl_text_put(&text, ".");
    sl_answer_details_t details = {.text = sl_exchange_copy(exchange, sl_bytes(text.base, text.size)),
                                   .service = plan->service->name,
                                   .part = plan->name,
                                   .retry_after_s = retry_after_s(report),
                                   .has_limits = report->error == SL_PART_LIMITED,
                                   .log_detail = sl_parts_detail(exchange, compose)};
    sl_text_dispose(&text);
    return sl_answer(exchange, answer_for(plan, report->error), &details);
}
