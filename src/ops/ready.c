/* ready: may a balancer send requests here? The reasons stand in the order in which they are looked at. */
#include "page.h"

static uint64_t sum_over_workers(const sl_shared_t *shared, sl_metric_t metric)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i != sl_number_get(&shared->workers); ++i)
        sum += sl_number_get(&shared->slots[i].numbers[metric]);
    return sum;
}

const char *sl_unready_reason(const sl_shared_t *shared)
{
    if (sl_number_get(&shared->is_draining) != 0)
        return "draining";
    if (sum_over_workers(shared, SL_M_WORKERS_READY) == 0)
        return "no worker listens";
    if (sum_over_workers(shared, SL_M_REDIS_UP) == 0)
        return "redis unreachable";
    return NULL;
}

void sl_ready_page(const sl_shared_t *shared, sl_text_t *page)
{
    const char *reason = sl_unready_reason(shared);
    sl_text_put(page, reason == NULL ? "{\"ready\":true" : "{\"ready\":false,\"reason\":");
    if (reason != NULL)
        sl_text_json(page, sl_bytes_of(reason));
    sl_text_format(page, ",\"workers\":{\"wanted\":%llu,\"listening\":%llu,\"with_redis\":%llu},\"generation\":%llu}\n",
                   (unsigned long long)sl_number_get(&shared->workers),
                   (unsigned long long)sum_over_workers(shared, SL_M_WORKERS_READY),
                   (unsigned long long)sum_over_workers(shared, SL_M_REDIS_UP),
                   (unsigned long long)sl_number_get(&shared->generation));
}
