/* page: what the ops listener answers, made from the mapped segment and the configuration alone. */
#ifndef SLUICE_OPS_PAGE_H
#define SLUICE_OPS_PAGE_H

#include "sluice/config.h"

/* Prometheus text format 0.0.4. */
void sl_metrics_page(const sl_shared_t *shared, sl_text_t *page);

/* The part of it that comes from the configuration: when certificates expire. */
void sl_certificates_page(const sl_config_t *config, sl_text_t *page);

/* Why the node should get no traffic; NULL when it should. */
const char *sl_unready_reason(const sl_shared_t *shared);
/* The same as a JSON object. */
void sl_ready_page(const sl_shared_t *shared, sl_text_t *page);

#endif
