/* http2_budget: the ledger of a connection, in windows of ten seconds that begin anew with the first frame after their
 * end. A burst across a border may thus reach twice the amount; they are generous anyway. */
#include "sluice/http2_budget.h"
#include <string.h>

#define BYTES_PER_WINDOW_UPDATE 512

typedef struct row_t {
    const char *name;
    uint64_t amount, more;
} row_t;

static const row_t rows[] = {
#define X(id, name, amount, more, why) {name, amount, more},
    SL_HTTP2_BUDGETS(X)
#undef X
};

static void turn_page(sl_http2_ledger_t *ledger, uint64_t now_us)
{
    if (now_us < ledger->began_us + SL_HTTP2_BUDGET_WINDOW_US)
        return;
    ledger->began_us = now_us;
    ledger->streams = 0;
    ledger->sent = 0;
    memset(ledger->spent, 0, sizeof(ledger->spent));
}

void sl_http2_note_stream(sl_http2_ledger_t *ledger, uint64_t now_us)
{
    turn_page(ledger, now_us);
    ++ledger->streams;
}

void sl_http2_note_sent(sl_http2_ledger_t *ledger, uint64_t bytes, uint64_t now_us)
{
    turn_page(ledger, now_us);
    ledger->sent += bytes;
}

bool sl_http2_spend(sl_http2_ledger_t *ledger, sl_http2_budget_t budget, uint64_t amount, uint64_t now_us)
{
    turn_page(ledger, now_us);
    ledger->spent[budget] += amount;
    uint64_t allowed = rows[budget].amount + rows[budget].more * ledger->streams / 10;
    if (budget == SL_HTTP2_BUDGET_WINDOW_UPDATE)
        allowed += ledger->sent / BYTES_PER_WINDOW_UPDATE;
    if (ledger->spent[budget] > allowed && !ledger->is_exceeded) {
        ledger->is_exceeded = true;
        ledger->exceeded = budget;
    }
    return !ledger->is_exceeded;
}

const char *sl_http2_budget_name(sl_http2_budget_t budget)
{
    return rows[budget].name;
}
