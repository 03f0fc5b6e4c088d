/*
 * breakers: this worker's views of the services' breakers, and its part in the protocol with Redis.
 *
 *   fresh    a push names a breaker -> breaker_read -> view. Without pushes: read again each second while it is in use.
 *   claim    the gate said ASK -> breaker_try (or the third key of admit) -> closed: go | a probe | refused
 *   settle   a probe's end -> breaker_settle; an ordinary result -> the view gathers -> breaker_report when worth it
 *
 * A view that has read nothing yet counts as half-open: the gate asks, so a new worker neither lets requests pass to a
 * dead service nor refuses any on its own.
 */
#include "parts.h"
#include "sluice/clock.h"
#include "sluice/log.h"

#define READ_AGAIN_US 1000000

struct sl_service_breaker_t {
    sl_service_breaker_t *next_in_slot, *next;
    sl_store_t *store;
    h2o_iovec_t name;
    int slot;
    sl_breaker_settings_t settings;
    sl_breaker_view_t view;
    bool is_known;   /* the view came from Redis */
    bool is_used;    /* since it was last read */
    bool is_reading; /* a breaker_read is under way ... */
    bool is_stale;   /* ... and was overtaken by a change */
    bool is_unread;  /* the last breaker_read failed */
    uint64_t read_us;
};

static void read_breaker(sl_service_breaker_t *breaker);

/* --- the table --- */

static sl_service_breaker_t *create_breaker(sl_store_t *store, const sl_service_t *service)
{
    sl_service_breaker_t *breaker = h2o_mem_alloc(sizeof(*breaker));

    *breaker = (sl_service_breaker_t){.store = store,
                                      .next_in_slot = store->breakers[service->slot],
                                      .next = store->all_breakers,
                                      .name = h2o_strdup(NULL, service->name, SIZE_MAX),
                                      .slot = service->slot,
                                      .settings = service->breaker,
                                      .view = {.state = SL_BREAKER_HALF_OPEN}};
    store->breakers[service->slot] = breaker;
    store->all_breakers = breaker;
    read_breaker(breaker);
    return breaker;
}

sl_service_breaker_t *sl_store_breaker(sl_store_t *store, const sl_service_t *service)
{
    sl_service_breaker_t *breaker = store->breakers[service->slot];

    if (!service->has_breaker)
        return NULL;
    while (breaker != NULL && !sl_bytes_equal(breaker->name, sl_bytes_of(service->name)))
        breaker = breaker->next_in_slot;
    if (breaker == NULL)
        breaker = create_breaker(store, service);
    breaker->settings = service->breaker; /* a reload may have changed them */
    breaker->is_used = true;
    return breaker;
}

const sl_breaker_view_t *sl_store_breaker_view(const sl_service_breaker_t *breaker)
{
    return &breaker->view;
}

sl_gate_t sl_store_gate(sl_service_breaker_t *breaker, uint64_t now_us, sl_pass_t *pass, uint64_t *wait_us)
{
    sl_gate_t gate = breaker != NULL ? sl_breaker_gate(&breaker->view, now_us, wait_us) : SL_GATE_PASS;

    if (gate == SL_GATE_PASS && breaker != NULL)
        *pass = (sl_pass_t){breaker, breaker->view.generation, 0};
    return gate;
}

void sl_breakers_dispose(sl_store_t *store)
{
    while (store->all_breakers != NULL) {
        sl_service_breaker_t *breaker = store->all_breakers;
        store->all_breakers = breaker->next;
        free(breaker->name.base);
        free(breaker);
    }
}

/* --- learning --- */

static void learn(sl_service_breaker_t *breaker, sl_breaker_state_t state, uint64_t generation, uint64_t streak,
                  uint64_t wait_us, bool is_forced)
{
    sl_service_numbers_t *numbers = breaker->store->slot->services + breaker->slot;
    sl_breaker_state_t before = breaker->view.state;
    bool has_changed = sl_breaker_learn(&breaker->view, state, generation, streak, wait_us, is_forced, sl_clock_us());

    sl_number_set(&numbers->breaker_state, (uint64_t)state);
    if (has_changed && breaker->is_known) {
        sl_number_add(&numbers->breaker_transitions, 1);
        sl_log(state == SL_BREAKER_OPEN ? SL_LOG_WARN : SL_LOG_INFO, "breaker", "service '%s': %s after %s%s",
               breaker->name.base, sl_breaker_state_name(state), sl_breaker_state_name(before),
               is_forced ? ", by an operator" : "");
    }
    breaker->is_known = true;
}

static uint64_t number_at(const redisReply *reply, size_t index)
{
    long long number = reply->element[index]->type == REDIS_REPLY_INTEGER ? reply->element[index]->integer : 0;
    return number > 0 ? (uint64_t)number : 0;
}

static bool state_at(const redisReply *reply, size_t index, sl_breaker_state_t *state)
{
    const redisReply *text = reply->element[index];

    if (text->type != REDIS_REPLY_STRING)
        return false;
    for (*state = SL_BREAKER_CLOSED; *state <= SL_BREAKER_OPEN; ++*state)
        if (sl_bytes_equal(sl_bytes(text->str, text->len), sl_bytes_of(sl_breaker_state_name(*state))))
            return true;
    return false;
}

/* {applied, state, generation, wait us}: settle and report. How many failures in a row Redis counts comes with the push
 * that follows. */
static void on_moved(const sl_asker_t *asker, const redisReply *reply, const char *error)
{
    sl_service_breaker_t *breaker = asker->breaker;
    sl_breaker_state_t state;

    if (error != NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements < 4 || !state_at(reply, 1, &state))
        return;
    uint64_t generation = number_at(reply, 2);
    if (generation == breaker->view.generation && state == breaker->view.state)
        return;
    learn(breaker, state, generation, 0, number_at(reply, 3), false);
}

static void on_moved_late(const sl_asker_t *asker, const redisReply *reply)
{
    on_moved(asker, reply, NULL);
}

/* Closed and refused are told without the details; those we know of the same generation stay true. */
void sl_breaker_learn_claim(sl_service_breaker_t *breaker, sl_claim_t claim, uint64_t generation, uint64_t wait_us)
{
    bool is_same = generation == breaker->view.generation && breaker->is_known;

    switch (claim) {
    case SL_CLAIM_CLOSED:
        learn(breaker, SL_BREAKER_CLOSED, generation, is_same ? breaker->view.streak_seen : 0, 0,
              is_same && breaker->view.is_forced);
        return;
    case SL_CLAIM_PROBE:
        learn(breaker, SL_BREAKER_HALF_OPEN, generation, 0, 0, false);
        return;
    case SL_CLAIM_REFUSED:
        /* only an operator's word gives nothing to wait for */
        learn(breaker, is_same && breaker->view.state != SL_BREAKER_CLOSED ? breaker->view.state : SL_BREAKER_OPEN,
              generation, 0, wait_us, wait_us == 0);
        return;
    }
}

/* --- reading --- */

/* {state, generation, failures, wait us, forced or '', changed us} */
static void on_read(const sl_asker_t *asker, const redisReply *reply, const char *error)
{
    sl_service_breaker_t *breaker = asker->breaker;
    sl_breaker_state_t state;

    breaker->is_reading = false;
    breaker->is_unread = error != NULL;
    if (error == NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements >= 5 && state_at(reply, 0, &state))
        learn(breaker, state, number_at(reply, 1), number_at(reply, 2), number_at(reply, 3),
              reply->element[4]->type == REDIS_REPLY_STRING && reply->element[4]->len != 0);
    else if (error == NULL)
        sl_log_limited(SL_LOG_WARN, "redis_error", "breaker of service '%s': unreadable answer", breaker->name.base);
    if (breaker->is_stale)
        read_breaker(breaker);
}

/* Late, but nothing newer has been read: the next read comes a second after the one that failed. */
static void on_read_late(const sl_asker_t *asker, const redisReply *reply)
{
    if (!asker->breaker->is_reading)
        on_read(asker, reply, NULL);
}

/* When the link is away this waits for it: on_link_ready reads all. */
static void read_breaker(sl_service_breaker_t *breaker)
{
    sl_link_t *link = breaker->store->link;
    sl_asker_t who = {.on_answer = on_read, .on_late = on_read_late, .breaker = breaker};

    breaker->is_stale = breaker->is_reading && sl_link_is_ready(link);
    if (breaker->is_reading || !sl_link_is_ready(link))
        return;
    breaker->is_reading = true;
    breaker->is_used = false;
    breaker->read_us = sl_clock_us();
    sl_breaker_key_word(breaker, sl_link_words(link));
    sl_link_ask(link, SL_SCRIPT_BREAKER_READ, 1, &who);
}

void sl_breakers_read_all(sl_store_t *store)
{
    for (sl_service_breaker_t *breaker = store->all_breakers; breaker != NULL; breaker = breaker->next)
        read_breaker(breaker);
}

static bool cut(h2o_iovec_t *bytes, h2o_iovec_t head)
{
    if (bytes->len < head.len || memcmp(bytes->base, head.base, head.len) != 0)
        return false;
    *bytes = sl_bytes(bytes->base + head.len, bytes->len - head.len);
    return true;
}

void sl_breakers_touch(sl_store_t *store, h2o_iovec_t key)
{
    if (!cut(&key, store->prefix) || !cut(&key, SL_LIT(":breaker:{")) || key.len == 0 || key.base[key.len - 1] != '}')
        return;
    --key.len;
    for (sl_service_breaker_t *breaker = store->all_breakers; breaker != NULL; breaker = breaker->next)
        if (sl_bytes_equal(breaker->name, key))
            read_breaker(breaker);
}

/* --- claiming --- */

void sl_breaker_key_word(const sl_service_breaker_t *breaker, sl_words_t *words)
{
    sl_words_key(words, breaker->store->prefix, SL_LIT("breaker"), breaker->name);
}

void sl_breaker_claim_words(const sl_service_breaker_t *breaker, sl_words_t *words)
{
    sl_words_number(words, breaker->settings.probes);
    sl_words_number(words, breaker->settings.successes);
    sl_words_number(words, breaker->settings.lease_ms);
}

/* {0 refused | 1 closed | 2 probe, generation, probe id or wait us} */
static bool read_claim(const redisReply *reply, sl_claim_t *claim, uint64_t *generation, uint64_t *third)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3 || number_at(reply, 0) > SL_CLAIM_PROBE)
        return false;
    *claim = (sl_claim_t)number_at(reply, 0);
    *generation = number_at(reply, 1);
    *third = number_at(reply, 2);
    return true;
}

static void on_claim(const sl_asker_t *asker, const redisReply *reply, const char *error)
{
    sl_pass_t pass = {.breaker = asker->breaker};
    sl_claim_t claim;
    uint64_t third;

    if (error == NULL && !read_claim(reply, &claim, &pass.generation, &third))
        error = "redis: the answer is no pass";
    if (error != NULL) {
        asker->on_pass(asker->data, false, NULL, 0, error);
        return;
    }
    sl_breaker_learn_claim(asker->breaker, claim, pass.generation, claim == SL_CLAIM_REFUSED ? third : 0);
    pass.probe_id = claim == SL_CLAIM_PROBE ? third : 0;
    if (claim == SL_CLAIM_REFUSED)
        asker->on_pass(asker->data, false, NULL, third, NULL);
    else
        asker->on_pass(asker->data, true, &pass, 0, NULL);
}

static void on_claim_late(const sl_asker_t *asker, const redisReply *reply)
{
    sl_claim_t claim;
    uint64_t generation, third;

    if (read_claim(reply, &claim, &generation, &third) && claim == SL_CLAIM_PROBE)
        sl_breaker_give_back(asker->breaker, generation, third);
}

sl_ticket_t *sl_store_ask_pass(sl_store_t *store, sl_service_breaker_t *breaker, sl_on_pass_t on_pass, void *asker)
{
    sl_words_t *words = sl_link_words(store->link);
    sl_asker_t who = {on_claim, on_claim_late, asker, on_pass, breaker};

    sl_breaker_key_word(breaker, words);
    sl_breaker_claim_words(breaker, words);
    return sl_link_ask(store->link, SL_SCRIPT_BREAKER_TRY, 1, &who);
}

/* --- settling and reporting --- */

static void settle_probe(sl_service_breaker_t *breaker, uint64_t generation, uint64_t probe_id, sl_outcome_t outcome)
{
    static const h2o_iovec_t outcome_words[] = {
        [SL_OUTCOME_SUCCESS] = {(char *)"success", 7},
        [SL_OUTCOME_FAILURE] = {(char *)"failure", 7},
        [SL_OUTCOME_UNKNOWN] = {(char *)"unknown", 7},
    };
    sl_words_t *words = sl_link_words(breaker->store->link);
    sl_asker_t who = {.on_answer = on_moved, .on_late = on_moved_late, .breaker = breaker};

    sl_breaker_key_word(breaker, words);
    sl_words_number(words, generation);
    sl_words_number(words, probe_id);
    sl_words_put(words, outcome_words[outcome]);
    sl_words_number(words, breaker->settings.probes);
    sl_words_number(words, breaker->settings.successes);
    sl_words_number(words, breaker->settings.recovery_ms);
    sl_words_number(words, breaker->settings.recovery_max_ms);
    sl_link_ask(breaker->store->link, SL_SCRIPT_BREAKER_SETTLE, 1, &who);
}

void sl_breaker_give_back(sl_service_breaker_t *breaker, uint64_t generation, uint64_t probe_id)
{
    settle_probe(breaker, generation, probe_id, SL_OUTCOME_UNKNOWN);
}

static void send_report(sl_service_breaker_t *breaker, uint64_t now_us)
{
    sl_breaker_report_t report = sl_breaker_take_report(&breaker->view, now_us);
    const sl_breaker_settings_t *settings = &breaker->settings;
    const uint64_t numbers[] = {report.generation,
                                report.ok,
                                report.failed,
                                report.streak,
                                report.had_ok,
                                settings->failures,
                                settings->ratio_permille,
                                settings->minimum,
                                settings->window_ms,
                                settings->recovery_ms,
                                settings->recovery_max_ms};
    sl_words_t *words = sl_link_words(breaker->store->link);
    sl_asker_t who = {.on_answer = on_moved, .on_late = on_moved_late, .breaker = breaker};

    sl_breaker_key_word(breaker, words);
    for (size_t i = 0; i != sizeof(numbers) / sizeof(numbers[0]); ++i)
        sl_words_number(words, numbers[i]);
    sl_link_ask(breaker->store->link, SL_SCRIPT_BREAKER_REPORT, 1, &who);
}

void sl_store_settle(sl_store_t *store, sl_pass_t *pass, sl_outcome_t outcome)
{
    sl_service_breaker_t *breaker = pass->breaker;
    uint64_t now_us = sl_clock_us();

    if (breaker == NULL)
        return;
    pass->breaker = NULL;
    if (pass->probe_id != 0)
        settle_probe(breaker, pass->generation, pass->probe_id, outcome);
    else if (outcome == SL_OUTCOME_UNKNOWN)
        return;
    else if (sl_breaker_note(&breaker->view, &breaker->settings, pass->generation, outcome == SL_OUTCOME_FAILURE,
                             now_us))
        send_report(breaker, now_us);
    else if (breaker->view.failed != 0 || breaker->view.had_ok)
        sl_pulse_soon(&store->pulse, now_us); /* the turn notes when it is due */
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Nobody may tell us of changes: a view that requests go by, or that holds some back, must not grow old. */
static bool must_read_again(const sl_service_breaker_t *breaker, bool is_pushed)
{
    if (is_pushed)
        return breaker->is_unread;
    return breaker->is_used || breaker->view.state != SL_BREAKER_CLOSED || breaker->view.streak_seen != 0;
}

/* When this breaker wants the next turn. */
static uint64_t turn_breaker(sl_service_breaker_t *breaker, bool is_pushed, uint64_t now_us)
{
    sl_breaker_view_t *view = &breaker->view;
    uint64_t next_us = SL_NEVER;

    if (sl_breaker_report_due(view, now_us))
        send_report(breaker, now_us);
    if ((view->failed != 0 || view->had_ok) && view->report_after_us > now_us)
        next_us = view->report_after_us;
    if (must_read_again(breaker, is_pushed)) {
        if (now_us >= breaker->read_us + READ_AGAIN_US)
            read_breaker(breaker);
        next_us = earlier(next_us, now_us + READ_AGAIN_US);
    }
    return next_us;
}

uint64_t sl_breakers_turn(sl_store_t *store, uint64_t now_us)
{
    bool is_pushed = sl_pushes_are_live(store->pushes);
    uint64_t next_us = SL_NEVER;

    for (sl_service_breaker_t *breaker = store->all_breakers; breaker != NULL; breaker = breaker->next)
        next_us = earlier(next_us, turn_breaker(breaker, is_pushed, now_us));
    return next_us;
}
