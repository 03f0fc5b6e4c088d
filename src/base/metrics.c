/* metrics: the names and bounds that the rows of metrics.h stand for. */
#include "sluice/metrics.h"
#include <signal.h>

const char *sl_upstream_result_name(sl_upstream_result_t result)
{
    static const char *const names[] = {
#define X(id, label, means) label,
        SL_UPSTREAM_RESULTS(X)
#undef X
    };
    return names[result];
}

int sl_death_slot(int signal_number)
{
    static const int rows[] = {
#define X(number, label) number,
        SL_DEATHS(X)
#undef X
    };
    _Static_assert(sizeof rows / sizeof rows[0] == SL_DEATH_COUNT, "one row per signal");
    int row = 0;
    while (row != SL_DEATH_COUNT - 1 && rows[row] != signal_number)
        ++row;
    return row;
}

int sl_code_slot(int status)
{
    switch (status) {
#define X(code)                                                                                                        \
    case code:                                                                                                         \
        return SL_CODE_##code;
        SL_STATUS_CODES(X)
#undef X
    default:
        return status >= 100 && status <= 599 ? SL_CODE_1XX + status / 100 - 1 : SL_CODE_5XX;
    }
}

const char *sl_code_label(int slot)
{
    static const char *const labels[] = {
#define X(code) #code,
        SL_STATUS_CODES(X)
#undef X
            "1xx",
        "2xx", "3xx", "4xx", "5xx"};
    return labels[slot];
}

void sl_histogram_note(sl_histogram_t *histogram, uint64_t us)
{
    static const uint64_t bounds_us[SL_BUCKET_COUNT] = {
#define X(us, label) us,
        SL_BUCKETS(X)
#undef X
    };
    unsigned bucket = 0;
    while (bucket != SL_BUCKET_COUNT && us > bounds_us[bucket])
        ++bucket;
    sl_number_add(&histogram->buckets[bucket], 1);
    sl_number_add(&histogram->sum_us, us);
}
