/*
 * party: requests that ask the same of the same key in one turn of the loop go to Redis together (party.h).
 *
 *   seat -> open party, found by its key -- turn --> one question for the units of all
 *             granted n times the units of one: the first n in line are told, each the limits as after its own charge
 *             who is left asks again, together, until Redis grants or refuses
 *             anything else: told to all
 *
 * A refusal is therefore always Redis' own, given when nothing was left, and it has cost nothing; what is granted is
 * exactly what as many single questions would have been granted. A key that one worker's 64 connections use costs Redis
 * one call per turn instead of sixty-four.
 */
#include "party.h"
#include "sluice/clock.h"

struct sl_party_t {
    sl_store_t *store;
    sl_ticket_t *ticket;
    h2o_linklist_t seats; /* in the order of coming */
    uint64_t seated;      /* how many */
    uint64_t units;       /* that each wants */
    size_t table;         /* where it stands while it is open */
    bool is_told;         /* answers are being told: only the teller frees it */
    uint64_t changes;     /* that may concern the key, when it was asked for */
    char digest[SL_DIGEST_HEX];
};

static void on_answer(const sl_asker_t *asker, const redisReply *reply, const char *error);
static void on_late(const sl_asker_t *asker, const redisReply *reply);

/* Digests are evenly spread, so some of their characters do. Two keys that meet at a table only fail to be joined. */
static size_t table_of(const char *digest)
{
    return ((size_t)digest[0] * 31 + (size_t)digest[1] * 7 + (size_t)digest[2]) % SL_PARTY_TABLES;
}

static void close_party(sl_party_t *party)
{
    if (party->store->parties[party->table] == party)
        party->store->parties[party->table] = NULL;
}

static void take_seat(sl_party_t *party, sl_seat_t *seat)
{
    seat->party = party;
    h2o_linklist_insert(&party->seats, &seat->in_party);
    ++party->seated;
}

static void leave_seat(sl_party_t *party, sl_seat_t *seat)
{
    assert(h2o_linklist_is_linked(&seat->in_party));
    h2o_linklist_unlink(&seat->in_party);
    --party->seated;
}

static bool join(sl_party_t *party, const sl_words_t *words, sl_seat_t *seat)
{
    if (party == NULL || (party->seated + 1) * party->units > UINT32_MAX) /* the reply's bits for what is granted */
        return false;
    if (!sl_ticket_join(party->ticket, words))
        return false;
    take_seat(party, seat);
    return true;
}

void sl_party_seat(sl_store_t *store, const sl_admission_question_t *question, const sl_words_t *words, bool may_share,
                   sl_seat_t *seat)
{
    size_t table = table_of(question->digest);

    seat->in_party = (h2o_linklist_t){NULL, NULL};
    if (may_share && join(store->parties[table], words, seat))
        return;

    sl_party_t *party = h2o_mem_alloc(sizeof(*party));
    sl_asker_t asker = {.on_answer = on_answer, .on_late = on_late, .data = party, .breaker = question->breaker};
    *party = (sl_party_t){.store = store,
                          .units = question->units,
                          .table = table,
                          .changes = sl_unknown_changes(&store->unknown, question->digest)};
    memcpy(party->digest, question->digest, SL_DIGEST_HEX);
    h2o_linklist_init_anchor(&party->seats);
    take_seat(party, seat);
    party->ticket = sl_link_ask(store->link, SL_SCRIPT_ADMIT, question->breaker != NULL ? 3 : 2, &asker);
    if (may_share)
        store->parties[table] = party;
}

/* Whoever has been told, or is being told, no longer sits here. */
void sl_seat_cancel(sl_seat_t *seat)
{
    sl_party_t *party = seat->party;

    leave_seat(party, seat);
    if (party->is_told)
        return;
    if (party->seated != 0) {
        sl_ticket_leave(party->ticket, party->units);
        return;
    }
    close_party(party);
    sl_ticket_cancel(party->ticket);
    free(party);
}

/* --- answers --- */

static void tell_first(sl_party_t *party, const sl_admission_t *admission, const char *error)
{
    sl_seat_t *seat = H2O_STRUCT_FROM_MEMBER(sl_seat_t, in_party, party->seats.next);

    leave_seat(party, seat);
    seat->on_admission(seat->asker, admission, error);
}

/* What a teller's callback does may empty other seats. */
static void tell_all(sl_party_t *party, const sl_admission_t *admission, const char *error)
{
    while (party->seated != 0)
        tell_first(party, admission, error);
}

static void tell_admitted(sl_party_t *party, const sl_admission_t *admission)
{
    /* who wants no units (of an aggregate's services each has its own) is granted none, and passes */
    uint64_t left = party->units != 0 ? admission->granted / party->units : party->seated;

    for (; left != 0; --left) {
        if (party->seated == 0) /* the others have gone; what they were charged stays charged */
            return;
        sl_admission_t own = *admission;
        sl_admission_before(&own, (left - 1) * party->units);
        tell_first(party, &own, NULL);
    }
}

static bool read_reply(const redisReply *reply, sl_admission_t *admission)
{
    return reply->type == REDIS_REPLY_STRING && sl_admission_read(sl_bytes(reply->str, reply->len), admission);
}

static void learn(sl_service_breaker_t *breaker, const sl_admission_t *admission)
{
    if (breaker == NULL)
        return;
    if (admission->verdict == SL_VERDICT_BREAKER)
        sl_breaker_learn_claim(breaker, SL_CLAIM_REFUSED, admission->probe_generation, admission->wait_us);
    else if (admission->verdict == SL_VERDICT_ADMITTED)
        sl_breaker_learn_claim(breaker, admission->is_probe ? SL_CLAIM_PROBE : SL_CLAIM_CLOSED,
                               admission->probe_generation, 0);
}

static void tell(sl_party_t *party, const sl_admission_t *admission, const char *error)
{
    party->is_told = true;
    if (admission != NULL && admission->verdict == SL_VERDICT_ADMITTED)
        tell_admitted(party, admission);
    else
        tell_all(party, admission, error);
    party->is_told = false;
    if (party->seated == 0)
        free(party);
    else
        party->ticket = sl_ticket_again(party->ticket, party->seated * party->units);
}

static void on_answer(const sl_asker_t *asker, const redisReply *reply, const char *error)
{
    sl_party_t *party = asker->data;
    sl_admission_t admission;

    close_party(party);
    /* granting nothing is no way to admit, and who is left over would ask for ever */
    if (error == NULL && (!read_reply(reply, &admission) ||
                          (admission.verdict == SL_VERDICT_ADMITTED && admission.granted < party->units)))
        error = "redis: the answer is no admission";
    if (error == NULL)
        learn(asker->breaker, &admission);
    if (error == NULL && admission.verdict == SL_VERDICT_UNKNOWN)
        sl_unknown_note(&party->store->unknown, party->digest, party->changes, sl_clock_us());
    tell(party, error == NULL ? &admission : NULL, error);
}

/* The party has gone. */
static void on_late(const sl_asker_t *asker, const redisReply *reply)
{
    sl_admission_t admission;

    if (asker->breaker == NULL || !read_reply(reply, &admission))
        return;
    learn(asker->breaker, &admission);
    if (admission.is_probe)
        sl_breaker_give_back(asker->breaker, admission.probe_generation, admission.probe_id);
}
