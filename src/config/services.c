/* services: the mapping of names to services, and references to them. */
#include "settings.h"

enum { SERVICES_MAX = SL_MAX_SERVICES - 1, INSTANCES_MAX = SL_MAX_INSTANCES - 1 };

static void read_service(sl_reader_t *reader, const sl_setting_t *setting, const sl_pair_t *pair, sl_service_t *service)
{
    const sl_node_t name = {.kind = SL_NODE_SCALAR, .place = pair->place, .text = pair->name};
    const char *why = sl_check_name(pair->name);
    service->name = sl_keep(reader, pair->name).base;
    if (why != NULL)
        sl_reject_because(reader, setting, &name, why);
    if (pair->value->kind == SL_NODE_MAP)
        sl_section_read(reader, setting->section, pair->value, service);
    else
        sl_report_add(reader->report, pair->value->place, "service '%s' takes a mapping with 'instances'",
                      service->name);
}

/* The segment has a row for each name; those that find none share row 0. */
static void check_instances(sl_reader_t *reader, const sl_node_t *node)
{
    size_t count = 0;
    for (size_t i = 0; i < reader->config->service_count; ++i)
        count += reader->config->services[i].instance_count;
    if (count > INSTANCES_MAX)
        sl_report_add(reader->report, node->place, "all services together have %zu instances, at most %d are possible",
                      count, INSTANCES_MAX);
}

static void read_services(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_config_t *config = target;
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return;
    }
    if (node->count > SERVICES_MAX) /* all the same they are there for those that name them */
        sl_report_add(reader->report, node->place, "'%s' takes at most %d services, not %zu", setting->name,
                      SERVICES_MAX, node->count);
    config->services = sl_keep_zeroed(reader, node->count * sizeof(*config->services));
    config->service_count = node->count;
    for (size_t i = 0; i < node->count; ++i)
        read_service(reader, setting, &node->pairs[i], &config->services[i]);
    check_instances(reader, node);
}

static void print_services(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_config_t *config = target;
    sl_emit_map(emitter);
    for (size_t i = 0; i < config->service_count; ++i) {
        sl_emit_text(emitter, sl_bytes_of(config->services[i].name));
        sl_section_print(emitter, setting->section, &config->services[i]);
    }
    sl_emit_map_end(emitter);
}

static void put_services_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_put(out, "\"type\":\"object\",\"additionalProperties\":{");
    sl_schema_section(out, setting->section);
    sl_text_put(out, "}");
}

const sl_type_t sl_type_services = {.noun = "a mapping of names to services",
                                    .put_schema = put_services_schema,
                                    .read = read_services,
                                    .print = print_services};

/* --- references; services were read before whatever names one --- */

static void report_dangling(sl_reader_t *reader, const sl_node_t *node)
{
    const char *names[SERVICES_MAX];
    size_t count = reader->config->service_count < SERVICES_MAX ? reader->config->service_count : SERVICES_MAX;
    for (size_t i = 0; i < count; ++i)
        names[i] = reader->config->services[i].name;
    const char *near = sl_nearest_name(node->text, names, count);
    if (near != NULL)
        sl_report_add(reader->report, node->place, "there is no service '%.*s' (did you mean '%s'?)",
                      sl_shown(node->text), node->text.base, near);
    else
        sl_report_add(reader->report, node->place, "there is no service '%.*s'", sl_shown(node->text), node->text.base);
}

static void read_reference(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (!sl_take_scalar(reader, setting, node))
        return;
    for (size_t i = 0; i < reader->config->service_count; ++i)
        if (sl_bytes_equal(node->text, sl_bytes_of(reader->config->services[i].name))) {
            *(const sl_service_t **)sl_field(setting, target) = &reader->config->services[i];
            return;
        }
    report_dangling(reader, node);
}

static bool reference_is_set(const sl_setting_t *setting, const void *target)
{
    return *(const sl_service_t *const *)sl_field_const(setting, target) != NULL;
}

static void print_reference(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_service_t *service = *(const sl_service_t *const *)sl_field_const(setting, target);
    sl_emit_text(emitter, sl_bytes_of(service->name));
}

const sl_type_t sl_type_service = {.noun = "the name of a service",
                                   .schema = "\"type\":\"string\"",
                                   .read = read_reference,
                                   .print = print_reference,
                                   .is_set = reference_is_set};
