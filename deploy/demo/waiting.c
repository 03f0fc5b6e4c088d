/*
 * waiting: answers that take their time.
 *
 * A timer list of libh2o holds one duration. The wait is therefore paid in powers of two: each step waits in the
 * longest list that does not overshoot, at most seventeen steps for a minute.
 */
#include "demo.h"

#define DELAY_MAX_MS 60000

typedef struct wait_t {
    h2o_timeout_entry_t entry;
    demo_call_t *call;
    uint64_t asked_ms, due_ms;
} wait_t;

static void on_step(h2o_timeout_entry_t *entry);

void demo_waits_init(demo_t *demo)
{
    for (unsigned i = 0; i != DEMO_WAIT_LISTS; ++i)
        h2o_timeout_init(demo->context.loop, &demo->waits[i], 1u << i);
}

void demo_waits_dispose(demo_t *demo)
{
    for (unsigned i = 0; i != DEMO_WAIT_LISTS; ++i)
        h2o_timeout_dispose(demo->context.loop, &demo->waits[i]);
}

/* The request may end before its time: its client left. */
static void leave(void *wait_of_request)
{
    wait_t *wait = wait_of_request;
    if (h2o_timeout_is_linked(&wait->entry))
        h2o_timeout_unlink(&wait->entry);
}

static void link_step(wait_t *wait, uint64_t left_ms)
{
    unsigned list = 0;
    while (list + 1 < DEMO_WAIT_LISTS && (2u << list) <= left_ms)
        ++list;
    h2o_timeout_link(wait->call->demo->context.loop, &wait->call->demo->waits[list], &wait->entry);
}

static void finish(wait_t *wait)
{
    struct json_object *json = json_object_new_object();
    json_object_object_add(json, "waited_ms", json_object_new_int64((int64_t)wait->asked_ms));
    demo_answer(wait->call, 200, json);
}

void demo_delay(demo_call_t *call)
{
    uint64_t delay_ms;

    if (!demo_parse_number(call->argument, DELAY_MAX_MS, &delay_ms)) {
        demo_refuse(call, 400, "a delay is a number of milliseconds up to 60000");
        return;
    }
    wait_t *wait = h2o_mem_alloc_shared(&call->req->pool, sizeof(*wait), leave);
    *wait = (wait_t){.call = call, .asked_ms = delay_ms, .due_ms = h2o_now(call->demo->context.loop) + delay_ms};
    wait->entry.cb = on_step;
    if (delay_ms == 0)
        finish(wait);
    else
        link_step(wait, delay_ms);
}

static void on_step(h2o_timeout_entry_t *entry)
{
    wait_t *wait = H2O_STRUCT_FROM_MEMBER(wait_t, entry, entry);
    uint64_t now_ms = h2o_now(wait->call->demo->context.loop);

    if (now_ms < wait->due_ms)
        link_step(wait, wait->due_ms - now_ms);
    else
        finish(wait);
}
