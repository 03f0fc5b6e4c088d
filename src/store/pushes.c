/*
 * pushes: a second connection on which Redis tells which breakers and which keys' records were changed (CLIENT
 * TRACKING, broadcast by prefix).
 *
 * The messages are redirected to this same connection, so that tracking and messages die together and the loss is seen.
 * A half-open connection gives no sign at all: for that each worker writes a key of its own once a second, on the other
 * link, and expects to be told of it here.
 */
#include "parts.h"
#include "sluice/clock.h"
#include "sluice/digest.h"
#include "sluice/log.h"
#include "wire.h"
#include <stdio.h>

#define BEAT_EVERY_US 1000000
#define BEATS_UNSEEN_MAX 3
#define ID_BYTES 8

typedef enum { IDENTIFYING, TRACKING, SUBSCRIBING, LIVE } pushes_step_t;

struct sl_pushes_t {
    sl_store_t *store;
    sl_wire_t *wire;
    pushes_step_t step; /* what the next reply answers; means something while connected */
    bool is_live;
    char *breakers_prefix; /* "sluice:breaker:" */
    char *records_prefix;  /* "sluice:key:" */
    char *beat_key;        /* "sluice:node:<random>;": no prefix of another worker's */
    uint64_t beat_us;
    unsigned beats_unseen; /* written well since one was last told of */
};

static void on_connected(void *data);
static void on_reply(void *data, redisReply *reply);
static void on_lost(void *data, const char *why);

static char *join(const char *prefix, const char *middle, const char *tail)
{
    size_t size = strlen(prefix) + strlen(middle) + strlen(tail) + 1;
    char *text = h2o_mem_alloc(size);

    snprintf(text, size, "%s%s%s", prefix, middle, tail);
    return text;
}

sl_pushes_t *sl_pushes_create(sl_store_t *store)
{
    sl_pushes_t *pushes = h2o_mem_alloc(sizeof(*pushes));
    sl_wire_owner_t owner = {"redis pushes", on_connected, on_reply, on_lost, pushes};
    char id[2 * ID_BYTES + 2];

    sl_random_hex(id, ID_BYTES);
    memcpy(id + 2 * ID_BYTES, ";", 2);
    *pushes = (sl_pushes_t){.store = store,
                            .breakers_prefix = join(store->settings.prefix, ":breaker:", ""),
                            .records_prefix = join(store->settings.prefix, ":key:", ""),
                            .beat_key = join(store->settings.prefix, ":node:", id)};
    pushes->wire = sl_wire_create(store->ctx, &store->settings, &store->pulse, &owner);
    return pushes;
}

void sl_pushes_destroy(sl_pushes_t *pushes)
{
    sl_wire_destroy(pushes->wire);
    free(pushes->breakers_prefix);
    free(pushes->records_prefix);
    free(pushes->beat_key);
    free(pushes);
}

bool sl_pushes_are_live(const sl_pushes_t *pushes)
{
    return pushes->is_live;
}

bool sl_pushes_are_read(const sl_pushes_t *pushes)
{
    return pushes->is_live && !sl_wire_has_unread(pushes->wire);
}

/* --- getting subscribed --- */

static void on_connected(void *data)
{
    sl_pushes_t *pushes = data;

    sl_resp_command(sl_wire_out(pushes->wire), 2, (const char *[]){"CLIENT", "ID"});
    pushes->step = IDENTIFYING;
}

static void track_and_subscribe(sl_pushes_t *pushes, long long id)
{
    sl_text_t *out = sl_wire_out(pushes->wire);
    char number[24];

    snprintf(number, sizeof(number), "%lld", id);
    sl_resp_command(out, 12,
                    (const char *[]){"CLIENT", "TRACKING", "ON", "REDIRECT", number, "BCAST", "PREFIX",
                                     pushes->breakers_prefix, "PREFIX", pushes->records_prefix, "PREFIX",
                                     pushes->beat_key});
    sl_resp_command(out, 2, (const char *[]){"SUBSCRIBE", "__redis__:invalidate"});
    sl_pulse_soon(&pushes->store->pulse, sl_clock_us());
    pushes->step = TRACKING;
}

/* Whatever is known may be old. */
static void doubt_everything(sl_pushes_t *pushes)
{
    sl_unknown_forget(&pushes->store->unknown);
    sl_breakers_read_all(pushes->store);
}

/* What changed before we were subscribed was told to nobody. */
static void go_live(sl_pushes_t *pushes)
{
    sl_wire_settle(pushes->wire);
    sl_wire_prove(pushes->wire);
    pushes->step = LIVE;
    pushes->is_live = true;
    pushes->beats_unseen = 0;
    doubt_everything(pushes);
}

static void on_lost(void *data, const char *why)
{
    sl_pushes_t *pushes = data;

    (void)why;
    pushes->is_live = false;
}

/* --- messages --- */

static void take_key(sl_pushes_t *pushes, const redisReply *key)
{
    if (key->type != REDIS_REPLY_STRING)
        return;
    h2o_iovec_t name = sl_bytes(key->str, key->len);
    size_t records_len = strlen(pushes->records_prefix);

    if (sl_bytes_equal(name, sl_bytes_of(pushes->beat_key)))
        pushes->beats_unseen = 0;
    else if (name.len >= records_len && memcmp(name.base, pushes->records_prefix, records_len) == 0)
        sl_unknown_record_changed(&pushes->store->unknown, sl_bytes(name.base + records_len, name.len - records_len));
    else
        sl_breakers_touch(pushes->store, name);
}

/* [message, channel, [key, ...]]; nil instead of the keys after FLUSHALL and FLUSHDB. */
static void take_message(sl_pushes_t *pushes, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3)
        return;
    const redisReply *keys = reply->element[2];
    if (keys->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i != keys->elements; ++i)
            take_key(pushes, keys->element[i]);
    } else {
        doubt_everything(pushes);
    }
}

static void on_reply(void *data, redisReply *reply)
{
    sl_pushes_t *pushes = data;

    if (reply->type == REDIS_REPLY_ERROR) {
        sl_wire_drop(pushes->wire, reply->str);
        return;
    }
    switch (pushes->step) {
    case IDENTIFYING:
        track_and_subscribe(pushes, reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0);
        return;
    case TRACKING:
        pushes->step = SUBSCRIBING;
        return;
    case SUBSCRIBING:
        go_live(pushes);
        return;
    case LIVE:
        take_message(pushes, reply);
        return;
    }
}

/* --- the beat --- */

static void on_beat(const sl_asker_t *asker, const redisReply *reply, const char *error)
{
    sl_pushes_t *pushes = asker->data;

    (void)reply;
    if (error == NULL && pushes->is_live)
        ++pushes->beats_unseen;
}

static void beat(sl_pushes_t *pushes)
{
    sl_words_t *words = sl_link_words(pushes->store->link);
    sl_asker_t who = {.on_answer = on_beat, .data = pushes};

    sl_words_put(words, SL_LIT("SET"));
    sl_words_put(words, sl_bytes_of(pushes->beat_key));
    sl_words_put(words, SL_LIT("1"));
    sl_words_put(words, SL_LIT("PX"));
    sl_words_put(words, SL_LIT("5000"));
    sl_link_ask(pushes->store->link, SL_PLAIN_COMMAND, 0, &who);
}

uint64_t sl_pushes_turn(sl_pushes_t *pushes, uint64_t now_us)
{
    if (pushes->is_live && pushes->beats_unseen >= BEATS_UNSEEN_MAX)
        sl_wire_drop(pushes->wire, "silent: not told of our own key");
    if (pushes->is_live && now_us >= pushes->beat_us + BEAT_EVERY_US) {
        pushes->beat_us = now_us;
        if (sl_link_is_ready(pushes->store->link))
            beat(pushes);
    }
    uint64_t next_us = sl_wire_turn(pushes->wire, now_us);
    if (pushes->is_live && pushes->beat_us + BEAT_EVERY_US < next_us)
        next_us = pushes->beat_us + BEAT_EVERY_US;
    if (sl_wire_flush(pushes->wire))
        sl_number_add(&pushes->store->slot->numbers[SL_M_REDIS_WRITES], 1);
    return next_us;
}
