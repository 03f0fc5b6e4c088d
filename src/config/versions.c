/* versions: the versions of a route, what tells them apart, and what their lives look like. */
#include "composition.h"
#include "meant.h"

enum { VERSIONS_MAX = 64, BROWNOUTS_MAX = 64 };

/* --- the list --- */

static void read_version(sl_reader_t *reader, const sl_setting_t *setting, const sl_pair_t *pair, sl_version_t *version)
{
    const sl_node_t name = sl_name_node(pair);
    const char *why = sl_check_name(pair->name);
    version->name = sl_keep(reader, pair->name).base;
    if (why != NULL)
        sl_reject_because(reader, setting, &name, why);
    if (pair->value->kind == SL_NODE_MAP)
        sl_section_read(reader, setting->section, pair->value, version);
    else if (!pair->value->is_null) /* "2:" is a version like the route itself */
        sl_report_add(reader->report, pair->value->place, "version '%s' takes a mapping", version->name);
}

static void read_list(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_versions_t *versions = target;
    if (node->kind != SL_NODE_MAP || node->count > VERSIONS_MAX) {
        sl_reject(reader, setting, node);
        return;
    }
    if (node->count == 0)
        sl_report_add(reader->report, node->place, "'%s' takes at least one version", setting->name);
    versions->list = sl_keep_zeroed(reader, node->count * sizeof(*versions->list));
    versions->count = node->count;
    for (size_t i = 0; i < node->count; ++i)
        read_version(reader, setting, &node->pairs[i], &versions->list[i]);
}

static void print_list(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_versions_t *versions = target;
    sl_emit_map(emitter);
    for (size_t i = 0; i < versions->count; ++i) {
        sl_emit_text(emitter, sl_bytes_of(versions->list[i].name));
        sl_section_print(emitter, setting->section, &versions->list[i]);
    }
    sl_emit_map_end(emitter);
}

static void put_list_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_put(out,
                "\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":{\"anyOf\":[{\"type\":\"null\"},{");
    sl_schema_section(out, setting->section);
    sl_text_put(out, "}]}");
}

const sl_type_t sl_type_versions = {.noun = "a mapping of at most 64 names to versions",
                                    .put_schema = put_list_schema,
                                    .read = read_list,
                                    .print = print_list};

/* --- a reference to one of them; the list was read before --- */

static void report_dangling(sl_reader_t *reader, const sl_versions_t *versions, const sl_node_t *node)
{
    const char *names[VERSIONS_MAX];
    for (size_t i = 0; i < versions->count; ++i)
        names[i] = versions->list[i].name;
    const char *near = sl_nearest_name(node->text, names, versions->count);
    sl_report_add(reader->report, node->place,
                  near != NULL ? "there is no version '%.*s' (did you mean '%s'?)" : "there is no version '%.*s'",
                  sl_shown(node->text), node->text.base, near);
}

static void read_reference(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_versions_t *versions = target;
    if (!sl_take_scalar(reader, setting, node))
        return;
    for (size_t i = 0; i < versions->count; ++i)
        if (sl_bytes_equal(node->text, sl_bytes_of(versions->list[i].name)))
            versions->initial = &versions->list[i];
    if (versions->initial == NULL && versions->count != 0)
        report_dangling(reader, versions, node);
}

static bool reference_is_set(const sl_setting_t *setting, const void *target)
{
    (void)setting;
    return ((const sl_versions_t *)target)->initial != NULL;
}

static void print_reference(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    sl_emit_text(emitter, sl_bytes_of(((const sl_versions_t *)target)->initial->name));
}

const sl_type_t sl_type_version = {.noun = "the name of a version",
                                   .schema = "\"type\":[\"string\",\"number\"]",
                                   .read = read_reference,
                                   .print = print_reference,
                                   .is_set = reference_is_set};

/* --- brown-outs --- */

static void read_brownouts(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_brownout_t **list = sl_field(setting, target);
    if (node->kind != SL_NODE_LIST || node->count > BROWNOUTS_MAX) {
        sl_reject(reader, setting, node);
        return;
    }
    *list = sl_keep_zeroed(reader, node->count * sizeof(**list));
    for (size_t i = 0; i < node->count; ++i) {
        const sl_node_t *item = node->items[i];
        sl_brownout_t *brownout = *list + (*sl_count_field(setting, target))++;
        if (item->kind != SL_NODE_MAP) {
            sl_report_add(reader->report, item->place, "a brown-out takes a mapping with 'from' and 'to'");
            continue;
        }
        sl_section_read(reader, setting->section, item, brownout);
        if (brownout->begin_s != 0 && brownout->end_s != 0 && brownout->end_s <= brownout->begin_s)
            sl_report_add(reader->report, item->place, "a brown-out ends after it begins");
    }
}

static void print_brownouts(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_brownout_t *list = *(sl_brownout_t *const *)sl_field_const(setting, target);
    sl_emit_list(emitter, false);
    for (size_t i = 0; i < *sl_count_field(setting, target); ++i)
        sl_section_print(emitter, setting->section, &list[i]);
    sl_emit_list_end(emitter);
}

static void put_brownouts_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_put(out, "\"type\":\"array\",\"items\":{");
    sl_schema_section(out, setting->section);
    sl_text_put(out, "}");
}

const sl_type_t sl_type_brownouts = {.noun = "a list of at most 64 brown-outs",
                                     .put_schema = put_brownouts_schema,
                                     .read = read_brownouts,
                                     .print = print_brownouts,
                                     .is_set = sl_list_is_set};

/* --- together --- */

void sl_finish_version(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    const sl_version_life_t *life = &((const sl_version_t *)target)->life;
    bool is_backwards = life->sunset_s != 0 && life->deprecated_s != 0 && life->sunset_s < life->deprecated_s;
    if (is_backwards) /* RFC 9745 §4 */
        sl_report_add(reader->report, sl_node_find(node, "sunset")->place, "'sunset' must not be before 'deprecated'");
    sl_warn_of_ended_version(reader, node, target);
    for (size_t i = 0; i < life->brownout_count; ++i)
        if (life->sunset_s != 0 && life->brownouts[i].begin_s >= life->sunset_s)
            sl_report_warn(reader->report, sl_node_find(node, "brownouts")->items[i]->place,
                           "this brown-out begins when the version is gone");
}

void sl_finish_versions(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    static const char *const usual[] = {[SL_VERSION_BY_PATH] = "version",
                                        [SL_VERSION_BY_HEADER] = "API-Version",
                                        [SL_VERSION_BY_QUERY] = "version",
                                        [SL_VERSION_BY_MEDIA] = "version"};
    sl_versions_t *versions = target;
    const sl_node_t *name = sl_node_find(node, "name"), *initial = sl_node_find(node, "initial");
    if (name == NULL)
        versions->name = sl_keep(reader, sl_bytes_of(usual[versions->by]));
    if (versions->by == SL_VERSION_BY_HEADER && name != NULL && sl_check_field_name(versions->name) != NULL)
        sl_report_add(reader->report, name->place, "'name' %s", sl_check_field_name(versions->name));
    if (versions->by == SL_VERSION_BY_PATH && initial != NULL)
        sl_report_warn(reader->report, initial->place,
                       "'initial' is never needed: a path without the version is not this route's");
}

void sl_check_versions(sl_reader_t *reader, const sl_node_t *node, const sl_route_t *route)
{
    const sl_versions_t *versions = route->versions;
    const sl_node_t *by = sl_node_find(sl_node_find(node, "versions"), "by");
    if (by == NULL || !sl_bytes_equal(by->text, SL_LIT("path")) || route->pattern.path.len == 0)
        return;
    sl_text_t parameter = {0};
    sl_text_format(&parameter, "/{%s}", versions->name.base);
    const char *found = strstr(route->pattern.path.base, parameter.base);
    if (found == NULL || (found[parameter.size] != 0 && found[parameter.size] != '/'))
        sl_report_add(reader->report, sl_node_find(node, "versions")->place,
                      "the path tells the version, but '%s' has no segment {%s}", route->pattern.path.base,
                      versions->name.base);
    sl_text_dispose(&parameter);
}
