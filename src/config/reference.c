/* reference: the rows as Markdown, a table for each section in the order of the file. A section that stands in several
 * places is written down where it stands first. */
#include "settings.h"
#include <assert.h>

enum { SECTIONS_MAX = 64, PATH_BYTES = 256 };

typedef struct writer_t {
    sl_text_t *out;
    size_t count;
    struct {
        const sl_section_t *section;
        char path[PATH_BYTES];
    } written[SECTIONS_MAX];
} writer_t;

/* What one element of a list or mapping is called in a path: "routes[].calls.NAME". */
static const char *element_of(const sl_type_t *type)
{
    static const struct {
        const sl_type_t *type;
        const char *element;
    } rows[] = {{&sl_type_services, ".NAME"}, {&sl_type_calls, ".NAME"}, {&sl_type_shapes, ".NAME"},
                {&sl_type_versions, ".NAME"}, {&sl_type_listens, "[]"},  {&sl_type_certificates, "[]"},
                {&sl_type_routes, "[]"},      {&sl_type_brownouts, "[]"}};
    for (size_t i = 0; i != sizeof(rows) / sizeof(rows[0]); ++i)
        if (rows[i].type == type)
            return rows[i].element;
    return "";
}

static const char *find_written(const writer_t *writer, const sl_section_t *section)
{
    for (size_t i = 0; i != writer->count; ++i)
        if (writer->written[i].section == section)
            return writer->written[i].path;
    return NULL;
}

static void put_takes(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_t takes = {0};
    sl_put_expected(&takes, setting);
    if (setting->type->is_list && setting->range != NULL)
        sl_text_format(&takes, "; %.*s to %s of them", (int)strcspn(setting->range, "."), setting->range,
                       strstr(setting->range, "..") + 2);
    sl_text_cell(out, takes.base);
    sl_text_dispose(&takes);
}

static void put_row(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_format(out, "| `%s` | ", setting->name);
    put_takes(out, setting);
    sl_text_put(out, " | ");
    if (setting->is_required)
        sl_text_put(out, "required");
    else if (setting->initial != NULL)
        sl_text_format(out, "`%s`", setting->initial);
    sl_text_format(out, " | %s | ", setting->change == SL_CHANGE_LIVE ? "HUP" : "restart");
    sl_text_cell(out, setting->meaning);
    sl_text_put(out, setting->is_secret ? "; a secret, masked wherever it is shown |\n" : " |\n");
}

static void put_section(writer_t *writer, const sl_section_t *section, const char *path);

static void put_nested(writer_t *writer, const sl_setting_t *setting, const char *above)
{
    char path[PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%s%s%s%s", above, above[0] != 0 ? "." : "", setting->name,
                       element_of(setting->type));
    assert(len > 0 && (size_t)len < sizeof(path));
    const char *elsewhere = find_written(writer, setting->section);
    if (elsewhere != NULL)
        sl_text_format(writer->out, "\n### `%s`\n\nThe same as `%s`.\n", path, elsewhere);
    else
        put_section(writer, setting->section, path);
}

static void put_section(writer_t *writer, const sl_section_t *section, const char *path)
{
    assert(writer->count != SECTIONS_MAX);
    writer->written[writer->count].section = section;
    snprintf(writer->written[writer->count++].path, PATH_BYTES, "%s", path);
    if (path[0] != 0)
        sl_text_format(writer->out, "\n### `%s`\n\n", path);
    if (section->scalar != NULL)
        sl_text_format(writer->out, "A value in place of the mapping is its `%s`.\n\n", section->scalar);
    sl_text_put(writer->out, "| setting | takes | default | applied by | meaning |\n| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i != section->count; ++i)
        put_row(writer->out, &section->settings[i]);
    for (size_t i = 0; i != section->count; ++i)
        if (section->settings[i].section != NULL)
            put_nested(writer, &section->settings[i], path);
}

void sl_config_reference(sl_text_t *out)
{
    writer_t writer = {.out = out};
    put_section(&writer, &sl_root_section, "");
}
