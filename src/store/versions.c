/*
 * versions: who calls which version of a route, told to Redis about once a second (lua/count_version.lua), never in a
 * request's way.
 *
 * Between two turns the calls gather in two lists of fixed size: labels ("route/version"), and pairs of a label and a
 * key. When one is full they are told at once; while Redis is away, what finds no place is lost, for these numbers
 * tell whom to write to, and charge nobody.
 */
#include "parts.h"
#include "sluice/digest.h"

#define TURN_US 1000000
enum { LABELS = 128, CALLERS = 512, CALLERS_PER_QUESTION = 64, NAMED_MAX = 1000, FORGET_S = 400 * 86400 };

typedef struct label_t {
    char *text;
    uint64_t requests;
} label_t;

typedef struct caller_t {
    size_t label;
    char digest[SL_DIGEST_HEX];
    uint64_t calls;
} caller_t;

struct sl_version_counts_t {
    label_t labels[LABELS];
    caller_t callers[CALLERS];
    size_t label_count, caller_count;
    uint64_t due_us; /* SL_NEVER: nothing to tell */
};

static void forget(sl_version_counts_t *counts)
{
    for (size_t i = 0; i != counts->label_count; ++i)
        free(counts->labels[i].text);
    counts->label_count = counts->caller_count = 0;
    counts->due_us = SL_NEVER;
}

void sl_versions_dispose(sl_store_t *store)
{
    if (store->version_counts != NULL)
        forget(store->version_counts);
    free(store->version_counts);
}

/* --- telling --- */

static void on_answer(const sl_asker_t *asker, const redisReply *reply, const char *error)
{
    (void)asker;
    (void)reply;
    (void)error;
}

static sl_words_t *begin_question(sl_store_t *store, const label_t *label, uint64_t requests)
{
    static const h2o_iovec_t kinds[] = {{H2O_STRLIT("version")},
                                        {H2O_STRLIT("version_seen")},
                                        {H2O_STRLIT("version_calls")},
                                        {H2O_STRLIT("version_keys")}};
    sl_words_t *words = sl_link_words(store->link);

    for (size_t i = 0; i != sizeof(kinds) / sizeof(kinds[0]); ++i)
        sl_words_key(words, store->prefix, kinds[i], sl_bytes_of(label->text));
    sl_words_number(words, requests);
    sl_words_number(words, NAMED_MAX);
    sl_words_number(words, FORGET_S);
    return words;
}

static void tell_label(sl_store_t *store, size_t index)
{
    const sl_version_counts_t *counts = store->version_counts;
    static const sl_asker_t nobody = {.on_answer = on_answer};
    uint64_t requests = counts->labels[index].requests; /* once, in the first question */
    size_t at = 0;

    do {
        sl_words_t *words = begin_question(store, &counts->labels[index], requests);
        requests = 0;
        for (size_t told = 0; at != counts->caller_count && told != CALLERS_PER_QUESTION; ++at) {
            if (counts->callers[at].label != index)
                continue;
            sl_words_put(words, sl_bytes(counts->callers[at].digest, SL_DIGEST_HEX));
            sl_words_number(words, counts->callers[at].calls);
            ++told;
        }
        sl_link_ask(store->link, SL_SCRIPT_COUNT_VERSION, 4, &nobody);
    } while (at != counts->caller_count);
}

static void tell(sl_store_t *store)
{
    if (sl_link_is_ready(store->link))
        for (size_t i = 0; i != store->version_counts->label_count; ++i)
            tell_label(store, i);
    forget(store->version_counts);
}

uint64_t sl_versions_turn(sl_store_t *store, uint64_t now_us)
{
    sl_version_counts_t *counts = store->version_counts;

    if (counts == NULL || counts->due_us == SL_NEVER)
        return SL_NEVER;
    bool may_wait = !sl_link_is_ready(store->link) && counts->caller_count != CALLERS;
    if (now_us < counts->due_us)
        return counts->due_us;
    if (may_wait)
        counts->due_us = now_us + TURN_US;
    else
        tell(store);
    return counts->due_us;
}

/* --- gathering --- */

static size_t find_label(sl_version_counts_t *counts, h2o_iovec_t label)
{
    size_t i = 0;

    while (i != counts->label_count && !sl_bytes_equal(sl_bytes_of(counts->labels[i].text), label))
        ++i;
    if (i == counts->label_count)
        counts->labels[counts->label_count++] = (label_t){h2o_strdup(NULL, label.base, label.len).base, 0};
    return i;
}

static void note_caller(sl_version_counts_t *counts, size_t label, const char *digest)
{
    for (size_t i = counts->caller_count; i-- != 0;) { /* those of just now come again */
        if (counts->callers[i].label != label || memcmp(counts->callers[i].digest, digest, SL_DIGEST_HEX) != 0)
            continue;
        ++counts->callers[i].calls;
        return;
    }
    caller_t *caller = &counts->callers[counts->caller_count++];
    *caller = (caller_t){.label = label, .calls = 1};
    memcpy(caller->digest, digest, SL_DIGEST_HEX);
}

static sl_version_counts_t *counts_of(sl_store_t *store)
{
    if (store->version_counts == NULL) {
        store->version_counts = h2o_mem_alloc(sizeof(*store->version_counts));
        memset(store->version_counts, 0, sizeof(*store->version_counts));
        store->version_counts->due_us = SL_NEVER;
    }
    return store->version_counts;
}

void sl_store_count_version(sl_store_t *store, h2o_iovec_t label, const char *digest, uint64_t now_us)
{
    sl_version_counts_t *counts = counts_of(store);

    if (counts->label_count == LABELS || counts->caller_count == CALLERS)
        tell(store);
    if (counts->due_us == SL_NEVER) {
        counts->due_us = now_us + TURN_US;
        sl_pulse_soon(&store->pulse, now_us); /* whose turn learns when the next one is due */
    }
    size_t index = find_label(counts, label);
    ++counts->labels[index].requests;
    if (digest != NULL)
        note_caller(counts, index, digest);
}
