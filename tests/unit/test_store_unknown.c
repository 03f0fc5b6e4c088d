/* Keys that Redis did not know a moment ago: the table, and what a worker's store makes of it. */
#include "store/unknown.h"
#include "store_house.h"

#define LATER_US 5000000u

/* --- the table: no server, the clock is an argument --- */

/* Of the set that the first digits say, and unlike all others of it. */
static const char *key_of(const char *first, unsigned number)
{
    static char names[16][SL_DIGEST_HEX + 1];
    static unsigned next;
    char *name = names[next++ % 16];

    snprintf(name, SL_DIGEST_HEX + 1, "%s%061u", first, number);
    return name;
}

static void note(sl_unknown_t *unknown, const char *key, uint64_t now_us)
{
    sl_unknown_note(unknown, key, sl_unknown_changes(unknown, key), now_us);
}

static void change(sl_unknown_t *unknown, const char *key)
{
    char name[SL_DIGEST_HEX + 3];

    snprintf(name, sizeof(name), "{%s}", key);
    sl_unknown_record_changed(unknown, sl_bytes_of(name));
}

Test(unknown, a_key_is_held_for_so_long_and_no_longer)
{
    sl_unknown_t unknown = {0};
    const char *key = key_of("abc", 1);

    cr_expect(!sl_unknown_holds(&unknown, key, LATER_US, 1000));
    note(&unknown, key, 1000);
    cr_expect(sl_unknown_holds(&unknown, key, LATER_US, 1000));
    cr_expect(sl_unknown_holds(&unknown, key, LATER_US, 1000 + LATER_US - 1));
    cr_expect(!sl_unknown_holds(&unknown, key, LATER_US, 1000 + LATER_US));
    cr_expect(!sl_unknown_holds(&unknown, key, 0, 1000));
    cr_expect(!sl_unknown_holds(&unknown, key_of("abc", 2), LATER_US, 1000));

    note(&unknown, key, 1000 + LATER_US);
    cr_expect(sl_unknown_holds(&unknown, key, LATER_US, 1000 + LATER_US));
    sl_unknown_dispose(&unknown);
}

Test(unknown, a_changed_record_is_no_longer_held)
{
    sl_unknown_t unknown = {0};

    note(&unknown, key_of("abc", 1), 1000);
    note(&unknown, key_of("abc", 2), 1000);
    change(&unknown, key_of("abc", 1));

    cr_expect(!sl_unknown_holds(&unknown, key_of("abc", 1), LATER_US, 1001));
    cr_expect(sl_unknown_holds(&unknown, key_of("abc", 2), LATER_US, 1001));
    sl_unknown_dispose(&unknown);
}

Test(unknown, an_answer_that_may_be_older_than_a_change_is_not_noted)
{
    sl_unknown_t unknown = {0};
    const char *key = key_of("abc", 1);
    uint64_t asked = sl_unknown_changes(&unknown, key);

    change(&unknown, key_of("abd", 1)); /* of another set: it cannot be this one's */
    sl_unknown_note(&unknown, key, asked, 1000);
    cr_expect(sl_unknown_holds(&unknown, key, LATER_US, 1000));

    asked = sl_unknown_changes(&unknown, key);
    change(&unknown, key);
    sl_unknown_note(&unknown, key, asked, 1000);
    cr_expect(!sl_unknown_holds(&unknown, key, LATER_US, 1000));

    asked = sl_unknown_changes(&unknown, key);
    sl_unknown_forget(&unknown);
    sl_unknown_note(&unknown, key, asked, 1000);
    cr_expect(!sl_unknown_holds(&unknown, key, LATER_US, 1000));
    sl_unknown_dispose(&unknown);
}

Test(unknown, what_is_forgotten_is_held_no_more)
{
    sl_unknown_t unknown = {0};

    sl_unknown_forget(&unknown);
    note(&unknown, key_of("000", 1), 1000);
    note(&unknown, key_of("fff", 1), 1000);
    sl_unknown_forget(&unknown);

    cr_expect(!sl_unknown_holds(&unknown, key_of("000", 1), LATER_US, 1000));
    cr_expect(!sl_unknown_holds(&unknown, key_of("fff", 1), LATER_US, 1000));
    sl_unknown_dispose(&unknown);
}

Test(unknown, a_full_set_gives_the_place_of_the_oldest)
{
    sl_unknown_t unknown = {0};

    for (unsigned i = 0; i != SL_UNKNOWN_WAYS; ++i)
        note(&unknown, key_of("abc", i), 1000 + i);
    note(&unknown, key_of("abc", 0), 2000); /* has its place already, and is now the newest */
    note(&unknown, key_of("abc", 99), 2001);

    cr_expect(sl_unknown_holds(&unknown, key_of("abc", 0), LATER_US, 2001));
    cr_expect(!sl_unknown_holds(&unknown, key_of("abc", 1), LATER_US, 2001));
    for (unsigned i = 2; i != SL_UNKNOWN_WAYS; ++i)
        cr_expect(sl_unknown_holds(&unknown, key_of("abc", i), LATER_US, 2001), "%u", i);
    cr_expect(sl_unknown_holds(&unknown, key_of("abc", 99), LATER_US, 2001));
    sl_unknown_dispose(&unknown);
}

Test(unknown, names_that_are_no_digest_concern_nobody)
{
    static const char *const names[] = {"", "{}", "{abc}", "{zz\xff\x80}"};
    sl_unknown_t unknown = {0};
    char odd[SL_DIGEST_HEX + 2];

    memset(odd, 0xff, sizeof(odd));
    note(&unknown, key_of("abc", 1), 1000);
    for (size_t i = 0; i != sizeof(names) / sizeof(names[0]); ++i)
        sl_unknown_record_changed(&unknown, sl_bytes_of(names[i]));
    sl_unknown_record_changed(&unknown, sl_bytes(odd, sizeof(odd)));

    cr_expect(sl_unknown_holds(&unknown, key_of("abc", 1), LATER_US, 1000));
    sl_unknown_dispose(&unknown);
}

/* --- the store, with a real server --- */

TestSuite(store_unknown, .init = open_house, .fini = close_house, .timeout = 60);

static bool is_remembered(void)
{
    return sl_store_remembers_unknown(store, digest, 3600000);
}

static bool is_forgotten(void)
{
    return !is_remembered();
}

/* A first answer may come before pushes are live, and is then not remembered. */
static bool is_learnt(void)
{
    ask_and_wait(1);
    cr_assert(!answers[0].is_error, "%s", answers[0].error);
    cr_assert_eq(answers[0].verdict, SL_VERDICT_UNKNOWN);
    return is_remembered();
}

static void open_without_the_key(void)
{
    settings.timeout_ms = 5000; /* a busy machine is not what these cases are about */
    start_server();
    open_store();
    run_until(is_ready);
    run_until(is_learnt);
}

Test(store_unknown, an_unknown_key_is_remembered_until_its_record_appears)
{
    open_without_the_key();
    cr_expect_eq(number(SL_M_UNKNOWN_REMEMBERED), 1);

    /* given that the operator knows the record to be there, and the loop has not run since */
    allow_key();
    cr_expect(!is_remembered());

    ask_and_wait(1);
    expect_admitted(1);
    cr_expect(!is_remembered());
}

Test(store_unknown, an_answer_from_before_the_record_is_not_remembered)
{
    open_without_the_key();
    operate("HSET sluice:key:{%s} enabled 1", digest);
    operate("DEL sluice:key:{%s}", digest);
    run_until(is_learnt);

    /* given a question under way, and a push that is read before its answer */
    ask_many(1);
    operate("HSET sluice:key:{%s} enabled 1", digest);
    operate("DEL sluice:key:{%s}", digest);
    wait_for_told(1);

    cr_expect_eq(answers[0].verdict, SL_VERDICT_UNKNOWN);
    cr_expect(!is_remembered());
}

/* Redis writes at most 64 KiB to a connection in one go, the rest after it has answered others. */
Test(store_unknown, a_record_amid_thousands_of_others_is_seen_at_once)
{
    open_without_the_key();
    operate(
        "EVAL %s 0 %s",
        "for i = 1, 3000 do redis.call('HSET', 'sluice:key:{' .. string.format('%064d', i) .. '}', 'enabled', 1) end "
        "redis.call('HSET', 'sluice:key:{' .. ARGV[1] .. '}', 'enabled', 1)",
        digest);

    for (int turn = 0; turn != 50; ++turn) {
        cr_assert(!is_remembered(), "%d", turn);
        h2o_evloop_run(ctx.loop, 1);
    }
}

Test(store_unknown, nothing_is_remembered_while_pushes_are_away)
{
    open_without_the_key();
    operate("CLIENT KILL TYPE pubsub");
    cr_expect(!is_remembered());

    run_until(is_learnt);
}

Test(store_unknown, a_server_that_lost_its_memory_is_asked_anew)
{
    open_without_the_key();
    operate("FLUSHALL");
    run_until(is_forgotten);
    run_for_ms(20);
    cr_expect(!is_remembered()); /* it was not merely in doubt because something waited to be read */

    run_until(is_learnt);
}

Test(store_unknown, nothing_is_remembered_across_a_loss_of_the_link)
{
    open_without_the_key();
    operate("CLIENT KILL TYPE normal"); /* but not the operator's own, nor that of pushes */
    run_until(is_not_ready);
    cr_expect(!is_remembered());

    run_until(is_ready);
    run_for_ms(20);
    cr_expect(!is_remembered());
}

Test(store_unknown, nothing_is_remembered_across_a_restart_of_the_server)
{
    open_without_the_key();
    kill_server();
    run_until(is_not_ready);
    cr_expect(!is_remembered());

    start_server();
    allow_key();
    run_until(is_ready);
    cr_expect(!is_remembered());
    ask_and_wait(1);
    expect_admitted(1);
}
