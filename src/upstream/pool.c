/*
 * pool: connections between two calls. Their read stays armed, so the end of one is seen when it comes and no probe is
 * needed when it is taken; and taking or keeping one costs no system call.
 */
#include "inside.h"
#include "sluice/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

sl_upstream_t *sl_upstream_create(h2o_context_t *ctx, sl_shared_t *shared, sl_worker_slot_t *slot)
{
    sl_upstream_t *upstream = h2o_mem_alloc(sizeof *upstream);
    memset(upstream, 0, sizeof *upstream);
    upstream->loop = ctx->loop;
    upstream->shared = shared;
    upstream->slot = slot;
    sl_deadlines_init(&upstream->deadlines, ctx->loop);
    for (size_t i = 0; i != SL_MAX_INSTANCES; ++i)
        h2o_linklist_init_anchor(&upstream->kept[i].wires);
    return upstream;
}

static sl_wire_t *newest(const sl_kept_t *home)
{
    return H2O_STRUCT_FROM_MEMBER(sl_wire_t, link, home->wires.next);
}

static sl_wire_t *oldest(const sl_kept_t *home)
{
    return H2O_STRUCT_FROM_MEMBER(sl_wire_t, link, home->wires.prev);
}

static void close_kept(sl_kept_t *home)
{
    while (home->count != 0)
        sl_wire_close(newest(home));
}

void sl_upstream_destroy(sl_upstream_t *upstream)
{
    for (size_t i = 0; i != SL_MAX_INSTANCES; ++i) {
        close_kept(&upstream->kept[i]);
        free(upstream->kept[i].url);
    }
    for (sl_call_t *call = upstream->spare, *next; call != NULL; call = next) {
        next = call->next_spare;
        sl_text_dispose(&call->held);
        free(call);
    }
    sl_deadlines_dispose(&upstream->deadlines);
    free(upstream);
}

void sl_upstream_forget(sl_upstream_t *upstream, const sl_config_t *config)
{
    bool is_named[SL_MAX_INSTANCES] = {false};
    for (size_t i = 0; i != config->service_count; ++i) {
        const sl_service_t *service = &config->services[i];
        for (size_t j = 0; j != service->instance_count; ++j)
            is_named[service->instances[j].slot] = true;
    }
    /* slot 0 is shared by those that found no slot of their own: there is no telling whose they are */
    is_named[0] = false;
    for (size_t i = 0; i != SL_MAX_INSTANCES; ++i) {
        if (!is_named[i])
            close_kept(&upstream->kept[i]);
    }
}

sl_kept_t *sl_pool_home(sl_upstream_t *upstream, const sl_instance_t *instance)
{
    sl_kept_t *home = &upstream->kept[instance->slot];
    if (home->url == NULL || (home->count == 0 && strcmp(home->url, instance->url) != 0)) {
        free(home->url);
        home->url = h2o_strdup(NULL, instance->url, SIZE_MAX).base;
    }
    return strcmp(home->url, instance->url) == 0 ? home : NULL;
}

/* Anything that could be read from a kept connection ends it: there is no request that it could answer. */
static bool is_quiet(const sl_wire_t *wire)
{
    char byte;
    return recv(h2o_socket_get_fd(wire->sock), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
           (errno == EAGAIN || errno == EINTR);
}

static void leave_home(sl_wire_t *wire)
{
    h2o_linklist_unlink(&wire->link);
    --wire->home->count;
    sl_number_sub(&wire->numbers->connections_idle, 1);
    sl_deadline_clear(&wire->keep_until);
}

sl_wire_t *sl_pool_take(sl_kept_t *home, sl_call_t *call)
{
    /* A request that may not be repeated pays for a last look: its end may have come since the loop looked. */
    bool is_careful = !sl_call_is_idempotent(call);
    while (home->count != 0) {
        sl_wire_t *wire = newest(home);
        if (!is_careful || is_quiet(wire)) {
            leave_home(wire);
            wire->call = call;
            return wire;
        }
        sl_wire_close(wire);
    }
    return NULL;
}

void sl_pool_keep(sl_wire_t *wire)
{
    const sl_service_t *service = wire->call->request.service;
    /* asked anew: while the call ran, the slot may have become another instance's */
    sl_kept_t *home = sl_pool_home(wire->upstream, wire->call->facts.instance);
    wire->call = NULL;
    wire->home = home;
    if (home == NULL || service->connections_idle == 0) {
        sl_wire_close(wire);
        return;
    }
    while (home->count >= service->connections_idle)
        sl_wire_close(oldest(home));
    h2o_linklist_insert(home->wires.next, &wire->link);
    ++home->count;
    sl_number_add(&wire->numbers->connections_idle, 1);
    sl_deadline_set(&wire->upstream->deadlines, &wire->keep_until, sl_clock_us() + service->idle_keep_ms * 1000);
}

void sl_wire_on_keep_over(sl_deadline_t *deadline)
{
    sl_wire_close(H2O_STRUCT_FROM_MEMBER(sl_wire_t, keep_until, deadline));
}

void sl_wire_close(sl_wire_t *wire)
{
    if (h2o_linklist_is_linked(&wire->link))
        leave_home(wire);
    sl_deadline_remove(&wire->upstream->deadlines, &wire->keep_until);
    sl_number_sub(&wire->numbers->connections_open, 1);
    h2o_socket_close(wire->sock);
    free(wire);
}
