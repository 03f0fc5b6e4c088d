/* schema: the rows as JSON Schema (draft 2020-12), for editors. References, conflicts and the insides of texts are the
 * reader's business. */
#include "settings.h"

/* Numbers and flags as JSON has them, anything else as text. */
static void put_default(sl_text_t *out, const sl_setting_t *setting)
{
    uint64_t number;
    if (setting->initial == NULL)
        return;
    bool is_bare = (setting->type == &sl_type_flag) ||
                   (setting->type->parse == sl_parse_count && sl_parse_count(sl_bytes_of(setting->initial), &number));
    sl_text_put(out, "\"default\":");
    if (is_bare)
        sl_text_put(out, setting->initial);
    else
        sl_text_json(out, sl_bytes_of(setting->initial));
    sl_text_put(out, ",");
}

void sl_schema_value(sl_text_t *out, const sl_setting_t *setting)
{
    if (setting->type->schema != NULL)
        sl_text_put(out, setting->type->schema);
    else
        setting->type->put_schema(out, setting);
}

static void put_setting(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_json(out, sl_bytes_of(setting->name));
    sl_text_put(out, ":{\"description\":");
    sl_text_t description = {0};
    sl_text_put(&description, setting->meaning);
    if (setting->change == SL_CHANGE_RESTART)
        sl_text_put(&description, " (a change needs a restart)");
    sl_text_json(out, sl_bytes(description.base, description.size));
    sl_text_dispose(&description);
    sl_text_put(out, ",");
    put_default(out, setting);
    if (setting->is_secret)
        sl_text_put(out, "\"writeOnly\":true,");
    sl_schema_value(out, setting);
    sl_text_put(out, "}");
}

void sl_schema_section(sl_text_t *out, const sl_section_t *section)
{
    sl_text_put(out, "\"type\":\"object\",\"additionalProperties\":false,\"required\":[");
    const char *comma = "";
    for (size_t i = 0; i < section->count; ++i)
        if (section->settings[i].is_required) {
            sl_text_put(out, comma);
            sl_text_json(out, sl_bytes_of(section->settings[i].name));
            comma = ",";
        }
    sl_text_put(out, "],\"properties\":{");
    for (size_t i = 0; i < section->count; ++i) {
        sl_text_put(out, i == 0 ? "\n" : ",\n");
        put_setting(out, &section->settings[i]);
    }
    sl_text_put(out, "}");
    if (section->schema != NULL)
        sl_text_format(out, ",%s", section->schema);
}

void sl_config_schema(sl_text_t *out)
{
    sl_text_put(out,
                "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"Sluice configuration\",");
    sl_schema_section(out, &sl_root_section);
    sl_text_put(out, "}\n");
}
