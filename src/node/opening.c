/*
 * opening: when a new worker begins to accept.
 *
 * Its link to Redis takes a few milliseconds to come up, and requests that arrive before would be refused for nothing:
 * they wait in the kernel's queue instead. When Redis is away the worker opens after a second all the same, since
 * refusing with a reason is better than silence.
 */
#include "process.h"
#include "sluice/clock.h"

#define LOOK_MS 5
#define PATIENCE_US 1000000

static void open_for_all(sl_process_t *process)
{
    sl_worker_slot_t *slot = process->super.slot;
    sl_message_t ready = {.kind = SL_MESSAGE_READY, .generation = process->super.config->generation};
    process->is_open = true;
    sl_listeners_resume(process);
    sl_number_set(&slot->generation, ready.generation);
    sl_number_set(&slot->numbers[SL_M_WORKERS_READY], 1);
    sl_channel_send(h2o_socket_get_fd(process->channel), &ready);
}

static void on_look(h2o_timeout_entry_t *entry)
{
    sl_process_t *process = H2O_STRUCT_FROM_MEMBER(sl_process_t, look, entry);
    if (sl_store_is_ready(process->super.store) || sl_clock_us() > process->born_us + PATIENCE_US)
        open_for_all(process);
    else
        h2o_timeout_link(process->super.ctx.loop, &process->looks, &process->look);
}

void sl_opening_start(sl_process_t *process)
{
    process->born_us = sl_clock_us();
    process->look.cb = on_look;
    h2o_timeout_init(process->super.ctx.loop, &process->looks, LOOK_MS);
    h2o_timeout_link(process->super.ctx.loop, &process->looks, &process->look);
}

void sl_opening_stop(sl_process_t *process)
{
    h2o_timeout_unlink(&process->look);
}

void sl_opening_dispose(sl_process_t *process)
{
    sl_opening_stop(process);
    h2o_timeout_dispose(process->super.ctx.loop, &process->looks);
}
