/*
 * wire: one connection to Redis, kept up for ever: address, connect, AUTH and SELECT, bytes out once per turn, replies
 * in, back-off when it is lost.
 *
 * It knows nothing of questions: its owner says what is written and what a reply answers. Both links of a worker
 * (questions, pushes) stand on one wire each. None of the owner's callbacks may destroy the wire.
 */
#ifndef SLUICE_STORE_WIRE_H
#define SLUICE_STORE_WIRE_H

#include "pulse.h"
#include "sluice/config.h"
#include <hiredis/hiredis.h>

typedef struct sl_wire_t sl_wire_t;

typedef struct sl_wire_owner_t {
    const char *name;                 /* in log lines: "redis", "redis pushes" */
    void (*on_connected)(void *data); /* write your greeting: it leaves in one write with AUTH and SELECT */
    void (*on_reply)(void *data,
                     redisReply *reply); /* after those of AUTH, SELECT and PING; the reply is freed afterwards */
    void (*on_lost)(void *data,
                    const char *why); /* each time an attempt or a connection ends; may come from within sl_wire_drop */
    void *data;
} sl_wire_owner_t;

/* Connects in its first turn. `settings` and `pulse` outlive the wire. */
sl_wire_t *sl_wire_create(h2o_context_t *ctx, const sl_redis_settings_t *settings, sl_pulse_t *pulse,
                          const sl_wire_owner_t *owner);
/* Without on_lost. */
void sl_wire_destroy(sl_wire_t *wire);

/* Where commands are appended; they leave at the end of the turn. NULL while not connected. */
sl_text_t *sl_wire_out(sl_wire_t *wire);
/* The owner's greeting was answered well: the connect deadline is over. */
void sl_wire_settle(sl_wire_t *wire);
/* It answered something of use: the next loss starts with the shortest back-off again. */
void sl_wire_prove(sl_wire_t *wire);
void sl_wire_drop(sl_wire_t *wire, const char *why);

/* Something has arrived that on_reply was not told yet, be it half a reply or the connection's end. While settled. */
bool sl_wire_has_unread(const sl_wire_t *wire);

/* Deadlines and reconnecting; returns when it wants the next turn. */
uint64_t sl_wire_turn(sl_wire_t *wire, uint64_t now_us);
/* Writes what was appended, unless a write is still under way (then it follows). True when it wrote. */
bool sl_wire_flush(sl_wire_t *wire);

/* Pure: how long to rest after `failures` attempts in a row, before jitter of a quarter is added. */
uint64_t sl_wire_rest_us(unsigned failures);

#endif
