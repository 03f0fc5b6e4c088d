/*
 * account: called when libh2o disposes of a request, whatever happened to it: the numbers of its route, one line in the
 * access log.
 */
#include "sluice/account.h"
#include "access_fields.h"
#include "access_queue.h"
#include "sluice/clock.h"

struct sl_account_t {
    sl_worker_slot_t *slot;
    sl_access_format_t format;
    sl_access_queue_t *queue; /* NULL: no access log */
    h2o_context_t *ctx;
    sl_text_t line;
};

sl_account_t *sl_account_create(h2o_context_t *ctx, const sl_config_t *config, sl_worker_slot_t *slot)
{
    sl_account_t *account = h2o_mem_alloc(sizeof(*account));

    *account = (sl_account_t){.ctx = ctx, .slot = slot};
    sl_account_reopen(account, config);
    return account;
}

void sl_account_reopen(sl_account_t *account, const sl_config_t *config)
{
    account->format = config->log.access;
    if (account->format == SL_ACCESS_OFF) {
        if (account->queue != NULL)
            sl_access_queue_destroy(account->queue);
        account->queue = NULL;
    } else if (account->queue == NULL) {
        account->queue = sl_access_queue_create(account->ctx, config->log.access_path,
                                                &account->slot->numbers[SL_M_LOG_LINES_DROPPED]);
    } else {
        sl_access_queue_reopen(account->queue, config->log.access_path);
    }
}

void sl_account_destroy(sl_account_t *account)
{
    if (account->queue != NULL)
        sl_access_queue_destroy(account->queue);
    sl_text_dispose(&account->line);
    free(account);
}

/* An answer that is not complete was cut by the service or by the client; the upstream result tells which. */
static bool is_client_gone(const sl_exchange_t *exchange)
{
    return exchange->has_left || (!exchange->is_complete && (exchange->upstream_result == SL_UPSTREAM_OK ||
                                                             exchange->upstream_result == SL_UPSTREAM_CANCELLED));
}

static void count(sl_worker_slot_t *slot, const sl_exchange_t *exchange, uint64_t duration_us)
{
    sl_route_numbers_t *route = &slot->routes[exchange->route != NULL ? exchange->route->slot : 0];

    sl_number_add(&route->requests[sl_code_slot(exchange->req->res.status)], 1);
    sl_number_add(&route->bytes_in, exchange->req->entity.len);
    sl_number_add(&route->bytes_out, exchange->req->bytes_sent);
    sl_histogram_note(&route->duration, duration_us);
    if (exchange->outcome != SL_ADMISSION_COUNT)
        sl_number_add(&slot->admissions[exchange->outcome], 1);
    if (is_client_gone(exchange))
        sl_number_add(&slot->numbers[SL_M_CLIENT_LEFT], 1);
}

/* Whoever was let in: others have not called it, and strangers must not fill the lists. */
static void count_version(const sl_exchange_t *exchange, uint64_t now_us)
{
    static sl_text_t label; /* one thread: the memory is used again and again */
    bool is_open = exchange->outcome == SL_ADMISSION_OPEN_ROUTE;

    if (exchange->version == NULL ||
        (!is_open && exchange->outcome != SL_ADMISSION_ADMITTED && exchange->outcome != SL_ADMISSION_SHADOW_LIMITED))
        return;
    sl_text_clear(&label);
    sl_text_put(&label, exchange->route->name);
    sl_text_put(&label, "/");
    sl_text_put(&label, exchange->version->name);
    sl_store_count_version(exchange->worker->store, sl_bytes(label.base, label.size),
                           is_open ? NULL : exchange->caller.digest, now_us);
}

void sl_account_note(sl_account_t *account, const sl_exchange_t *exchange)
{
    sl_ended_t ended = {exchange, h2o_now(account->ctx->loop), sl_clock_us() - exchange->begun_us};

    count(account->slot, exchange, ended.duration_us);
    count_version(exchange, exchange->begun_us + ended.duration_us);
    if (account->queue == NULL)
        return;
    sl_text_clear(&account->line);
    if (account->format == SL_ACCESS_JSON)
        sl_access_write_json(&account->line, &ended);
    else
        sl_access_write_text(&account->line, &ended);
    sl_access_queue_put(account->queue, account->line.base, account->line.size);
}
