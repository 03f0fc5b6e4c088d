/*
 * apply: what of a snapshot others have to be told, at the worker's birth and at each reload: libh2o its bounds, the
 * log its level, the store what breakers there are. Everything else is read from the snapshot when it is needed.
 */
#include "process.h"
#include "sluice/log.h"

void sl_apply_limits(sl_process_t *process, const sl_config_t *config)
{
    uint64_t body_max = config->limits.body_max;
    for (size_t i = 0; i != config->route_count; ++i)
        if (config->routes[i].body_max > body_max)
            body_max = config->routes[i].body_max;
    process->global.max_request_entity_size = body_max + 1; /* chunks that reach it are refused */
    process->global.http2.max_concurrent_requests_per_connection = config->limits.streams;
    process->super.ctx.http2.idle_timeout.timeout = config->limits.idle_ms;
    process->global.handshake_timeout = config->limits.handshake_ms;
    process->super.ctx.handshake_timeout.timeout = config->limits.handshake_ms;
    sl_log_set_level((sl_log_level_t)config->log.level);
}

void sl_watch_breakers(sl_process_t *process, const sl_config_t *config)
{
    for (size_t i = 0; i != config->service_count; ++i)
        sl_store_breaker(process->super.store, &config->services[i]);
}
