/*
 * sweeper: when the worker is looked over (exchange/sweep.c). Once a second is enough for deadlines of many seconds;
 * when a shorter one is configured it is done ten times a second.
 */
#include "process.h"
#include "sluice/clock.h"
#include "sluice/exchange.h"

#define SHORT_MS 5000

static bool is_urgent(const sl_worker_t *worker)
{
    const sl_config_t *config = worker->config;
    const uint64_t deadlines_ms[] = {config->limits.head_ms, config->limits.body_grace_ms, config->limits.idle_ms,
                                     config->limits.stall_ms,
                                     config->limits.lifetime_ms != 0 ? config->limits.lifetime_ms : SHORT_MS};
    for (size_t i = 0; i != sizeof deadlines_ms / sizeof deadlines_ms[0]; ++i)
        if (deadlines_ms[i] < SHORT_MS)
            return true;
    return false;
}

static void on_time(h2o_timeout_entry_t *entry)
{
    sl_process_t *process = H2O_STRUCT_FROM_MEMBER(sl_process_t, second, entry);
    sl_exchange_sweep(&process->super, sl_clock_us());
    sl_grudges_drop(process, sl_clock_us());
    sl_lingers_end(process, sl_clock_us());
    sl_sweeper_start(process);
}

void sl_sweeper_start(sl_process_t *process)
{
    h2o_context_t *ctx = &process->super.ctx;
    process->second.cb = on_time;
    h2o_timeout_link(ctx->loop, is_urgent(&process->super) ? &ctx->hundred_ms_timeout : &ctx->one_sec_timeout,
                     &process->second);
}

void sl_sweeper_stop(sl_process_t *process)
{
    h2o_timeout_unlink(&process->second);
}
