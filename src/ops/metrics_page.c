/*
 * metrics_page: the Prometheus text of a node (exposition format 0.0.4).
 *
 * Every family is a row of a table, here or in metrics.h. The work depends on the number of workers and of configured
 * names, never on the traffic. Routes and services that were never used are left out; times are seconds, sizes are
 * bytes.
 */
#include "page.h"
#include <inttypes.h>

/* --- families --- */

static void put_head(sl_text_t *page, const char *name, const char *type, const char *help)
{
    sl_text_format(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_label(sl_text_t *page, const char *value)
{
    for (; *value != '\0'; ++value) {
        if (*value == '\n')
            sl_text_append(page, "\\n", 2);
        else if (*value == '"' || *value == '\\')
            sl_text_format(page, "\\%c", *value);
        else
            sl_text_append(page, value, 1);
    }
}

static void put_value(sl_text_t *page, uint64_t value)
{
    sl_text_append(page, " ", 1);
    sl_text_number(page, value);
    sl_text_append(page, "\n", 1);
}

/* The start of a sample of one route or service: name{kind="row" */
static void put_sample(sl_text_t *page, const char *name, const char *kind, const char *row)
{
    sl_text_format(page, "%s{%s=\"", name, kind);
    put_label(page, row);
    sl_text_append(page, "\"", 1);
}

/* --- adding up over the workers; numbers are found by their offset in a worker's slot --- */

typedef struct summing_t {
    const sl_shared_t *shared;
    uint64_t workers;
} summing_t;

static const sl_number_t *number_at(const summing_t *summing, uint64_t worker, size_t offset)
{
    return (const sl_number_t *)(const void *)((const char *)&summing->shared->slots[worker] + offset);
}

static uint64_t sum_at(const summing_t *summing, size_t offset)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i != summing->workers; ++i)
        sum += sl_number_get(number_at(summing, i, offset));
    return sum;
}

static uint64_t greatest_at(const summing_t *summing, size_t offset)
{
    uint64_t greatest = 0;
    for (uint64_t i = 0; i != summing->workers; ++i) {
        uint64_t value = sl_number_get(number_at(summing, i, offset));
        greatest = value > greatest ? value : greatest;
    }
    return greatest;
}

/* `labels` is what stands before le="..." in the braces, "" or ending in a comma. */
static void put_histogram(sl_text_t *page, const summing_t *summing, const char *name, const char *labels,
                          size_t offset)
{
    static const char *const bounds[] = {
#define X(us, label) label,
        SL_BUCKETS(X)
#undef X
            "+Inf"};
    uint64_t count = 0;
    for (size_t i = 0; i != SL_BUCKET_COUNT + 1; ++i) {
        count += sum_at(summing, offset + offsetof(sl_histogram_t, buckets) + i * sizeof(sl_number_t));
        sl_text_format(page, "%s_bucket{%sle=\"%s\"} %" PRIu64 "\n", name, labels, bounds[i], count);
    }
    uint64_t sum_us = sum_at(summing, offset + offsetof(sl_histogram_t, sum_us));
    int labels_len = labels[0] != '\0' ? (int)strlen(labels) - 1 : 0;
    const char *open = labels_len != 0 ? "{" : "", *close = labels_len != 0 ? "}" : "";
    sl_text_format(page, "%s_sum%s%.*s%s %" PRIu64 ".%06" PRIu64 "\n", name, open, labels_len, labels, close,
                   sum_us / 1000000, sum_us % 1000000);
    sl_text_format(page, "%s_count%s%.*s%s %" PRIu64 "\n", name, open, labels_len, labels, close, count);
}

/* --- rows: families that exist once per route or per service --- */

typedef enum { ROW_SUM, ROW_GREATEST, ROW_HISTOGRAM, ROW_BY_CODE, ROW_BY_RESULT } row_shape_t;

typedef struct row_t {
    row_shape_t shape;
    const char *name, *type, *help;
    size_t offset; /* in sl_route_numbers_t or sl_service_numbers_t */
} row_t;

static const row_t route_rows[] = {{ROW_BY_CODE, "sluice_requests_total", "counter",
                                    "Requests answered, by route and status.", offsetof(sl_route_numbers_t, requests)},
                                   {ROW_HISTOGRAM, "sluice_request_duration_seconds", "histogram",
                                    "From the arrival of a request to the end of its answer.",
                                    offsetof(sl_route_numbers_t, duration)},
                                   {ROW_SUM, "sluice_request_bytes_total", "counter", "Bytes of request bodies.",
                                    offsetof(sl_route_numbers_t, bytes_in)},
                                   {ROW_SUM, "sluice_response_bytes_total", "counter", "Bytes of answer bodies.",
                                    offsetof(sl_route_numbers_t, bytes_out)}};

static const row_t service_rows[] = {
    {ROW_BY_RESULT, "sluice_upstream_results_total", "counter", "How tries at instances of the service ended.",
     offsetof(sl_service_numbers_t, results)},
    {ROW_HISTOGRAM, "sluice_upstream_duration_seconds", "histogram", "One try at an instance, until its end.",
     offsetof(sl_service_numbers_t, duration)},
    {ROW_SUM, "sluice_upstream_retries_total", "counter", "Tries after the first.",
     offsetof(sl_service_numbers_t, retries)},
    {ROW_SUM, "sluice_upstream_connections_open", "gauge", "Connections to the service, idle ones included.",
     offsetof(sl_service_numbers_t, connections_open)},
    {ROW_SUM, "sluice_upstream_connections_idle", "gauge",
     "Connections to the service that are kept for the next request.",
     offsetof(sl_service_numbers_t, connections_idle)},
    {ROW_GREATEST, "sluice_breaker_state", "gauge",
     "Circuit breaker as this node sees it: 0 closed, 1 half-open, 2 open.",
     offsetof(sl_service_numbers_t, breaker_state)},
    {ROW_GREATEST, "sluice_breaker_transitions_total", "counter", "Changes of the breaker's state seen by this node.",
     offsetof(sl_service_numbers_t, breaker_transitions)},
    {ROW_SUM, "sluice_breaker_refused_total", "counter", "Requests refused because of the breaker.",
     offsetof(sl_service_numbers_t, breaker_refused)}};

#define COUNT_OF(rows) (sizeof(rows) / sizeof(rows)[0])

typedef struct group_t {
    const char *kind; /* the label's name */
    sl_name_kind_t names;
    size_t name_count, first_offset, stride;
    const row_t *rows;
    size_t row_count;
} group_t;

static const group_t groups[] = {{"route", SL_NAME_ROUTE, SL_MAX_ROUTES, offsetof(sl_worker_slot_t, routes),
                                  sizeof(sl_route_numbers_t), route_rows, COUNT_OF(route_rows)},
                                 {"service", SL_NAME_SERVICE, SL_MAX_SERVICES, offsetof(sl_worker_slot_t, services),
                                  sizeof(sl_service_numbers_t), service_rows, COUNT_OF(service_rows)}};

static const char *code_label(size_t i)
{
    return sl_code_label((int)i);
}

static const char *result_label(size_t i)
{
    return sl_upstream_result_name((sl_upstream_result_t)i);
}

/* Samples of one family that differ in a second label; those that are zero are left out. */
static void put_split(sl_text_t *page, const summing_t *summing, const row_t *row, const group_t *group,
                      const char *name, size_t offset)
{
    bool is_code = row->shape == ROW_BY_CODE;
    size_t count = is_code ? (size_t)SL_CODE_COUNT : (size_t)SL_UPSTREAM_RESULT_COUNT;
    for (size_t i = 0; i != count; ++i) {
        uint64_t sum = sum_at(summing, offset + i * sizeof(sl_number_t));
        if (sum == 0)
            continue;
        put_sample(page, row->name, group->kind, name);
        sl_text_format(page, ",%s=\"%s\"} %" PRIu64 "\n", is_code ? "code" : "result",
                       is_code ? code_label(i) : result_label(i), sum);
    }
}

static void put_labelled_histogram(sl_text_t *page, const summing_t *summing, const row_t *row, const group_t *group,
                                   const char *name, size_t offset)
{
    sl_text_t labels = {0};
    sl_text_format(&labels, "%s=\"", group->kind);
    put_label(&labels, name);
    sl_text_put(&labels, "\",");
    put_histogram(page, summing, row->name, labels.base, offset);
    sl_text_dispose(&labels);
}

static void put_row_of(sl_text_t *page, const summing_t *summing, const row_t *row, const group_t *group,
                       const char *name, size_t offset)
{
    switch (row->shape) {
    case ROW_BY_CODE:
    case ROW_BY_RESULT:
        put_split(page, summing, row, group, name, offset);
        break;
    case ROW_HISTOGRAM:
        put_labelled_histogram(page, summing, row, group, name, offset);
        break;
    case ROW_SUM:
    case ROW_GREATEST:
        put_sample(page, row->name, group->kind, name);
        sl_text_append(page, "}", 1);
        put_value(page, row->shape == ROW_SUM ? sum_at(summing, offset) : greatest_at(summing, offset));
        break;
    }
}

/* Has any worker ever written into this route's or service's numbers? All of them are numbers, so they can be looked at
 * in a row. */
static bool is_used(const summing_t *summing, const group_t *group, size_t index)
{
    for (size_t at = 0; at != group->stride; at += sizeof(sl_number_t))
        if (greatest_at(summing, group->first_offset + index * group->stride + at) != 0)
            return true;
    return false;
}

static void put_group(sl_text_t *page, const summing_t *summing, const group_t *group)
{
    bool used[SL_MAX_ROUTES] = {false};
    size_t names = 0;
    for (; names != group->name_count && summing->shared->names[group->names][names][0] != '\0'; ++names)
        used[names] = is_used(summing, group, names);

    for (const row_t *row = group->rows; row != group->rows + group->row_count; ++row) {
        put_head(page, row->name, row->type, row->help);
        for (size_t i = 0; i != names; ++i)
            if (used[i])
                put_row_of(page, summing, row, group, summing->shared->names[group->names][i],
                           group->first_offset + i * group->stride + row->offset);
    }
}

/* --- what exists once per node --- */

static void put_node(sl_text_t *page, const sl_shared_t *shared)
{
    static const struct {
        const char *name, *type, *help;
        size_t offset;
    } rows[] = {{"sluice_workers", "gauge", "Workers that are wanted.", offsetof(sl_shared_t, workers)},
                {"sluice_config_reloads_total", "counter", "Configurations that a reload put in force.",
                 offsetof(sl_shared_t, reloads)},
                {"sluice_config_reload_failures_total", "counter", "Reloads that changed nothing because of an error.",
                 offsetof(sl_shared_t, reload_failures)},
                {"sluice_draining", "gauge", "1 once the node was told to end.", offsetof(sl_shared_t, is_draining)}};
    for (size_t i = 0; i != COUNT_OF(rows); ++i) {
        put_head(page, rows[i].name, rows[i].type, rows[i].help);
        sl_text_put(page, rows[i].name);
        put_value(page, sl_number_get((const sl_number_t *)(const void *)((const char *)shared + rows[i].offset)));
    }
}

static void put_info(sl_text_t *page, const sl_shared_t *shared)
{
    put_head(page, "sluice_build_info", "gauge", "The version of this node.");
    sl_text_put(page, "sluice_build_info{version=\"" SL_VERSION "\"} 1\n");
    put_head(page, "sluice_config_info", "gauge",
             "The configuration in force: its number on this node, and a hash that equal files share.");
    sl_text_format(page, "sluice_config_info{generation=\"%" PRIu64 "\",hash=\"%016" PRIx64 "\"} 1\n",
                   sl_number_get(&shared->generation), sl_number_get(&shared->config_hash));
    uint64_t started_ms = sl_number_get(&shared->started_wall_ms);
    put_head(page, "sluice_start_time_seconds", "gauge", "When the node was started, in seconds since 1970.");
    sl_text_format(page, "sluice_start_time_seconds %" PRIu64 ".%03" PRIu64 "\n", started_ms / 1000, started_ms % 1000);
}

static void put_workers(sl_text_t *page, const summing_t *summing)
{
#define X(id, name, type, help)                                                                                        \
    put_head(page, name, type, help);                                                                                  \
    sl_text_put(page, name);                                                                                           \
    put_value(page, sum_at(summing, offsetof(sl_worker_slot_t, numbers) + SL_M_##id * sizeof(sl_number_t)));
    SL_WORKER_METRICS(X)
#undef X
}

static void put_deaths(sl_text_t *page, const sl_shared_t *shared)
{
    static const char *const labels[] = {
#define X(number, label) label,
        SL_DEATHS(X)
#undef X
    };
    put_head(page, "sluice_worker_deaths_total", "counter", "Workers that died and were replaced, by signal.");
    for (size_t i = 0; i != SL_DEATH_COUNT; ++i) {
        put_sample(page, "sluice_worker_deaths_total", "signal", labels[i]);
        sl_text_append(page, "}", 1);
        put_value(page, sl_number_get(&shared->worker_deaths[i]));
    }
}

/* --- families with one label whose values are known beforehand --- */

static const char *const admission_labels[] = {
#define X(id, label) label,
    SL_ADMISSION_OUTCOMES(X)
#undef X
};
static const char *const refusal_labels[] = {
#define X(id, label) label,
    SL_REFUSALS(X)
#undef X
};
static const char *const cut_labels[] = {
#define X(id, label) label,
    SL_CUTS(X)
#undef X
};

static const char *const tls_versions[] = {
#define X(id, label) label,
    SL_TLS_VERSIONS(X)
#undef X
};

static const struct {
    const char *name, *help, *label;
    const char *const *values;
    size_t count, offset;
} families[] = {{"sluice_admissions_total", "Decisions about requests, by outcome.", "outcome", admission_labels,
                 SL_ADMISSION_COUNT, offsetof(sl_worker_slot_t, admissions)},
                {"sluice_connections_refused_total", "Connections closed before a byte of HTTP was read.", "reason",
                 refusal_labels, SL_REFUSAL_COUNT, offsetof(sl_worker_slot_t, refusals)},
                {"sluice_deadlines_total", "Connections and requests ended by the clock or a bound of limits.", "kind",
                 cut_labels, SL_CUT_COUNT, offsetof(sl_worker_slot_t, cuts)},
                {"sluice_tls_handshakes_total", "TLS handshakes completed, by version.", "version", tls_versions,
                 SL_TLS_NONE, offsetof(sl_worker_slot_t, tls_handshakes)},
                {"sluice_tls_handshake_failures_total", "TLS handshakes begun and not completed, by version.",
                 "version", tls_versions, SL_TLS_VERSION_COUNT, offsetof(sl_worker_slot_t, tls_failures)}};

static void put_families(sl_text_t *page, const summing_t *summing)
{
    for (size_t i = 0; i != COUNT_OF(families); ++i) {
        put_head(page, families[i].name, "counter", families[i].help);
        for (size_t j = 0; j != families[i].count; ++j) {
            put_sample(page, families[i].name, families[i].label, families[i].values[j]);
            sl_text_append(page, "}", 1);
            put_value(page, sum_at(summing, families[i].offset + j * sizeof(sl_number_t)));
        }
    }
}

void sl_metrics_page(const sl_shared_t *shared, sl_text_t *page)
{
    summing_t summing = {.shared = shared, .workers = sl_number_get(&shared->workers)};
    put_info(page, shared);
    put_node(page, shared);
    put_deaths(page, shared);
    put_workers(page, &summing);
    put_families(page, &summing);
    put_head(page, "sluice_redis_duration_seconds", "histogram", "From a question to Redis to its answer.");
    put_histogram(page, &summing, "sluice_redis_duration_seconds", "", offsetof(sl_worker_slot_t, redis_duration));
    for (size_t i = 0; i != COUNT_OF(groups); ++i)
        put_group(page, &summing, &groups[i]);
}
