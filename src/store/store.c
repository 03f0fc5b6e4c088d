/* store: one worker's Redis. Puts the parts together: the link for questions, the breakers' views, the pushes that keep
 * them fresh, and one pulse for all. */
#include "parts.h"
#include "sluice/clock.h"

static char *copy_text(const char *text)
{
    return text != NULL ? h2o_strdup(NULL, text, SIZE_MAX).base : NULL;
}

static void copy_settings(sl_redis_settings_t *to, const sl_redis_settings_t *from)
{
    *to = *from;
    to->host = copy_text(from->host);
    to->path = copy_text(from->path);
    to->data = copy_text(from->data);
    to->username = copy_text(from->username);
    to->password = copy_text(from->password);
    to->prefix = copy_text(from->prefix);
}

static void dispose_settings(sl_redis_settings_t *settings)
{
    free(settings->host);
    free(settings->path);
    free(settings->data);
    free(settings->username);
    free(settings->password);
    free(settings->prefix);
}

/* It may be another server, or one that has lost its memory. */
static void on_link_ready(void *data)
{
    sl_store_t *store = data;

    sl_unknown_forget(&store->unknown);
    sl_breakers_read_all(store);
}

/* Breakers, pushes and versions ask questions in their turns, so the link, which writes, comes last. */
static uint64_t on_pulse(void *data, uint64_t now_us)
{
    sl_store_t *store = data;
    uint64_t breakers_us = sl_breakers_turn(store, now_us);
    uint64_t pushes_us = sl_pushes_turn(store->pushes, now_us);
    uint64_t versions_us = sl_versions_turn(store, now_us);
    uint64_t next_us = sl_link_turn(store->link, now_us);

    next_us = next_us < breakers_us ? next_us : breakers_us;
    next_us = next_us < versions_us ? next_us : versions_us;
    return next_us < pushes_us ? next_us : pushes_us;
}

sl_store_t *sl_store_create(h2o_context_t *ctx, const sl_redis_settings_t *settings, sl_worker_slot_t *slot)
{
    sl_store_t *store = h2o_mem_alloc(sizeof(*store));
    sl_link_events_t events = {on_link_ready, store};

    memset(store, 0, sizeof(*store));
    store->ctx = ctx;
    store->slot = slot;
    copy_settings(&store->settings, settings);
    store->prefix = sl_bytes_of(store->settings.prefix);
    sl_pulse_init(&store->pulse, ctx->loop, on_pulse, store);
    store->link = sl_link_create(ctx, &store->settings, &store->pulse, slot, &events);
    store->pushes = sl_pushes_create(store);
    return store;
}

void sl_store_destroy(sl_store_t *store)
{
    sl_link_destroy(store->link);
    sl_pushes_destroy(store->pushes);
    sl_breakers_dispose(store);
    sl_versions_dispose(store);
    sl_unknown_dispose(&store->unknown);
    sl_pulse_dispose(&store->pulse);
    dispose_settings(&store->settings);
    free(store);
}

bool sl_store_is_ready(const sl_store_t *store)
{
    return sl_link_is_ready(store->link);
}
