/* section: walks the rows of a section, from the file into its struct and back. Unknown, missing and misshapen settings
 * are told here, for all sections alike. */
#include "settings.h"

enum { NAMES_MAX = 64 };

static const sl_setting_t *find_setting(const sl_section_t *section, h2o_iovec_t name)
{
    for (size_t i = 0; i < section->count; ++i)
        if (sl_bytes_equal(sl_bytes_of(section->settings[i].name), name))
            return &section->settings[i];
    return NULL;
}

/* --- what is told --- */

/* "json, text or off" */
static void put_choices(sl_text_t *out, const char *range)
{
    for (const char *word = range; *word != 0;) {
        size_t len = strcspn(word, "|");
        bool is_last = word[len] == 0;
        if (word != range)
            sl_text_put(out, is_last ? " or " : ", ");
        sl_text_append(out, word, len);
        word += is_last ? len : len + 1;
    }
}

static void put_range(sl_text_t *out, const char *range)
{
    const char *dots = strstr(range, "..");
    sl_text_format(out, " from %.*s to %s", (int)(dots - range), range, dots + 2);
}

void sl_put_expected(sl_text_t *out, const sl_setting_t *setting)
{
    if (setting->type->noun == NULL) {
        put_choices(out, setting->range);
        return;
    }
    sl_text_put(out, setting->type->noun);
    if (setting->range != NULL && !setting->type->is_list)
        put_range(out, setting->range);
    if (setting->has_switch)
        sl_text_put(out, " or off");
}

void sl_put_shown(sl_text_t *out, const sl_setting_t *setting, h2o_iovec_t text)
{
    bool is_url = setting->type == &sl_type_instances || memmem(text.base, text.len, "://", 3) != NULL;
    if (is_url)
        sl_put_shown_url(out, text);
    else
        sl_text_append(out, text.base, (size_t)sl_shown(text));
}

/* ", not 'x'"; a secret is never shown. */
static void put_found(sl_text_t *out, const sl_setting_t *setting, const sl_node_t *node)
{
    if (node->kind != SL_NODE_SCALAR)
        sl_text_put(out, node->kind == SL_NODE_MAP ? ", not a mapping" : ", not a list");
    else if (!setting->is_secret) {
        sl_text_put(out, ", not '");
        sl_put_shown(out, setting, node->text);
        sl_text_put(out, "'");
    }
}

static void put_nearest_choice(sl_reader_t *reader, sl_text_t *out, const sl_setting_t *setting, const sl_node_t *node)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    if (setting->type->noun != NULL || node->kind != SL_NODE_SCALAR)
        return;
    char *rest = h2o_strdup(reader->scratch, setting->range, SIZE_MAX).base;
    for (char *word; count < NAMES_MAX && (word = strsep(&rest, "|")) != NULL;)
        names[count++] = word;
    const char *near = sl_nearest_name(node->text, names, count);
    if (near != NULL)
        sl_text_format(out, " (did you mean '%s'?)", near);
}

void sl_reject(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node)
{
    sl_text_t text = {0};
    sl_text_format(&text, "'%s' takes ", setting->name);
    sl_put_expected(&text, setting);
    put_found(&text, setting, node);
    put_nearest_choice(reader, &text, setting, node);
    sl_report_add(reader->report, node->place, "%s", text.base);
    sl_text_dispose(&text);
}

void sl_reject_because(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, const char *why)
{
    sl_text_t text = {0};
    sl_text_format(&text, "'%s' %s", setting->name, why);
    put_found(&text, setting, node);
    sl_report_add(reader->report, node->place, "%s", text.base);
    sl_text_dispose(&text);
}

/* What stands under an unknown name is read as nothing, so it has no mistakes of its own: the dollar signs of a
 * misspelt "answer" are no variables. */
static void report_unknown(sl_reader_t *reader, const sl_section_t *section, const sl_pair_t *pair)
{
    const char *names[NAMES_MAX];
    sl_text_t known = {0};
    sl_node_take_raw(pair->value);
    for (size_t i = 0; i < section->count; ++i) {
        names[i] = section->settings[i].name;
        sl_text_format(&known, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    const char *near = sl_nearest_name(pair->name, names, section->count);
    if (near != NULL)
        sl_report_add(reader->report, pair->place, "%s has no setting '%.*s' (did you mean '%s'?)", section->title,
                      sl_shown(pair->name), pair->name.base, near);
    else
        sl_report_add(reader->report, pair->place, "%s has no setting '%.*s'; it has %s", section->title,
                      sl_shown(pair->name), pair->name.base, known.base);
    sl_text_dispose(&known);
}

static void report_empty(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node)
{
    sl_text_t text = {0};
    sl_text_format(&text, "'%s' has no value; it takes ", setting->name);
    sl_put_expected(&text, setting);
    sl_report_add(reader->report, node->place, "%s", text.base);
    sl_text_dispose(&text);
}

/* --- from the file --- */

static void set_initial(sl_reader_t *reader, const sl_setting_t *setting, void *target)
{
    static const sl_node_t nothing = {.kind = SL_NODE_MAP};
    if (setting->type == &sl_type_section && !setting->is_optional) {
        setting->type->read(reader, setting, &nothing, target);
    } else if (setting->initial != NULL) {
        sl_node_t written = {.kind = SL_NODE_SCALAR, .text = sl_bytes_of(setting->initial)};
        setting->type->read(reader, setting, &written, target);
    }
}

/* A variable that is set to nothing leaves its setting alone: "password: ${REDIS_PASSWORD:-}". */
static bool is_left_empty(const sl_node_t *node)
{
    return node->kind == SL_NODE_SCALAR && node->is_expanded && node->text.len == 0;
}

/* False: the struct it belongs to has not been made, so there is nothing to read it into. */
static bool has_home(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, const void *target)
{
    const sl_node_t *value = sl_node_find(node, setting->name);
    if (sl_home(setting, target) != NULL)
        return true;
    if (value != NULL && sl_node_find(node, setting->needs) == NULL)
        sl_report_add(reader->report, value->place, "'%s' stands beside '%s' only", setting->name, setting->needs);
    return false;
}

static void read_absent(sl_reader_t *reader, const sl_section_t *section, const sl_setting_t *setting,
                        const sl_node_t *node, void *target)
{
    if (setting->is_required)
        sl_report_add(reader->report, node->place, "%s needs '%s': %s", section->title, setting->name,
                      setting->meaning);
    else if (!section->inherits)
        set_initial(reader, setting, target);
}

static void read_setting(sl_reader_t *reader, const sl_section_t *section, const sl_setting_t *setting,
                         const sl_node_t *node, void *target)
{
    const sl_node_t *value = sl_node_find(node, setting->name);
    if (value != NULL && setting->type->is_raw)
        sl_node_take_raw(value);
    if (!has_home(reader, setting, node, target))
        return;
    if (value != NULL && setting->type->is_raw) {
        setting->type->read(reader, setting, value, target);
        return;
    }
    if (value != NULL && value->is_broken)
        return;
    if (value != NULL && value->is_null)
        report_empty(reader, setting, value);
    else if (value != NULL && !is_left_empty(value))
        setting->type->read(reader, setting, value, target);
    else
        read_absent(reader, section, setting, node, target);
}

void sl_section_read(sl_reader_t *reader, const sl_section_t *section, const sl_node_t *node, void *target)
{
    if (section->begin != NULL)
        section->begin(reader, target);
    for (size_t i = 0; i < section->count; ++i)
        read_setting(reader, section, &section->settings[i], node, target);
    for (size_t i = 0; i < node->count; ++i)
        if (find_setting(section, node->pairs[i].name) == NULL)
            report_unknown(reader, section, &node->pairs[i]);
    if (section->finish != NULL)
        section->finish(reader, node, target);
}

bool sl_take_scalar(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node)
{
    if (node->kind == SL_NODE_SCALAR && node->text.len != 0)
        return true;
    sl_reject(reader, setting, node);
    return false;
}

/* --- back into a file --- */

bool sl_setting_is_set(const sl_setting_t *setting, const void *target)
{
    if (setting->type->print == NULL || sl_home(setting, target) == NULL)
        return false;
    if (setting->is_set != NULL)
        return setting->is_set(target);
    return setting->type->is_set == NULL || setting->type->is_set(setting, target);
}

void sl_setting_print(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    sl_emit_word(emitter, setting->name);
    setting->type->print(emitter, setting, target);
}

void sl_section_print(sl_emitter_t *emitter, const sl_section_t *section, const void *target)
{
    sl_emit_map(emitter);
    for (size_t i = 0; i < section->count; ++i)
        if (sl_setting_is_set(&section->settings[i], target))
            sl_setting_print(emitter, &section->settings[i], target);
    sl_emit_map_end(emitter);
}

/* --- the type of a nested mapping --- */

/* "redis: embedded" for "redis: {url: embedded}". */
static const sl_node_t *wrap_scalar(sl_reader_t *reader, const char *name, const sl_node_t *node)
{
    sl_pair_t *pair = h2o_mem_alloc_pool(reader->scratch, sizeof(*pair));
    *pair = (sl_pair_t){sl_bytes_of(name), node->place, node};
    sl_node_t *map = h2o_mem_alloc_pool(reader->scratch, sizeof(*map));
    *map = (sl_node_t){.kind = SL_NODE_MAP, .place = node->place, .count = 1, .pairs = pair};
    return map;
}

static void read_section(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (setting->has_switch) {
        bool is_on = !sl_node_is_off(node);
        *(bool *)((char *)target + setting->beside) = is_on;
        if (!is_on)
            return;
    }
    if (node->kind == SL_NODE_SCALAR && setting->section->scalar != NULL)
        node = wrap_scalar(reader, setting->section->scalar, node);
    if (node->kind != SL_NODE_MAP)
        sl_reject(reader, setting, node);
    else
        sl_section_read(reader, setting->section, node, sl_field(setting, target));
}

static void print_section(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    if (setting->has_switch && !*(const bool *)((const char *)target + setting->beside))
        sl_emit_word(emitter, "off");
    else
        sl_section_print(emitter, setting->section, sl_field_const(setting, target));
}

static void put_section_schema(sl_text_t *out, const sl_setting_t *setting)
{
    const sl_section_t *section = setting->section;
    if (!setting->has_switch && section->scalar == NULL) {
        sl_schema_section(out, section);
        return;
    }
    sl_text_put(out, "\"anyOf\":[{");
    sl_schema_section(out, section);
    if (setting->has_switch)
        sl_text_put(out, "},{\"enum\":[\"off\",false]");
    if (section->scalar != NULL) {
        sl_text_put(out, "},{");
        sl_schema_value(out, find_setting(section, sl_bytes_of(section->scalar)));
    }
    sl_text_put(out, "}]");
}

const sl_type_t sl_type_section = {
    .noun = "a mapping", .read = read_section, .print = print_section, .put_schema = put_section_schema};

/* --- the same, where the struct is made when the mapping is written; the field points to it --- */

static void read_made(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (node->kind != SL_NODE_MAP) {
        sl_reject(reader, setting, node);
        return;
    }
    void *made = sl_keep_zeroed(reader, setting->made_size);
    memcpy(sl_field(setting, target), &made, sizeof(made));
    sl_section_read(reader, setting->section, node, made);
}

static const void *made_struct(const sl_setting_t *setting, const void *target)
{
    const void *made;
    memcpy(&made, sl_field_const(setting, target), sizeof(made));
    return made;
}

static bool is_made(const sl_setting_t *setting, const void *target)
{
    return made_struct(setting, target) != NULL;
}

static void print_made(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    sl_section_print(emitter, setting->section, made_struct(setting, target));
}

const sl_type_t sl_type_made = {
    .noun = "a mapping", .read = read_made, .print = print_made, .is_set = is_made, .put_schema = put_section_schema};
