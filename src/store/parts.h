/* parts: what the parts of one store know of each other. Nobody outside this room includes it. */
#ifndef SLUICE_STORE_PARTS_H
#define SLUICE_STORE_PARTS_H

#include "link.h"
#include "pulse.h"
#include "sluice/store.h"
#include "unknown.h"

typedef struct sl_pushes_t sl_pushes_t;
typedef struct sl_version_counts_t sl_version_counts_t;

#define SL_PARTY_TABLES 128

struct sl_store_t {
    h2o_context_t *ctx;
    sl_redis_settings_t settings; /* a copy: the snapshot it came from may go while the store lives */
    h2o_iovec_t prefix;
    sl_worker_slot_t *slot;
    sl_pulse_t pulse;
    sl_link_t *link;
    sl_pushes_t *pushes;
    sl_service_breaker_t *breakers[SL_MAX_SERVICES]; /* by the service's slot; services that share a slot are chained */
    sl_service_breaker_t *all_breakers;
    sl_unknown_t unknown;
    sl_version_counts_t *version_counts;         /* NULL before the first */
    struct sl_party_t *parties[SL_PARTY_TABLES]; /* whom a question of this turn may join, by its key */
};

/* --- breakers.c --- */

/* Redis says that this key (of any kind) was changed. */
void sl_breakers_touch(sl_store_t *store, h2o_iovec_t key);
/* Whatever is known may be old. */
void sl_breakers_read_all(sl_store_t *store);
uint64_t sl_breakers_turn(sl_store_t *store, uint64_t now_us);
void sl_breakers_dispose(sl_store_t *store);
/* The breaker's words of a claim: KEYS while asking, then ARGV. */
void sl_breaker_key_word(const sl_service_breaker_t *breaker, sl_words_t *words);
void sl_breaker_claim_words(const sl_service_breaker_t *breaker, sl_words_t *words);
/* What the answer to a claim tells of the breaker; `probe_id` 0: no probe was given. */
typedef enum { SL_CLAIM_REFUSED = 0, SL_CLAIM_CLOSED = 1, SL_CLAIM_PROBE = 2 } sl_claim_t;
void sl_breaker_learn_claim(sl_service_breaker_t *breaker, sl_claim_t claim, uint64_t generation, uint64_t wait_us);
/* A probe was given to somebody who has gone: free its lease. */
void sl_breaker_give_back(sl_service_breaker_t *breaker, uint64_t generation, uint64_t probe_id);

/* --- versions.c --- */

uint64_t sl_versions_turn(sl_store_t *store, uint64_t now_us);
void sl_versions_dispose(sl_store_t *store);

/* --- pushes.c --- */

sl_pushes_t *sl_pushes_create(sl_store_t *store);
void sl_pushes_destroy(sl_pushes_t *pushes);
/* Changes are being told. False: views have to be read again now and then. */
bool sl_pushes_are_live(const sl_pushes_t *pushes);
/* They are, and none has arrived that was not read: nothing changed without our knowing. One system call. */
bool sl_pushes_are_read(const sl_pushes_t *pushes);
uint64_t sl_pushes_turn(sl_pushes_t *pushes, uint64_t now_us);

#endif
