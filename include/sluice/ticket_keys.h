/*
 * ticket_keys: what session tickets are sealed with (RFC 5077 §4). They lie in the mapped segment, so a session begun
 * with one worker is resumed by another; no other node knows them, and they are gone with the node. The supervisor
 * writes, workers read.
 */
#ifndef SLUICE_TICKET_KEYS_H
#define SLUICE_TICKET_KEYS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SL_TICKET_ROTATION_S 3600
#define SL_TICKET_LIFE_S (2 * SL_TICKET_ROTATION_S) /* the keys of the last two periods still open tickets */

typedef struct sl_ticket_key_t {
    uint8_t name[16], cipher[32], digest[32];
} sl_ticket_key_t;

#define SL_TICKET_KEYS                                                                                                 \
    4 /* three in use; the fourth is the one that is written next, so nobody reads a key half written */

typedef struct sl_ticket_keys_t {
    _Atomic uint32_t rotations; /* 0: there are none yet; the newest is keys[rotations % SL_TICKET_KEYS] */
    sl_ticket_key_t keys[SL_TICKET_KEYS];
} sl_ticket_keys_t;

/* A new key for new tickets; the oldest is forgotten. */
void sl_ticket_keys_rotate(sl_ticket_keys_t *keys);
/* The key for new tickets; false before the first rotation. */
bool sl_ticket_keys_newest(const sl_ticket_keys_t *keys, sl_ticket_key_t *key);
/* The key of that name, unless it is too old; `is_newest` tells whether the ticket need not be renewed. */
bool sl_ticket_keys_find(const sl_ticket_keys_t *keys, const uint8_t name[16], sl_ticket_key_t *key, bool *is_newest);

#endif
