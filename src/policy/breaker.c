/*
 * breaker: a worker's view of one circuit breaker.
 *
 *            learn (pushed)                                  note (results of requests)
 *   Redis ──────────────────▶ view ──▶ gate: pass|ask|refuse        │
 *     ▲                         ▲─────────────────────────────────┘
 *     └──── report ◀── take_report: counts since the last one, all of one generation
 *
 * What a report is worth decides what it may cost. Failures can open the breaker: the first ones leave at once, a
 * stream of them is batched. A success can only end a run of failures, so while there is no run it is not news and a
 * healthy service costs nothing.
 */
#include "sluice/breaker.h"
#include <assert.h>

#define REPORT_INTERVAL_US 100000u /* between batches */
#define QUIET_US 1000000u          /* so long without a report, and the next failures count as the first ones again */

const char *sl_breaker_state_name(sl_breaker_state_t state)
{
    static const char *const names[] = {
        [SL_BREAKER_CLOSED] = "closed",
        [SL_BREAKER_HALF_OPEN] = "half_open",
        [SL_BREAKER_OPEN] = "open",
    };

    return names[state];
}

bool sl_breaker_status_fails(const sl_breaker_settings_t *settings, int status)
{
    if (status < 100 || status > 599)
        return false;
    unsigned bit = (unsigned)status - 100;
    return (settings->failure_codes[bit / 8] >> bit % 8 & 1) != 0;
}

sl_gate_t sl_breaker_gate(const sl_breaker_view_t *view, uint64_t now_us, uint64_t *wait_us)
{
    *wait_us = 0;
    if (view->state == SL_BREAKER_CLOSED)
        return SL_GATE_PASS;
    if (view->is_forced)
        return SL_GATE_REFUSE;
    if (now_us >= view->refuse_until_us)
        return SL_GATE_ASK;
    *wait_us = view->refuse_until_us - now_us;
    return SL_GATE_REFUSE;
}

static bool takes_results(const sl_breaker_view_t *view)
{
    return view->state == SL_BREAKER_CLOSED && !view->is_forced;
}

static void drop_results(sl_breaker_view_t *view)
{
    view->ok = view->ok_before = view->failed = view->streak = view->sent = 0;
    view->had_ok = false;
    view->report_after_us = view->window_began_us = 0;
}

bool sl_breaker_learn(sl_breaker_view_t *view, sl_breaker_state_t state, uint64_t generation, uint64_t streak,
                      uint64_t wait_us, bool is_forced, uint64_t now_us)
{
    bool has_changed = view->state != state;
    /* not "older": when an operator deletes the hash, generations begin at 0 again */
    bool is_other = view->generation != generation;

    view->state = state;
    view->generation = generation;
    view->streak_seen = streak;
    view->is_forced = is_forced;
    view->refuse_until_us = wait_us > UINT64_MAX - now_us ? UINT64_MAX : now_us + wait_us;
    if (is_other || !takes_results(view))
        drop_results(view);
    else if (streak == 0)
        view->had_ok = false; /* the run that it was to end has ended without us; later failures are of the next */
    return has_changed;
}

/* Successes count for the ratio as long as the window is; those of the window before fade out as this one passes. */
static void move_window(sl_breaker_view_t *view, uint64_t window_us, uint64_t now_us)
{
    uint64_t elapsed_us = now_us - view->window_began_us;

    if (view->window_began_us != 0 && elapsed_us < window_us)
        return;
    bool is_next = view->window_began_us != 0 && elapsed_us / 2 < window_us;
    view->ok_before = is_next ? view->ok : 0;
    view->ok = 0;
    view->window_began_us = is_next ? view->window_began_us + window_us : now_us;
}

/* A report is near: what the window before still weighs joins the count. */
static void settle_window(sl_breaker_view_t *view, uint64_t window_us, uint64_t now_us)
{
    uint64_t left_permille = 1000 - (now_us - view->window_began_us) / (window_us / 1000);

    view->ok += view->ok_before * left_permille / 1000;
    view->ok_before = 0;
}

static void note_failure(sl_breaker_view_t *view, uint64_t now_us)
{
    if (now_us >= view->report_after_us + (QUIET_US - REPORT_INTERVAL_US))
        view->sent = 0;
    ++view->failed;
    ++view->streak;
}

static void note_success(sl_breaker_view_t *view, bool has_ratio)
{
    view->ok += has_ratio;
    view->streak = 0;
    /* A success before the first failure says nothing about the run: were it sent along, every worker's old successes
     * would hold back the count of the others. */
    if (view->streak_seen != 0 || view->failed != 0)
        view->had_ok = true;
}

static bool has_news(const sl_breaker_view_t *view)
{
    return view->failed != 0 || view->had_ok;
}

bool sl_breaker_note(sl_breaker_view_t *view, const sl_breaker_settings_t *settings, uint64_t generation,
                     bool is_failure, uint64_t now_us)
{
    bool has_ratio = settings->ratio_permille != 0 && settings->window_ms != 0;
    uint64_t window_us = settings->window_ms * 1000;

    if ((settings->failures == 0 && !has_ratio) || generation != view->generation || !takes_results(view))
        return false;
    if (has_ratio)
        move_window(view, window_us, now_us);
    if (is_failure)
        note_failure(view, now_us);
    else
        note_success(view, has_ratio);
    if (has_ratio && has_news(view))
        settle_window(view, window_us, now_us);

    bool is_early = is_failure && view->sent + view->failed <= settings->failures;
    return is_early || sl_breaker_report_due(view, now_us);
}

bool sl_breaker_report_due(const sl_breaker_view_t *view, uint64_t now_us)
{
    return takes_results(view) && has_news(view) && now_us >= view->report_after_us;
}

sl_breaker_report_t sl_breaker_take_report(sl_breaker_view_t *view, uint64_t now_us)
{
    sl_breaker_report_t report = {view->generation, view->ok, view->failed, view->streak, view->had_ok};

    view->sent += view->failed;
    view->ok = view->failed = view->streak = 0;
    view->had_ok = false;
    view->report_after_us = now_us + REPORT_INTERVAL_US;
    return report;
}
