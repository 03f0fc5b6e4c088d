/* How much each of many may read in one turn. */
#include "sluice/share.h"
#include <criterion/criterion.h>

static size_t take_turn(sl_share_t *share, uint64_t turn, size_t takers)
{
    size_t bytes = 0;
    for (size_t i = 0; i != takers; ++i)
        bytes += sl_share_take(share, turn);
    return bytes;
}

Test(share, whoever_is_alone_gets_the_largest_piece)
{
    sl_share_t share = {0};
    for (uint64_t turn = 1; turn != 10; ++turn)
        cr_expect_eq(take_turn(&share, turn, 1), SL_SHARE_BYTES_MAX);
}

Test(share, a_crowd_gets_together_what_a_turn_should_take)
{
    sl_share_t share = {0};
    take_turn(&share, 1, 40);
    cr_expect_leq(take_turn(&share, 2, 40), SL_SHARE_TURN_BYTES);
    cr_expect_eq(sl_share_take(&share, 3), SL_SHARE_TURN_BYTES / 40);
}

Test(share, nobody_gets_less_than_is_worth_a_system_call)
{
    sl_share_t share = {0};
    take_turn(&share, 1, 10000);
    cr_expect_eq(take_turn(&share, 2, 10000), 10000 * SL_SHARE_BYTES_MIN);
}

Test(share, a_crowd_that_comes_all_at_once_gets_less_while_it_comes)
{
    sl_share_t share = {0};
    take_turn(&share, 1, 1);
    cr_expect_lt(take_turn(&share, 2, 1000), 3 * SL_SHARE_TURN_BYTES + 1000 * SL_SHARE_BYTES_MIN);
}

Test(share, when_the_crowd_has_gone_the_next_turn_but_one_knows)
{
    sl_share_t share = {0};
    take_turn(&share, 1, 40);
    take_turn(&share, 2, 1);
    cr_expect_eq(sl_share_take(&share, 3), SL_SHARE_BYTES_MAX);
}
