/* budget: a bucket of hundredths of a retry. */
#include "budget.h"

#define WHOLE 100
#define SECOND_US 1000000

static void add(sl_budget_t *budget, uint64_t hundredths)
{
    uint64_t most = SL_BUDGET_SAVED * WHOLE;
    budget->balance = hundredths < most - budget->balance ? budget->balance + hundredths : most;
}

static void pay_for_time(sl_budget_t *budget, uint64_t now_us)
{
    if (budget->paid_us == 0) {
        budget->paid_us = now_us;
        add(budget, SL_BUDGET_START * WHOLE);
        return;
    }
    uint64_t seconds = (now_us - budget->paid_us) / SECOND_US;
    budget->paid_us += seconds * SECOND_US;
    add(budget, seconds < SL_BUDGET_SAVED ? seconds * WHOLE : SL_BUDGET_SAVED * WHOLE);
}

void sl_budget_pay(sl_budget_t *budget, uint64_t now_us)
{
    pay_for_time(budget, now_us);
    add(budget, WHOLE * SL_BUDGET_PERCENT / 100);
}

bool sl_budget_take(sl_budget_t *budget, uint64_t now_us)
{
    pay_for_time(budget, now_us);
    if (budget->balance < WHOLE)
        return false;
    budget->balance -= WHOLE;
    return true;
}
