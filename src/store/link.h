/*
 * link: questions to Redis and their answers over one wire. Each question waits for a limited time, whatever the server
 * does.
 *
 * A question is a ticket: sent (it has a place in the order of replies), parked (to be sent again) or doomed (its
 * failure is told on the next turn). An asker that was told, or that has gone, leaves the ticket in its place: the
 * reply will come and must be known as its.
 *
 * A question with a hole in its words is not written before the turn, so that others who would ask the same can join it
 * until then: they raise the number in the hole.
 */
#ifndef SLUICE_STORE_LINK_H
#define SLUICE_STORE_LINK_H

#include "pulse.h"
#include "resp.h"
#include "scripts.h"
#include "sluice/store.h"
#include <hiredis/hiredis.h>

typedef struct sl_link_t sl_link_t;

#define SL_PLAIN_COMMAND SL_SCRIPT_COUNT /* no script: the words are the whole command */

/* Who asked, and how a reply becomes the typed answer. */
typedef struct sl_asker_t {
    /* Exactly one of reply (never an error reply) and error is NULL. */
    void (*on_answer)(const struct sl_asker_t *asker, const redisReply *reply, const char *error);
    /* May be NULL: a reply came, but nobody waits any more. */
    void (*on_late)(const struct sl_asker_t *asker, const redisReply *reply);
    void *data;
    sl_on_pass_t on_pass; /* for the asker's own use, like data and breaker */
    sl_service_breaker_t *breaker;
} sl_asker_t;

typedef struct sl_link_events_t {
    void (*on_ready)(void *data); /* connected, or well again after a sickness */
    void *data;
} sl_link_events_t;

sl_link_t *sl_link_create(h2o_context_t *ctx, const sl_redis_settings_t *settings, sl_pulse_t *pulse,
                          sl_worker_slot_t *slot, const sl_link_events_t *events);
/* Fails what is pending, on the spot. */
void sl_link_destroy(sl_link_t *link);
bool sl_link_is_ready(const sl_link_t *link);

/* Empty words for the next question: fill, then ask. */
sl_words_t *sl_link_words(sl_link_t *link);
/* Asks with those words; the first `keys` of them are KEYS. */
sl_ticket_t *sl_link_ask(sl_link_t *link, sl_script_id_t script, size_t keys, const sl_asker_t *asker);

/* Adds `number` to the one in the ticket's hole; false when it has left already, or asks something else than `words`.
 */
bool sl_ticket_join(sl_ticket_t *ticket, const sl_words_t *words);
/* Takes it off again; one that has been sent, and may have been executed, stays as it is. */
void sl_ticket_leave(sl_ticket_t *ticket, uint64_t number);
/* From within its on_answer: asks the same again with another number, until the same deadline. */
sl_ticket_t *sl_ticket_again(const sl_ticket_t *ticket, uint64_t number);

/* One turn: deadlines, failures, what is to be sent again, one write. Returns when it wants the next. */
uint64_t sl_link_turn(sl_link_t *link, uint64_t now_us);

#endif
