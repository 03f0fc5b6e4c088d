/* outcomes: which answers and errors a breaker counts as failures, and how its settings fit together. */
#include "settings.h"
#include <stdio.h>

enum { STATUS_MIN = 100, STATUS_MAX = 599, LEASE_MAX_MS = 300000, LEASE_SPARE_MS = 1000 };

/* --- statuses: bit i stands for 100 + i --- */

static bool has_status(const uint8_t *bits, unsigned status)
{
    return (bits[(status - STATUS_MIN) / 8] >> ((status - STATUS_MIN) % 8) & 1) != 0;
}

/* "500" or "502-599" */
static bool parse_statuses(h2o_iovec_t text, uint64_t *first, uint64_t *last)
{
    const char *dash = memchr(text.base, '-', text.len);
    size_t len = dash != NULL ? (size_t)(dash - text.base) : text.len;
    if (!sl_parse_count(sl_bytes(text.base, len), first))
        return false;
    *last = *first;
    if (dash != NULL && !sl_parse_count(sl_bytes(dash + 1, text.len - len - 1), last))
        return false;
    return *first >= STATUS_MIN && *first <= *last && *last <= STATUS_MAX;
}

static void read_statuses(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    uint8_t *bits = sl_field(setting, target);
    sl_items_t items;
    if (!sl_take_items(reader, setting, node, &items))
        return;
    for (size_t i = 0; i < items.count; ++i) {
        uint64_t first, last;
        if (!parse_statuses(items.nodes[i]->text, &first, &last)) {
            sl_reject(reader, setting, items.nodes[i]);
            continue;
        }
        for (uint64_t bit = first - STATUS_MIN; bit <= last - STATUS_MIN; ++bit)
            bits[bit / 8] |= (uint8_t)(1u << (bit % 8));
    }
}

static void print_statuses(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const uint8_t *bits = sl_field_const(setting, target);
    sl_emit_list(emitter, true);
    for (unsigned first = STATUS_MIN; first <= STATUS_MAX; ++first) {
        unsigned last = first;
        char text[16];
        if (!has_status(bits, first))
            continue;
        while (last < STATUS_MAX && has_status(bits, last + 1))
            ++last;
        snprintf(text, sizeof(text), last != first ? "%u-%u" : "%u", first, last);
        sl_emit_word(emitter, text);
        first = last;
    }
    sl_emit_list_end(emitter);
}

const sl_type_t sl_type_statuses = {.noun = "status codes such as 500 or 502-599, from 100 to 599",
                                    .schema = SL_LIST_SCHEMA,
                                    .is_list = true,
                                    .read = read_statuses,
                                    .print = print_statuses};

/* --- errors that are no answers --- */

static const struct {
    const char *name;
    size_t offset;
} errors[] = {{"connect", offsetof(sl_breaker_settings_t, count_connect)},
              {"timeout", offsetof(sl_breaker_settings_t, count_timeout)},
              {"broken", offsetof(sl_breaker_settings_t, count_broken)}};

enum { ERROR_KINDS = sizeof(errors) / sizeof(*errors) };

static void read_errors(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_items_t items;
    if (!sl_take_items(reader, setting, node, &items))
        return;
    for (size_t i = 0; i < items.count; ++i) {
        size_t kind = 0;
        while (kind < ERROR_KINDS && !sl_bytes_equal(items.nodes[i]->text, sl_bytes_of(errors[kind].name)))
            ++kind;
        if (kind == ERROR_KINDS)
            sl_reject(reader, setting, items.nodes[i]);
        else
            *(bool *)((char *)target + errors[kind].offset) = true;
    }
}

static void print_errors(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    sl_emit_list(emitter, true);
    for (size_t kind = 0; kind < ERROR_KINDS; ++kind)
        if (*(const bool *)((const char *)target + errors[kind].offset))
            sl_emit_word(emitter, errors[kind].name);
    sl_emit_list_end(emitter);
}

const sl_type_t sl_type_errors = {.noun = "connect, timeout and broken",
                                  .schema = SL_LIST_SCHEMA,
                                  .is_list = true,
                                  .read = read_errors,
                                  .print = print_errors};

/* --- together --- */

/* A row that is told to be wrong leaves these standing: that nothing opens the breaker would be told of it again. */
void sl_begin_breaker(sl_reader_t *reader, void *target)
{
    (void)reader;
    sl_breaker_settings_t *breaker = target;
    breaker->failures = 1;
    breaker->ratio_permille = 1;
}

void sl_finish_breaker(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    sl_breaker_settings_t *breaker = target;
    const sl_node_t *recovery_max = sl_node_find(node, "recovery_max");
    if (breaker->failures == 0 && breaker->ratio_permille == 0)
        sl_report_add(reader->report, node->place,
                      "a breaker needs 'failures' or 'ratio' above 0 (breaker: off goes without)");
    if (breaker->recovery_max_ms >= breaker->recovery_ms)
        return;
    if (recovery_max != NULL)
        sl_report_add(reader->report, recovery_max->place, "'recovery_max' must not be shorter than 'recovery'");
    breaker->recovery_max_ms = breaker->recovery_ms;
}

/* A probe that still waits for the head of its answer must not be taken for lost. */
void sl_finish_service(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    (void)reader, (void)node;
    sl_service_t *service = target;
    uint64_t lease_ms = service->timeouts.connect_ms + service->timeouts.first_byte_ms + LEASE_SPARE_MS;
    if (service->has_breaker && service->breaker.lease_ms == 0)
        service->breaker.lease_ms = lease_ms < LEASE_MAX_MS ? lease_ms : LEASE_MAX_MS;
}
