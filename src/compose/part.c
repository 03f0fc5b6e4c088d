/*
 * part: one call of the plan, from the moment its inputs are known until it has settled.
 *
 * A for_each asks for `concurrency` elements at a time, in order, and joins the answers in that order whatever order
 * they came in. An element that did not do well leaves a null in its place, so that the n-th answer belongs to the n-th
 * element; when none did well, the part's `default` stands for the whole. How many elements there are was not known
 * when the request was admitted, for one of them: the others are paid for before the first is asked.
 */
#include "inside.h"
#include "sluice/clock.h"

static void start_legs(sl_part_t *part);
static void settle(sl_part_t *part);

/* An index may take fourteen times the bytes that it is of, so what it takes is told. */
static const char *read_json(sl_compose_t *compose, sl_json_t *json, h2o_iovec_t bytes)
{
    size_t before = json->capacity, offset;
    const char *problem = sl_json_index(json, bytes, NULL, &offset);
    size_t grown = (json->capacity - before) * sizeof(*json->values);

    compose->index_bytes += grown;
    *compose->env.index_bytes += grown;
    return problem;
}

/* --- the end --- */

static bool index_bytes(sl_part_t *part, h2o_iovec_t bytes, sl_part_error_t *error)
{
    const char *problem = read_json(part->compose, &part->body, bytes);

    part->has_body = problem == NULL;
    if (problem != NULL)
        *error = problem == sl_json_too_deep || problem == sl_json_too_many ? SL_PART_TOO_DEEP : SL_PART_NOT_JSON;
    return problem == NULL;
}

static void end_with(sl_part_t *part, sl_part_error_t error)
{
    part->report.error = error;
    part->state = SL_PART_SETTLED;
    part->report.us = sl_clock_us() - part->begun_us;
}

/* Without an answer of its own: the default, or nothing at all. */
static void end_without(sl_part_t *part, sl_part_error_t error)
{
    sl_part_error_t ignored; /* the configuration was checked */

    if (part->plan->default_json.len != 0)
        index_bytes(part, part->plan->default_json, &ignored);
    end_with(part, error);
}

static h2o_iovec_t answer_of(const sl_leg_t *leg)
{
    return leg->fetch != NULL ? sl_bytes(leg->fetch->body.base, leg->fetch->body.size) : sl_bytes(NULL, 0);
}

static void end_single(sl_part_t *part)
{
    sl_leg_t *leg = part->legs;
    sl_part_error_t error = leg->error;

    if (error == SL_PART_WELL && answer_of(leg).len != 0)
        index_bytes(part, answer_of(leg), &error);
    if (error != SL_PART_WELL)
        end_without(part, error);
    else
        end_with(part, SL_PART_WELL);
}

static bool join(sl_part_t *part)
{
    size_t most = part->compose->request.aggregate->bytes_max;

    sl_text_put(&part->joined, "[");
    for (size_t i = 0; i != part->leg_count; ++i) {
        h2o_iovec_t answer = part->legs[i].error == SL_PART_WELL ? answer_of(&part->legs[i]) : sl_bytes(NULL, 0);
        if (i != 0)
            sl_text_put(&part->joined, ",");
        if (answer.len == 0)
            answer = SL_LIT("null");
        if (part->joined.size + answer.len + 2 > most)
            return false;
        sl_text_append(&part->joined, answer.base, answer.len);
    }
    sl_text_put(&part->joined, "]");
    return true;
}

static void end_list(sl_part_t *part, sl_part_error_t error)
{
    if (part->leg_count != 0 && part->report.failed == part->leg_count) {
        end_without(part, error);
    } else if (!join(part)) {
        end_without(part, SL_PART_TOO_LARGE);
    } else {
        sl_part_error_t deep = SL_PART_WELL;
        if (!index_bytes(part, sl_bytes(part->joined.base, part->joined.size), &deep))
            end_without(part, deep);
        else
            end_with(part, error);
    }
}

/* Status and error are those of the first leg that did not do well. */
static void settle(sl_part_t *part)
{
    const sl_leg_t *told = part->leg_count != 0 ? &part->legs[0] : NULL;

    for (size_t i = 0; i != part->leg_count; ++i) {
        if (part->legs[i].error == SL_PART_WELL)
            continue;
        if (part->report.failed++ == 0)
            told = &part->legs[i];
    }
    if (told != NULL && told->fetch != NULL) {
        part->report.status = told->fetch->status;
        part->report.wait_us = told->fetch->wait_us;
    }
    if (part->plan->for_each != NULL)
        end_list(part, told != NULL ? told->error : SL_PART_WELL);
    else
        end_single(part);
}

/* --- the legs --- */

/* An answer that becomes an element has to be JSON by itself, or it would break the array around it. */
static sl_part_error_t look_at_element(sl_compose_t *compose, h2o_iovec_t bytes)
{
    if (bytes.len == 0)
        return SL_PART_WELL;
    const char *problem = read_json(compose, &compose->checked, bytes);
    if (problem == NULL)
        return SL_PART_WELL;
    return problem == sl_json_too_deep || problem == sl_json_too_many ? SL_PART_TOO_DEEP : SL_PART_NOT_JSON;
}

static void end_leg(sl_leg_t *leg)
{
    sl_part_t *part = leg->part;

    leg->is_ended = true;
    --part->running;
    if (leg->fetch != NULL && leg->error == SL_PART_WELL)
        leg->error = leg->fetch->error;
    if (part->plan->for_each != NULL && leg->error == SL_PART_WELL)
        leg->error = look_at_element(part->compose, answer_of(leg));
}

static bool take_item(sl_part_t *part)
{
    sl_compose_t *compose = part->compose;

    if (part->plan->for_each == NULL)
        return true;
    h2o_iovec_t bytes = sl_json_bytes(&part->list, part->next_item);
    part->next_item = part->list.values[part->next_item].next;
    char *end = sl_put_number(compose->index_text, part->next_leg);
    *end = '\0';
    compose->has_item = read_json(compose, &compose->item, bytes) == NULL;
    return compose->has_item;
}

static void start_leg(sl_part_t *part)
{
    sl_leg_t *leg = &part->legs[part->next_leg];

    ++part->running;
    if (take_item(part))
        sl_fetch_begin(leg);
    else
        leg->error = SL_PART_BAD_INPUT;
    ++part->next_leg;
    part->compose->has_item = false;
    if (leg->fetch == NULL || leg->fetch->is_ended)
        end_leg(leg);
}

static void start_legs(sl_part_t *part)
{
    uint64_t most = part->plan->for_each != NULL && part->plan->concurrency != 0 ? part->plan->concurrency : 1;

    while (part->next_leg != part->leg_count && part->running < most)
        start_leg(part);
    if (part->next_leg == part->leg_count && part->running == 0)
        settle(part);
}

static void on_leg_end(sl_leg_t *leg)
{
    end_leg(leg);
    start_legs(leg->part);
}

/* --- the start --- */

static sl_part_error_t read_list(sl_part_t *part)
{
    sl_compose_t *compose = part->compose;
    const sl_call_plan_t *plan = part->plan;
    size_t most = compose->request.aggregate->bytes_max;

    if (!sl_template_fill(plan->for_each, sl_compose_resolve, compose, most, &part->list_text))
        return SL_PART_TOO_LARGE;
    if (read_json(compose, &part->list, sl_bytes(part->list_text.base, part->list_text.size)) != NULL ||
        part->list.values[0].type != SL_JSON_ARRAY)
        return SL_PART_NOT_A_LIST;
    part->report.count = part->leg_count = part->list.values[0].count;
    part->next_item = part->leg_count != 0 ? 1 : 0;
    return part->leg_count > plan->for_each_max ? SL_PART_TOO_MANY : SL_PART_WELL;
}

static void on_paid(void *data, sl_part_error_t error, uint64_t wait_us)
{
    sl_part_t *part = data;

    part->payment = NULL;
    if (error == SL_PART_WELL) {
        start_legs(part);
    } else {
        part->leg_count = 0;
        part->report.wait_us = wait_us;
        end_without(part, error);
    }
    part->compose->advance(part->compose);
}

static void pay(sl_part_t *part)
{
    const sl_compose_request_t *request = &part->compose->request;

    part->payment = request->pay(request->data, part->plan, part->leg_count - 1, on_paid, part);
}

static void make_legs(sl_part_t *part)
{
    part->legs = h2o_mem_alloc_pool(&part->compose->pool, (part->leg_count + 1) * sizeof(sl_leg_t));
    for (size_t i = 0; i != part->leg_count; ++i)
        part->legs[i] = (sl_leg_t){.part = part, .on_end = on_leg_end};
}

void sl_part_start(sl_part_t *part)
{
    const sl_call_plan_t *plan = part->plan;

    part->begun_us = sl_clock_us();
    part->state = SL_PART_RUNNING;
    if (plan->when != NULL && !sl_template_holds(plan->when, sl_compose_resolve, part->compose)) {
        end_without(part, SL_PART_WELL);
        return;
    }
    part->leg_count = 1;
    sl_part_error_t error = plan->for_each != NULL ? read_list(part) : SL_PART_WELL;
    if (error != SL_PART_WELL) {
        end_without(part, error);
        return;
    }
    make_legs(part);
    if (plan->for_each != NULL && part->leg_count > 1 && plan->cost != 0 && part->compose->request.pay != NULL)
        pay(part);
    else
        start_legs(part);
}

void sl_part_cancel(sl_part_t *part)
{
    if (part->payment != NULL)
        sl_seat_cancel(part->payment);
    part->payment = NULL;
}

void sl_part_dispose(sl_part_t *part)
{
    sl_json_dispose(&part->list);
    sl_text_dispose(&part->list_text);
    sl_json_dispose(&part->body);
    sl_text_dispose(&part->joined);
}
