/* unknown: keys of which Redis said a moment ago that it has no record (unknown.h). */
#include "unknown.h"
#include <h2o.h>

static size_t value_of(char digit)
{
    return (size_t)(digit & 15) + (digit >= 'a' ? 9 : 0);
}

/* Digests are evenly spread, so any of their digits do. Who seeks out keys of one set gains nothing: what is pushed out
 * is merely asked again. */
static size_t set_of(const char *digest)
{
    return (value_of(digest[0]) << 8 | value_of(digest[1]) << 4 | value_of(digest[2])) % SL_UNKNOWN_SETS;
}

void sl_unknown_dispose(sl_unknown_t *unknown)
{
    free(unknown->sets);
    unknown->sets = NULL;
}

/* Both parts only grow: the same sum means that neither did. */
uint64_t sl_unknown_changes(const sl_unknown_t *unknown, const char *digest)
{
    return unknown->forgotten + unknown->changed[set_of(digest)];
}

static sl_unknown_entry_t *find(const sl_unknown_t *unknown, const char *digest)
{
    if (unknown->sets == NULL)
        return NULL;
    sl_unknown_entry_t *set = unknown->sets[set_of(digest)];
    for (size_t i = 0; i != SL_UNKNOWN_WAYS; ++i)
        if (set[i].since_us != 0 && memcmp(set[i].digest, digest, SL_DIGEST_HEX) == 0)
            return set + i;
    return NULL;
}

static sl_unknown_entry_t *oldest_of(sl_unknown_entry_t *set)
{
    sl_unknown_entry_t *oldest = set;

    for (size_t i = 1; i != SL_UNKNOWN_WAYS; ++i)
        if (set[i].since_us < oldest->since_us)
            oldest = set + i;
    return oldest;
}

static void make_room(sl_unknown_t *unknown)
{
    size_t size = SL_UNKNOWN_SETS * sizeof(*unknown->sets);

    unknown->sets = h2o_mem_alloc(size);
    memset(unknown->sets, 0, size);
}

void sl_unknown_note(sl_unknown_t *unknown, const char *digest, uint64_t changes, uint64_t now_us)
{
    if (changes != sl_unknown_changes(unknown, digest))
        return;
    if (unknown->sets == NULL)
        make_room(unknown);

    sl_unknown_entry_t *entry = find(unknown, digest);
    if (entry == NULL)
        entry = oldest_of(unknown->sets[set_of(digest)]);
    memcpy(entry->digest, digest, SL_DIGEST_HEX);
    entry->since_us = now_us;
}

bool sl_unknown_holds(const sl_unknown_t *unknown, const char *digest, uint64_t for_us, uint64_t now_us)
{
    const sl_unknown_entry_t *entry = find(unknown, digest);

    return entry != NULL && now_us - entry->since_us < for_us;
}

void sl_unknown_record_changed(sl_unknown_t *unknown, h2o_iovec_t name)
{
    if (name.len != SL_DIGEST_HEX + 2)
        return;
    const char *digest = name.base + 1;
    sl_unknown_entry_t *entry = find(unknown, digest);

    ++unknown->changed[set_of(digest)];
    if (entry != NULL)
        entry->since_us = 0;
}

void sl_unknown_forget(sl_unknown_t *unknown)
{
    ++unknown->forgotten;
    if (unknown->sets != NULL)
        memset(unknown->sets, 0, SL_UNKNOWN_SETS * sizeof(*unknown->sets));
}
