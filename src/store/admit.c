/*
 * admit: the one question of an ordinary request (lua/admit.lua): key, permissions, limits, and the breaker when only
 * Redis knows about it.
 *
 * Here it is put into words; party.c asks it, and hands the answer on. Of a key that was unknown a moment ago it need
 * not be asked (unknown.h).
 */
#include "party.h"
#include "sluice/clock.h"
#include "sluice/digest.h"

static void put_defaults(sl_words_t *words, const sl_admission_question_t *question)
{
    const sl_key_settings_t *defaults = question->defaults;

    sl_words_number(words, defaults->limit.limit);
    sl_words_number(words, defaults->limit.window_s);
    sl_words_number(words, defaults->burst);
    sl_words_put(words, question->shadow || defaults->shadow ? SL_LIT("shadow") : SL_LIT("enforce"));
}

static void put_words(sl_words_t *words, h2o_iovec_t prefix, const sl_admission_question_t *question)
{
    h2o_iovec_t digest = sl_bytes(question->digest, SL_DIGEST_HEX);

    sl_words_key(words, prefix, SL_LIT("key"), digest);
    sl_words_key(words, prefix, SL_LIT("bucket"), digest);
    if (question->breaker != NULL)
        sl_breaker_key_word(question->breaker, words);
    sl_words_put(words, question->service);
    sl_words_put(words, question->method);
    sl_words_put(words, question->scopes);
    sl_words_hole(words, question->units);
    sl_words_number(words, question->units);
    put_defaults(words, question);
    if (question->breaker != NULL)
        sl_breaker_claim_words(question->breaker, words);
}

/* What is decided for each request by itself: a breaker's pass, whether shadow mode has spared it, and an aggregate's
 * limits, which are charged once however much is asked of the others. */
static bool may_share(const sl_admission_question_t *question)
{
    bool is_shadow = question->shadow || question->defaults->shadow;
    bool is_aggregate =
        question->service.len != 0 && memchr(question->service.base, ':', question->service.len) != NULL;

    return question->breaker == NULL && !is_shadow && !is_aggregate;
}

void sl_store_admit(sl_store_t *store, const sl_admission_question_t *question, sl_seat_t *seat)
{
    sl_words_t *words = sl_link_words(store->link);

    put_words(words, store->prefix, question);
    sl_party_seat(store, question, words, may_share(question), seat);
}

/* Redis writes what it pushes before it answers whoever made the change. So once somebody knows that a record is there,
 * the push has arrived, and it suffices to look whether one waits to be read. */
bool sl_store_remembers_unknown(sl_store_t *store, const char *digest, uint64_t for_ms)
{
    if (!sl_unknown_holds(&store->unknown, digest, for_ms * 1000, sl_clock_us()))
        return false;
    if (!sl_link_is_ready(store->link) || !sl_pushes_are_read(store->pushes))
        return false;
    sl_number_add(&store->slot->numbers[SL_M_UNKNOWN_REMEMBERED], 1);
    return true;
}
