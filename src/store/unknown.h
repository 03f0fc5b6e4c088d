/*
 * unknown: keys of which Redis said a moment ago that it has no record, so that who guesses keys, or goes on with one
 * that was deleted, costs Redis next to nothing. One table per worker, of fixed size.
 *
 * Only true while every change of a record is told (pushes.c). An answer may be older than a push that was read before
 * it: so a question takes the count of changes along, and its answer is noted only when that is still the same.
 */
#ifndef SLUICE_STORE_UNKNOWN_H
#define SLUICE_STORE_UNKNOWN_H

#include "sluice/bytes.h"
#include "sluice/digest.h"
#include <stdint.h>

#define SL_UNKNOWN_SETS 512 /* a digest can stand in one of them only */
#define SL_UNKNOWN_WAYS 8

typedef struct sl_unknown_entry_t {
    char digest[SL_DIGEST_HEX];
    uint64_t since_us; /* 0: empty */
} sl_unknown_entry_t;

/* Zeroed: empty. */
typedef struct sl_unknown_t {
    sl_unknown_entry_t (*sets)[SL_UNKNOWN_WAYS]; /* NULL before the first */
    uint64_t forgotten;                          /* how often */
    uint64_t changed[SL_UNKNOWN_SETS];           /* records that belong there */
} sl_unknown_t;

void sl_unknown_dispose(sl_unknown_t *unknown);

/* Grows with each change that may concern this key. */
uint64_t sl_unknown_changes(const sl_unknown_t *unknown, const char *digest);
/* Redis, asked at that count of changes, knows no such key. Takes the oldest one's place. */
void sl_unknown_note(sl_unknown_t *unknown, const char *digest, uint64_t changes, uint64_t now_us);
/* Noted less than `for_us` ago, and not changed since. */
bool sl_unknown_holds(const sl_unknown_t *unknown, const char *digest, uint64_t for_us, uint64_t now_us);

/* A record was written or deleted; `name` is its digest in braces (any other can be no key's). */
void sl_unknown_record_changed(sl_unknown_t *unknown, h2o_iovec_t name);
/* Records may have changed untold. */
void sl_unknown_forget(sl_unknown_t *unknown);

#endif
