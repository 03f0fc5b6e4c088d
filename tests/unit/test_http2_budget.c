/* http2_budget: amounts hold for ten seconds, honest work adds to them, and once exceeded is exceeded for good. */
#include "sluice/http2_budget.h"
#include <criterion/criterion.h>

static bool spend_many(sl_http2_ledger_t *ledger, sl_http2_budget_t budget, unsigned times, uint64_t now_us)
{
    bool is_within = true;
    for (unsigned i = 0; i != times; ++i)
        is_within = sl_http2_spend(ledger, budget, 1, now_us);
    return is_within;
}

Test(http2_budget, the_amount_is_within_and_one_more_is_not)
{
    sl_http2_ledger_t ledger = {0};

    cr_expect(spend_many(&ledger, SL_HTTP2_BUDGET_SETTINGS, 100, 20000000));
    cr_expect_not(sl_http2_spend(&ledger, SL_HTTP2_BUDGET_SETTINGS, 1, 20000000));
    cr_expect_eq(ledger.exceeded, SL_HTTP2_BUDGET_SETTINGS);
}

Test(http2_budget, ten_seconds_later_it_is_whole_again)
{
    sl_http2_ledger_t ledger = {0};

    cr_expect(spend_many(&ledger, SL_HTTP2_BUDGET_SETTINGS, 100, 20000000));
    cr_expect(spend_many(&ledger, SL_HTTP2_BUDGET_SETTINGS, 100, 30000000));
    cr_expect_not(sl_http2_spend(&ledger, SL_HTTP2_BUDGET_SETTINGS, 1, 39999999));
}

Test(http2_budget, exceeded_once_is_exceeded_for_good)
{
    sl_http2_ledger_t ledger = {0};

    spend_many(&ledger, SL_HTTP2_BUDGET_SETTINGS, 101, 20000000);

    cr_expect_not(sl_http2_spend(&ledger, SL_HTTP2_BUDGET_PING, 1, 90000000));
    cr_expect_eq(ledger.exceeded, SL_HTTP2_BUDGET_SETTINGS);
}

Test(http2_budget, streams_add_to_it)
{
    sl_http2_ledger_t ledger = {0};

    for (unsigned i = 0; i != 1000; ++i)
        sl_http2_note_stream(&ledger, 20000000);

    cr_expect(spend_many(&ledger, SL_HTTP2_BUDGET_RESETS, 700, 20000000), "half of the requests and 200");
    cr_expect_not(sl_http2_spend(&ledger, SL_HTTP2_BUDGET_RESETS, 1, 20000000));
}

Test(http2_budget, a_client_that_resets_all_it_asks_for_is_found_at_400)
{
    sl_http2_ledger_t ledger = {0};
    unsigned resets = 0;

    do
        sl_http2_note_stream(&ledger, 20000000);
    while (sl_http2_spend(&ledger, SL_HTTP2_BUDGET_RESETS, 1, 20000000) && ++resets != 5000);

    cr_expect_eq(resets, 400);
}

Test(http2_budget, answers_add_to_window_updates)
{
    sl_http2_ledger_t ledger = {0};

    sl_http2_note_sent(&ledger, 512 * 50, 20000000);

    cr_expect(spend_many(&ledger, SL_HTTP2_BUDGET_WINDOW_UPDATE, 1050, 20000000));
    cr_expect_not(sl_http2_spend(&ledger, SL_HTTP2_BUDGET_WINDOW_UPDATE, 1, 20000000));
}
