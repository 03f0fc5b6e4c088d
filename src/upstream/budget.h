/*
 * budget: how many retries a service's traffic pays for, so that retries cannot multiply the load of a service in
 * trouble. Pure.
 *
 * Each call adds a fifth of a retry, each retry takes a whole one. A quiet service gets one per second besides, and
 * never has fewer than it can save up: so the first calls after a restart may be retried too.
 */
#ifndef SLUICE_UPSTREAM_BUDGET_H
#define SLUICE_UPSTREAM_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define SL_BUDGET_PERCENT 20
#define SL_BUDGET_START 10 /* retries of a service that has had no traffic yet */
#define SL_BUDGET_SAVED 50 /* retries that can be saved up */

/* All zero is a service that has had no traffic yet. */
typedef struct sl_budget_t {
    uint64_t balance; /* hundredths of a retry */
    uint64_t paid_us; /* when the retry per second was last paid */
} sl_budget_t;

void sl_budget_pay(sl_budget_t *budget, uint64_t now_us);
/* False: no retry now. */
bool sl_budget_take(sl_budget_t *budget, uint64_t now_us);

#endif
