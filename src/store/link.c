/*
 * link: questions to Redis and their answers over one wire (link.h).
 *
 *   ask -> sent ------ reply ----------------------------------> told   (with a hole: parked first, till the turn)
 *            |  '----- error reply, not executed --> parked --+
 *            |  '----- connection lost (once) -----> parked --+-> sent again on the next good connection
 *            '-------- deadline -------------------------------> told; the place stays until the reply comes
 *
 * A server that stops answering is noticed in three steps: each question's own deadline; after a longer silence nothing
 * is asked any more but one PING; after a longer one still the connection is given up. A deadline that the operator
 * chose to be long moves both: whoever would rather wait than refuse is not refused by them.
 */
#include "link.h"
#include "errors.h"
#include "sluice/clock.h"
#include "sluice/log.h"
#include "wire.h"
#include <stdio.h>

#define SICK_US 250000  /* of silence, or as long as a question may take */
#define GONE_US 1000000 /* or twice as long */
#define PING_EVERY_US 100000
#define RETRY_AFTER_US 10000
#define LEAST_WAIT_US 2000 /* deadlines nearer than this are told together */

typedef enum { SENT, PARKED, DOOMED } ticket_place_t;

struct sl_ticket_t {
    sl_link_t *link;
    ticket_place_t place;
    h2o_linklist_t in_place;
    h2o_linklist_t in_waiting; /* linked while somebody waits */
    sl_asker_t asker;
    uint64_t deadline_us, sent_us, retry_us;
    const char *error; /* why it is doomed, or parked */
    sl_script_id_t script;
    bool with_text; /* EVAL: the script's name was not known */
    bool was_lost;  /* with a connection: not sent a third time */
    size_t keys, word_count, word_bytes;
    size_t hole; /* offset in words; 0: none */
    uint64_t number;
    char words[];
};

struct sl_link_t {
    sl_wire_t *wire;
    sl_pulse_t *pulse;
    const sl_redis_settings_t *settings;
    sl_worker_slot_t *slot;
    sl_link_events_t events;
    sl_words_t words; /* of the question being put together */
    h2o_linklist_t sent, parked, doomed;
    h2o_linklist_t waiting; /* by deadline: all questions wait equally long, so in the order of asking */
    size_t pending;
    unsigned greetings; /* answers to SCRIPT LOAD still to come */
    bool is_ready, is_sick, was_ready;
    bool is_pinging;
    uint64_t ping_after_us;
    uint64_t sick_us, gone_us; /* after so much silence */
    const char *sick_text;
    char expired_text[64], gone_text[64];
    char away_text[224];
};

static void on_connected(void *data);
static void on_reply(void *data, redisReply *reply);
static void on_lost(void *data, const char *why);

static sl_ticket_t *ticket_of(h2o_linklist_t *in_place)
{
    return H2O_STRUCT_FROM_MEMBER(sl_ticket_t, in_place, in_place);
}

static void count(sl_link_t *link, sl_metric_t metric)
{
    sl_number_add(&link->slot->numbers[metric], 1);
}

static void show_state(sl_link_t *link)
{
    sl_number_set(&link->slot->numbers[SL_M_REDIS_UP], sl_link_is_ready(link));
}

static void set_patience(sl_link_t *link, uint64_t timeout_ms)
{
    uint64_t timeout_us = timeout_ms * 1000;

    link->sick_us = timeout_us > SICK_US ? timeout_us : SICK_US;
    link->gone_us = timeout_us * 2 > GONE_US ? timeout_us * 2 : GONE_US;
    snprintf(link->expired_text, sizeof(link->expired_text), "redis: no answer within %llu ms",
             (unsigned long long)timeout_ms);
    snprintf(link->gone_text, sizeof(link->gone_text), "no answer for %llu ms",
             (unsigned long long)link->gone_us / 1000);
}

sl_link_t *sl_link_create(h2o_context_t *ctx, const sl_redis_settings_t *settings, sl_pulse_t *pulse,
                          sl_worker_slot_t *slot, const sl_link_events_t *events)
{
    sl_link_t *link = h2o_mem_alloc(sizeof(*link));
    sl_wire_owner_t owner = {"redis", on_connected, on_reply, on_lost, link};

    *link = (sl_link_t){.pulse = pulse, .settings = settings, .slot = slot, .events = *events};
    h2o_linklist_init_anchor(&link->sent);
    h2o_linklist_init_anchor(&link->parked);
    h2o_linklist_init_anchor(&link->doomed);
    h2o_linklist_init_anchor(&link->waiting);
    set_patience(link, settings->timeout_ms);
    snprintf(link->away_text, sizeof(link->away_text), "redis: not connected yet");
    link->wire = sl_wire_create(ctx, settings, pulse, &owner);
    show_state(link);
    return link;
}

bool sl_link_is_ready(const sl_link_t *link)
{
    return link->is_ready && !link->is_sick;
}

/* --- tickets --- */

static void put(sl_ticket_t *ticket, ticket_place_t place)
{
    h2o_linklist_t *anchors[] = {&ticket->link->sent, &ticket->link->parked, &ticket->link->doomed};

    if (h2o_linklist_is_linked(&ticket->in_place))
        h2o_linklist_unlink(&ticket->in_place);
    h2o_linklist_insert(anchors[place], &ticket->in_place);
    ticket->place = place;
}

static void discard(sl_ticket_t *ticket)
{
    if (h2o_linklist_is_linked(&ticket->in_place))
        h2o_linklist_unlink(&ticket->in_place);
    if (h2o_linklist_is_linked(&ticket->in_waiting))
        h2o_linklist_unlink(&ticket->in_waiting);
    --ticket->link->pending;
    free(ticket);
}

static bool is_awaited(sl_ticket_t *ticket)
{
    return h2o_linklist_is_linked(&ticket->in_waiting);
}

/* Calls back once; the ticket is no longer the asker's. */
static void tell(sl_ticket_t *ticket, const redisReply *reply, const char *error)
{
    if (!is_awaited(ticket))
        return;
    h2o_linklist_unlink(&ticket->in_waiting);
    if (error != NULL)
        count(ticket->link, SL_M_REDIS_FAILURES);
    ticket->asker.on_answer(&ticket->asker, reply, error);
}

static void tell_and_discard(sl_ticket_t *ticket, const redisReply *reply, const char *error)
{
    h2o_linklist_unlink(&ticket->in_place);
    tell(ticket, reply, error);
    discard(ticket);
}

void sl_ticket_cancel(sl_ticket_t *ticket)
{
    assert(is_awaited(ticket));
    h2o_linklist_unlink(&ticket->in_waiting);
    if (ticket->place != SENT)
        discard(ticket);
}

/* --- asking --- */

sl_words_t *sl_link_words(sl_link_t *link)
{
    sl_words_clear(&link->words);
    return &link->words;
}

/* NULL when a question may be sent now. */
static const char *obstacle(const sl_link_t *link)
{
    if (!link->is_ready)
        return link->away_text;
    if (link->is_sick)
        return link->sick_text;
    if (link->pending >= link->settings->pending_max)
        return "redis: too many questions are pending";
    return NULL;
}

static void send_ticket(sl_ticket_t *ticket, uint64_t now_us)
{
    sl_text_t *out = sl_wire_out(ticket->link->wire);

    if (ticket->script == SL_PLAIN_COMMAND)
        sl_resp_array(out, ticket->word_count);
    else
        sl_scripts_call(out, ticket->script, ticket->with_text, ticket->keys, ticket->word_count);
    sl_text_append(out, ticket->words, ticket->hole);
    if (ticket->hole != 0)
        sl_resp_number(out, ticket->number);
    sl_text_append(out, ticket->words + ticket->hole, ticket->word_bytes - ticket->hole);
    ticket->sent_us = now_us;
    put(ticket, SENT);
    count(ticket->link, SL_M_REDIS_QUESTIONS);
}

static sl_ticket_t *create_ticket(sl_link_t *link, sl_script_id_t script, size_t keys, const sl_asker_t *asker,
                                  uint64_t now_us)
{
    sl_ticket_t *ticket = h2o_mem_alloc(sizeof(*ticket) + link->words.text.size);

    *ticket = (sl_ticket_t){.link = link,
                            .asker = *asker,
                            .deadline_us = now_us + link->settings->timeout_ms * 1000,
                            .script = script,
                            .keys = keys,
                            .word_count = link->words.count,
                            .word_bytes = link->words.text.size,
                            .hole = link->words.hole,
                            .number = link->words.number};
    memcpy(ticket->words, link->words.text.base, link->words.text.size);
    ++link->pending;
    return ticket;
}

sl_ticket_t *sl_link_ask(sl_link_t *link, sl_script_id_t script, size_t keys, const sl_asker_t *asker)
{
    uint64_t now_us = sl_clock_us();
    const char *error = obstacle(link);
    sl_ticket_t *ticket = create_ticket(link, script, keys, asker, now_us);

    h2o_linklist_insert(&link->waiting, &ticket->in_waiting);
    if (error != NULL) {
        ticket->error = error;
        put(ticket, DOOMED);
    } else if (ticket->hole != 0) {
        ticket->error = link->expired_text;
        put(ticket, PARKED);
    } else {
        send_ticket(ticket, now_us);
    }
    sl_pulse_soon(link->pulse, now_us);
    return ticket;
}

bool sl_ticket_join(sl_ticket_t *ticket, const sl_words_t *words)
{
    if (ticket->place != PARKED || ticket->sent_us != 0)
        return false;
    if (ticket->hole != words->hole || ticket->word_bytes != words->text.size ||
        memcmp(ticket->words, words->text.base, ticket->word_bytes) != 0)
        return false;
    ticket->number += words->number;
    return true;
}

void sl_ticket_leave(sl_ticket_t *ticket, uint64_t number)
{
    if (ticket->place != SENT)
        ticket->number -= number;
}

/* `waiting` is in the order of deadlines, and this one is among the first. */
static void wait_in_order(sl_link_t *link, sl_ticket_t *ticket)
{
    h2o_linklist_t *before = link->waiting.next;

    while (before != &link->waiting &&
           H2O_STRUCT_FROM_MEMBER(sl_ticket_t, in_waiting, before)->deadline_us <= ticket->deadline_us)
        before = before->next;
    h2o_linklist_insert(before, &ticket->in_waiting);
}

sl_ticket_t *sl_ticket_again(const sl_ticket_t *ticket, uint64_t number)
{
    sl_link_t *link = ticket->link;
    sl_ticket_t *again = h2o_mem_alloc(sizeof(*again) + ticket->word_bytes);

    memcpy(again, ticket, sizeof(*again) + ticket->word_bytes);
    again->in_place = again->in_waiting = (h2o_linklist_t){NULL, NULL};
    again->sent_us = again->retry_us = 0;
    again->with_text = again->was_lost = false;
    again->number = number;
    again->error = link->expired_text;
    ++link->pending;
    wait_in_order(link, again);
    put(again, PARKED);
    sl_pulse_soon(link->pulse, sl_clock_us());
    return again;
}

/* --- answers --- */

static void on_connected(void *data)
{
    sl_link_t *link = data;

    sl_scripts_load(sl_wire_out(link->wire));
    link->greetings = SL_SCRIPT_COUNT;
}

static void become_well(sl_link_t *link)
{
    link->is_sick = false;
    show_state(link);
    link->events.on_ready(link->events.data);
    sl_pulse_soon(link->pulse, sl_clock_us());
}

static void take_greeting(sl_link_t *link, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        sl_wire_drop(link->wire, reply->str);
        return;
    }
    if (--link->greetings != 0)
        return;
    sl_wire_settle(link->wire);
    link->is_ready = true;
    if (link->was_ready)
        count(link, SL_M_REDIS_RECONNECTS);
    link->was_ready = true;
    become_well(link);
}

/* Not executed, or the connection went away: again later, if there is time for that. */
static void park(sl_ticket_t *ticket, const char *error, uint64_t retry_us)
{
    if (!is_awaited(ticket) || retry_us >= ticket->deadline_us) {
        tell_and_discard(ticket, NULL, error);
        return;
    }
    ticket->error = error;
    ticket->retry_us = retry_us;
    put(ticket, PARKED);
}

static void fall_sick(sl_link_t *link, const char *why, uint64_t now_us)
{
    if (!link->is_sick)
        sl_log_limited(SL_LOG_WARN, "redis_sick", "%s; asking nothing but one PING each %d ms", why,
                       PING_EVERY_US / 1000);
    link->is_sick = true;
    link->sick_text = why;
    link->ping_after_us = now_us + PING_EVERY_US;
    show_state(link);
}

static void take_error(sl_ticket_t *ticket, const redisReply *reply, uint64_t now_us)
{
    sl_link_t *link = ticket->link;
    const sl_reply_error_t *error = sl_reply_error_find(sl_bytes(reply->str, reply->len));

    if (error->remedy != SL_REMEDY_EVAL)
        sl_log_limited(SL_LOG_WARN, "redis_error", "%s (\"%.200s\")", error->text, reply->str);
    switch (error->remedy) {
    case SL_REMEDY_EVAL:
        if (!is_awaited(ticket) || ticket->with_text) {
            tell_and_discard(ticket, NULL, error->text);
            return;
        }
        ticket->with_text = true;
        send_ticket(ticket, now_us);
        sl_pulse_soon(link->pulse, now_us);
        return;
    case SL_REMEDY_REST:
        fall_sick(link, error->text, now_us);
        park(ticket, error->text, now_us + RETRY_AFTER_US);
        return;
    case SL_REMEDY_RETRY:
        park(ticket, error->text, now_us + RETRY_AFTER_US);
        return;
    case SL_REMEDY_DROP:
        sl_wire_drop(link->wire, reply->str); /* on_lost deals with this ticket like with the others */
        return;
    case SL_REMEDY_FAIL:
        break;
    }
    tell_and_discard(ticket, NULL, error->text);
}

static void take_answer(sl_ticket_t *ticket, const redisReply *reply)
{
    sl_wire_prove(ticket->link->wire);
    if (is_awaited(ticket))
        tell_and_discard(ticket, reply, NULL);
    else {
        if (ticket->asker.on_late != NULL)
            ticket->asker.on_late(&ticket->asker, reply);
        discard(ticket);
    }
}

static void take_pong(sl_link_t *link, sl_ticket_t *ping, const redisReply *reply, uint64_t now_us)
{
    discard(ping);
    link->is_pinging = false;
    link->ping_after_us = now_us + PING_EVERY_US;
    if (!link->is_sick || reply->type == REDIS_REPLY_ERROR)
        return;
    sl_log_limited(SL_LOG_INFO, "redis_well", "redis answers again");
    become_well(link);
}

static void on_reply(void *data, redisReply *reply)
{
    sl_link_t *link = data;

    if (link->greetings != 0) {
        take_greeting(link, reply);
        return;
    }
    if (h2o_linklist_is_empty(&link->sent)) {
        sl_wire_drop(link->wire, reply->type == REDIS_REPLY_ERROR ? reply->str : "a reply to nothing");
        return;
    }
    sl_ticket_t *ticket = ticket_of(link->sent.next);
    uint64_t now_us = sl_clock_us();

    sl_histogram_note(&link->slot->redis_duration, now_us - ticket->sent_us);
    if (ticket->asker.on_answer == NULL)
        take_pong(link, ticket, reply, now_us);
    else if (reply->type == REDIS_REPLY_ERROR)
        take_error(ticket, reply, now_us);
    else
        take_answer(ticket, reply);
}

/* What was under way may have been executed or not. Once more is safe for every question of ours: at worst something is
 * charged twice, never granted twice. */
static void on_lost(void *data, const char *why)
{
    sl_link_t *link = data;
    h2o_linklist_t lost;
    uint64_t now_us = sl_clock_us();

    snprintf(link->away_text, sizeof(link->away_text), "redis: %s", why);
    link->is_ready = link->is_sick = link->is_pinging = false;
    link->greetings = 0;
    show_state(link);
    h2o_linklist_init_anchor(&lost);
    h2o_linklist_insert_list(&lost, &link->sent);
    while (!h2o_linklist_is_empty(&lost)) {
        sl_ticket_t *ticket = ticket_of(lost.next);
        if (ticket->was_lost)
            tell_and_discard(ticket, NULL, link->away_text);
        else {
            ticket->was_lost = true;
            park(ticket, link->away_text, now_us);
        }
    }
}

/* --- turns --- */

static void expire(sl_link_t *link, uint64_t now_us)
{
    while (!h2o_linklist_is_empty(&link->waiting)) {
        sl_ticket_t *ticket = H2O_STRUCT_FROM_MEMBER(sl_ticket_t, in_waiting, link->waiting.next);
        if (now_us < ticket->deadline_us)
            break;
        if (ticket->place == SENT)
            tell(ticket, NULL, link->expired_text);
        else
            tell_and_discard(ticket, NULL, ticket->error);
    }
}

static void send_ping(sl_link_t *link, uint64_t now_us)
{
    static const sl_asker_t nobody;

    sl_words_put(sl_link_words(link), SL_LIT("PING"));
    send_ticket(create_ticket(link, SL_PLAIN_COMMAND, 0, &nobody, now_us), now_us);
    link->is_pinging = true;
}

static void examine(sl_link_t *link, uint64_t now_us)
{
    if (!link->is_ready)
        return;
    if (!h2o_linklist_is_empty(&link->sent)) {
        uint64_t sent_us = ticket_of(link->sent.next)->sent_us; /* may be later than the beginning of this turn */
        if (now_us > sent_us + link->gone_us) {
            sl_wire_drop(link->wire, link->gone_text);
            return;
        }
        if (now_us > sent_us + link->sick_us && !link->is_sick)
            fall_sick(link, link->expired_text, now_us);
    }
    if (link->is_sick && !link->is_pinging && now_us >= link->ping_after_us)
        send_ping(link, now_us);
}

static void send_parked(sl_link_t *link, uint64_t now_us)
{
    h2o_linklist_t *at = link->parked.next;

    if (!sl_link_is_ready(link))
        return;
    while (at != &link->parked) {
        sl_ticket_t *ticket = ticket_of(at);
        at = at->next;
        if (now_us >= ticket->retry_us)
            send_ticket(ticket, now_us);
    }
}

static void tell_doomed(sl_link_t *link)
{
    h2o_linklist_t doomed;

    /* what is asked meanwhile, and fails at once too, waits for the next turn: an obstinate asker must not hold the
     * loop */
    h2o_linklist_init_anchor(&doomed);
    h2o_linklist_insert_list(&doomed, &link->doomed);
    while (!h2o_linklist_is_empty(&doomed)) {
        sl_ticket_t *ticket = ticket_of(doomed.next);
        tell_and_discard(ticket, NULL, ticket->error);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_turn_us(sl_link_t *link, uint64_t now_us)
{
    uint64_t next_us = SL_NEVER;

    if (!h2o_linklist_is_empty(&link->waiting))
        next_us = H2O_STRUCT_FROM_MEMBER(sl_ticket_t, in_waiting, link->waiting.next)->deadline_us;
    if (!h2o_linklist_is_empty(&link->sent)) {
        uint64_t sent_us = ticket_of(link->sent.next)->sent_us;
        next_us = earlier(next_us, sent_us + (link->is_sick ? link->gone_us : link->sick_us) + 1);
    }
    if (sl_link_is_ready(link) && !h2o_linklist_is_empty(&link->parked))
        next_us = earlier(next_us, now_us + RETRY_AFTER_US);
    if (link->is_sick && !link->is_pinging)
        next_us = earlier(next_us, link->ping_after_us);
    if (next_us != SL_NEVER && next_us < now_us + LEAST_WAIT_US)
        next_us = now_us + LEAST_WAIT_US;
    return next_us;
}

uint64_t sl_link_turn(sl_link_t *link, uint64_t now_us)
{
    uint64_t wire_us = sl_wire_turn(link->wire, now_us);

    expire(link, now_us);
    examine(link, now_us);
    tell_doomed(link);
    send_parked(link, now_us); /* after all who are told something here and ask at once again */
    if (sl_wire_flush(link->wire))
        count(link, SL_M_REDIS_WRITES);
    return earlier(wire_us, next_turn_us(link, now_us));
}

void sl_link_destroy(sl_link_t *link)
{
    link->is_ready = false;
    snprintf(link->away_text, sizeof(link->away_text), "redis: closing");
    h2o_linklist_insert_list(&link->doomed, &link->sent);
    h2o_linklist_insert_list(&link->doomed, &link->parked);
    while (!h2o_linklist_is_empty(&link->doomed))
        tell_and_discard(ticket_of(link->doomed.next), NULL, link->away_text);
    sl_number_set(&link->slot->numbers[SL_M_REDIS_UP], 0);
    sl_wire_destroy(link->wire);
    sl_text_dispose(&link->words.text);
    free(link);
}
