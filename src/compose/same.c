/*
 * same: which call of this run asks exactly what another one would ask?
 *
 * A client can make a for_each have ten thousand elements, so nothing here may look at all calls for each: they stand
 * in buckets by a keyed hash of target and fields. The key is drawn for each run, or a client could fill one bucket.
 */
#include "inside.h"
#include "sluice/digest.h"
#include <stdlib.h>

#define BUCKETS_FIRST 16

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_bytes(uint64_t hash, uint64_t secret, h2o_iovec_t bytes)
{
    uint64_t word;

    for (size_t at = 0; at < bytes.len; at += sizeof(word)) {
        size_t len = bytes.len - at < sizeof(word) ? bytes.len - at : sizeof(word);
        word = 0;
        memcpy(&word, bytes.base + at, len);
        hash = mix(hash ^ word, secret) + len;
    }
    return mix(hash ^ bytes.len, secret);
}

static uint64_t hash_of(const sl_same_t *same, const sl_fetch_t *fetch)
{
    uint64_t hash = hash_bytes(same->secret, same->secret | 1, fetch->request.target);
    return hash_bytes(hash, same->secret | 1, fetch->identity);
}

static bool asks_the_same(const sl_fetch_t *a, const sl_fetch_t *b)
{
    const sl_call_plan_t *one = a->owner->plan, *other = b->owner->plan;

    return a->hash == b->hash && a->unsafe_before == b->unsafe_before && one->service == other->service &&
           one->timeout_ms == other->timeout_ms && one->retries == other->retries &&
           sl_bytes_equal(one->method, other->method) && sl_bytes_equal(a->request.target, b->request.target) &&
           sl_bytes_equal(a->identity, b->identity);
}

/* Only what changes nothing and sends no body can be asked once for several. */
static bool can_share(const sl_fetch_t *fetch)
{
    return fetch->is_safe && !fetch->request.has_body;
}

static void begin(sl_same_t *same)
{
    char hex[2 * sizeof(same->secret)];

    sl_random_hex(hex, sizeof(same->secret));
    memcpy(&same->secret, hex, sizeof(same->secret));
    same->secret = mix(same->secret, UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)(uintptr_t)same;
    same->size = BUCKETS_FIRST;
    same->heads = h2o_mem_alloc(same->size * sizeof(*same->heads));
    memset(same->heads, 0, same->size * sizeof(*same->heads));
}

static void put(sl_same_t *same, sl_fetch_t *fetch)
{
    sl_fetch_t **head = &same->heads[fetch->hash & (same->size - 1)];

    fetch->next_same = *head;
    *head = fetch;
}

static void grow(sl_same_t *same)
{
    sl_same_t grown = {.secret = same->secret, .size = same->size * 2, .count = same->count};

    grown.heads = h2o_mem_alloc(grown.size * sizeof(*grown.heads));
    memset(grown.heads, 0, grown.size * sizeof(*grown.heads));
    for (size_t i = 0; i != same->size; ++i)
        for (sl_fetch_t *fetch = same->heads[i], *next; fetch != NULL; fetch = next) {
            next = fetch->next_same;
            put(&grown, fetch);
        }
    free(same->heads);
    *same = grown;
}

sl_fetch_t *sl_same_find_or_add(sl_same_t *same, sl_fetch_t *wanted)
{
    if (!can_share(wanted))
        return NULL;
    if (same->heads == NULL)
        begin(same);
    wanted->hash = hash_of(same, wanted);
    for (sl_fetch_t *fetch = same->heads[wanted->hash & (same->size - 1)]; fetch != NULL; fetch = fetch->next_same)
        if (asks_the_same(fetch, wanted))
            return fetch;
    if (same->count++ == same->size)
        grow(same);
    put(same, wanted);
    return NULL;
}

void sl_same_dispose(sl_same_t *same)
{
    free(same->heads);
    *same = (sl_same_t){.heads = NULL};
}
