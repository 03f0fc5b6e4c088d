/*
 * account: the end of an exchange in numbers and in one log line.
 *
 * Lines gather in a bounded queue (1 MiB) and leave in large writes that never block: the file is opened anew as
 * non-blocking. What does not fit is dropped and counted (sluice_log_lines_dropped_total), whole lines only.
 */
#ifndef SLUICE_ACCOUNT_H
#define SLUICE_ACCOUNT_H

#include "sluice/exchange.h"

sl_account_t *sl_account_create(h2o_context_t *ctx, const sl_config_t *config, sl_worker_slot_t *slot);
/* After a reload: format and path may have changed; the same path is opened again (log rotation). */
void sl_account_reopen(sl_account_t *account, const sl_config_t *config);
/* Writes what it can, then frees. */
void sl_account_destroy(sl_account_t *account);

/* Counts and logs an exchange that has ended. */
void sl_account_note(sl_account_t *account, const sl_exchange_t *exchange);

/* The fields of a line, as a table in Markdown. */
void sl_account_reference(sl_text_t *out);

#endif
