/* What is done about each error reply, and how long a lost connection rests. */
#include "store/errors.h"
#include "store/wire.h"
#include <criterion/criterion.h>

static sl_remedy_t remedy(const char *reply)
{
    return sl_reply_error_find(sl_bytes_of(reply))->remedy;
}

Test(redis_errors, what_was_not_executed_is_asked_again)
{
    cr_assert_eq(remedy("NOSCRIPT No matching script. Please use EVAL."), SL_REMEDY_EVAL);
    cr_assert_eq(remedy("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
                 SL_REMEDY_RETRY);
    cr_assert_eq(remedy("NOREPLICAS Not enough good replicas to write."), SL_REMEDY_RETRY);
    cr_assert_eq(remedy("TRYAGAIN Multiple keys request during rehashing of slot"), SL_REMEDY_RETRY);
}

Test(redis_errors, a_server_that_answers_nobody_is_left_in_peace)
{
    cr_assert_eq(remedy("LOADING Redis is loading the dataset in memory"), SL_REMEDY_REST);
    cr_assert_eq(remedy("BUSY Redis is busy running a script."), SL_REMEDY_REST);
}

Test(redis_errors, a_connection_of_no_use_is_dropped)
{
    cr_assert_eq(remedy("READONLY You can't write against a read only replica."), SL_REMEDY_DROP);
    cr_assert_eq(remedy("NOAUTH Authentication required."), SL_REMEDY_DROP);
    cr_assert_eq(remedy("WRONGPASS invalid username-password pair or user is disabled."), SL_REMEDY_DROP);
}

Test(redis_errors, everything_else_fails_its_asker)
{
    cr_assert_eq(remedy("WRONGTYPE Operation against a key holding the wrong kind of value"), SL_REMEDY_FAIL);
    cr_assert_eq(remedy("OOM command not allowed when used memory > 'maxmemory'."), SL_REMEDY_FAIL);
    cr_assert_eq(remedy("NOPERM this user has no permissions"), SL_REMEDY_FAIL);
    cr_assert_eq(remedy("ERR unknown command"), SL_REMEDY_FAIL);
    cr_assert_eq(remedy(""), SL_REMEDY_FAIL);
}

Test(redis_errors, only_the_whole_first_word_counts)
{
    cr_assert_eq(remedy("LOADINGS of nonsense"), SL_REMEDY_FAIL);
    cr_assert_eq(remedy("READONLY"), SL_REMEDY_DROP);
}

Test(redis_errors, every_text_names_redis)
{
    cr_assert_eq(strncmp(sl_reply_error_find(SL_LIT("whatever"))->text, "redis: ", 7), 0);
    cr_assert_eq(strncmp(sl_reply_error_find(SL_LIT("OOM x"))->text, "redis: ", 7), 0);
}

Test(redis_errors, rests_grow_to_a_cap_below_a_second)
{
    cr_assert_eq(sl_wire_rest_us(0), 0);
    cr_assert_eq(sl_wire_rest_us(1), 50000);
    cr_assert_eq(sl_wire_rest_us(2), 100000);
    cr_assert_eq(sl_wire_rest_us(4), 400000);
    cr_assert_eq(sl_wire_rest_us(5), 640000);
    cr_assert_eq(sl_wire_rest_us(4000000000u), 640000);
}
