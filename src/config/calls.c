/* calls: the calls of an aggregate, by name. They are kept in an order in which each stands behind those it needs
 * (graph.c). */
#include "composition.h"
#include "meant.h"
#include <ctype.h>

/* --- one call --- */

void sl_begin_call(sl_reader_t *reader, void *target)
{
    (void)reader;
    sl_call_plan_t *call = target;
    call->timeout_ms = call->retries = call->cost = SL_UNSET;
}

void sl_finish_call(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    sl_call_plan_t *call = target;
    static const char *const methods[] = {"get", "post", "put", "patch", "delete", "head"};
    bool has_method = false;
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); ++i)
        has_method |= sl_node_find(node, methods[i]) != NULL;
    if (!has_method)
        sl_report_add(reader->report, node->place,
                      "a call needs one of 'get', 'post', 'put', 'patch', 'delete' and 'head' with the path that it "
                      "asks for");
    if (call->timeout_ms == SL_UNSET)
        call->timeout_ms = call->service != NULL ? call->service->timeouts.total_ms : 0;
    if (call->retries == SL_UNSET)
        call->retries = call->service != NULL ? call->service->retries : 0;
    if (call->cost == SL_UNSET) /* how many elements there are is up to clients and services, so they are not free */
        call->cost = call->for_each != NULL ? 1 : 0;
    sl_warn_of_call_body(reader, node);
    static const char *const of_elements[] = {"concurrency", "for_each_max"};
    for (size_t i = 0; i < sizeof(of_elements) / sizeof(*of_elements); ++i) {
        const sl_node_t *value = sl_node_find(node, of_elements[i]);
        if (value != NULL && sl_node_find(node, "for_each") == NULL)
            sl_report_add(reader->report, value->place, "'%s' stands beside 'for_each' only", of_elements[i]);
    }
}

bool sl_call_is_for_each(const void *target)
{
    return ((const sl_call_plan_t *)target)->written.for_each.len != 0;
}

/* References begin with it, so it must look like the name of a source, and be none of the others. */
static void check_name(sl_reader_t *reader, const sl_setting_t *setting, const sl_pair_t *pair)
{
    static const char *const taken[] = {"request", "caller", "item", "index"};
    const sl_node_t name = sl_name_node(pair);
    bool is_well = pair->name.len != 0 && pair->name.len <= 64 && !isdigit((unsigned char)pair->name.base[0]);
    for (size_t i = 0; i < pair->name.len; ++i)
        is_well &= isalnum((unsigned char)pair->name.base[i]) || pair->name.base[i] == '_';
    if (!is_well)
        sl_reject_because(reader, setting, &name,
                          "takes names of up to 64 letters, digits and '_' that do not begin with a digit");
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); ++i)
        if (sl_bytes_equal(pair->name, sl_bytes_of(taken[i])))
            sl_report_add(reader->report, pair->place, "a call cannot be named '%s': $%s means something else",
                          taken[i], taken[i]);
}

static void read_call(sl_reader_t *reader, const sl_setting_t *setting, const sl_pair_t *pair, sl_call_plan_t *call)
{
    call->name = sl_keep(reader, pair->name).base;
    check_name(reader, setting, pair);
    if (pair->value->kind != SL_NODE_MAP) {
        sl_report_add(reader->report, pair->value->place, "call '%s' takes a mapping with 'service' and a method",
                      call->name);
        return;
    }
    reader->scope.has_item = sl_node_find(pair->value, "for_each") != NULL;
    sl_section_read(reader, setting->section, pair->value, call);
    reader->scope.has_item = false;
    reader->scope.units += call->cost;
}

/* --- all of them --- */

static bool check_map(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node)
{
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return false;
    }
    if (node->count == 0)
        sl_report_add(reader->report, node->place, "'%s' takes at least one call", setting->name);
    if (node->count > SL_CALLS_MAX)
        sl_report_add(reader->report, node->place, "'%s' takes at most %d calls, not %zu", setting->name, SL_CALLS_MAX,
                      node->count);
    return node->count != 0 && node->count <= SL_CALLS_MAX;
}

static void read_calls(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    uint64_t needs[SL_CALLS_MAX];
    if (!check_map(reader, setting, node))
        return;
    sl_aggregate_t *aggregate = sl_keep_zeroed(reader, sizeof(*aggregate));
    aggregate->calls = sl_keep_zeroed(reader, node->count * sizeof(*aggregate->calls));
    aggregate->call_count = node->count;
    reader->scope.calls = node;
    for (size_t i = 0; i < node->count; ++i) {
        reader->scope.seen = 0;
        read_call(reader, setting, &node->pairs[i], &aggregate->calls[i]);
        needs[i] = reader->scope.seen;
    }
    sl_calls_sort(reader, aggregate, needs);
    reader->scope.seen = 0;
    *(sl_aggregate_t **)sl_field(setting, target) = aggregate;
}

static bool calls_are_set(const sl_setting_t *setting, const void *target)
{
    return *(sl_aggregate_t *const *)sl_field_const(setting, target) != NULL;
}

static void print_calls(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_aggregate_t *aggregate = *(sl_aggregate_t *const *)sl_field_const(setting, target);
    sl_emit_map(emitter);
    for (size_t i = 0; i < aggregate->call_count; ++i) {
        sl_emit_text(emitter, sl_bytes_of(aggregate->calls[i].name));
        sl_section_print(emitter, setting->section, &aggregate->calls[i]);
    }
    sl_emit_map_end(emitter);
}

static void put_calls_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_put(out, "\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":{");
    sl_schema_section(out, setting->section);
    sl_text_put(out, "}");
}

const sl_type_t sl_type_calls = {.noun = "a mapping of names to calls",
                                 .put_schema = put_calls_schema,
                                 .read = read_calls,
                                 .print = print_calls,
                                 .is_set = calls_are_set};
