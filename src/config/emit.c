/* emit: a thin layer over libyaml's emitter. */
#include "emit.h"
#include "sluice/json.h"
#include "sluice/secret.h"

enum { INDENT_BLANKS = 2 };

static int append(void *data, unsigned char *bytes, size_t len)
{
    sl_text_append(data, (const char *)bytes, len);
    return 1;
}

/* Events are well-formed by construction and memory never runs out, so a refusal is a bug. */
static void emit(sl_emitter_t *emitter, yaml_event_t *event, int is_initialised)
{
    if (!is_initialised || !yaml_emitter_emit(&emitter->yaml, event))
        h2o_fatal("the YAML emitter refused an event");
}

void sl_emitter_begin(sl_emitter_t *emitter, sl_text_t *out, bool shows_secrets)
{
    *emitter = (sl_emitter_t){.shows_secrets = shows_secrets};
    if (!yaml_emitter_initialize(&emitter->yaml))
        h2o_fatal("no memory");
    yaml_emitter_set_output(&emitter->yaml, append, out);
    yaml_emitter_set_unicode(&emitter->yaml, 1);
    yaml_emitter_set_indent(&emitter->yaml, INDENT_BLANKS);
    yaml_emitter_set_width(&emitter->yaml, -1);

    yaml_event_t event;
    emit(emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
}

void sl_emitter_finish(sl_emitter_t *emitter)
{
    yaml_event_t event;
    emit(emitter, &event, yaml_document_end_event_initialize(&event, 1));
    emit(emitter, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&emitter->yaml);
}

void sl_emit_map(sl_emitter_t *emitter)
{
    yaml_event_t event;
    emit(emitter, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
}

void sl_emit_map_end(sl_emitter_t *emitter)
{
    yaml_event_t event;
    emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

void sl_emit_list(sl_emitter_t *emitter, bool in_one_line)
{
    yaml_event_t event;
    yaml_sequence_style_t style = in_one_line ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE;
    emit(emitter, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style));
}

void sl_emit_list_end(sl_emitter_t *emitter)
{
    yaml_event_t event;
    emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static void emit_scalar(sl_emitter_t *emitter, const char *text, size_t len, yaml_scalar_style_t style)
{
    yaml_event_t event;
    const yaml_char_t *bytes = (const yaml_char_t *)(len != 0 ? text : "");
    emit(emitter, &event, yaml_scalar_event_initialize(&event, NULL, NULL, bytes, (int)len, 1, 1, style));
}

void sl_emit_word(sl_emitter_t *emitter, const char *word)
{
    emit_scalar(emitter, word, strlen(word), YAML_PLAIN_SCALAR_STYLE);
}

void sl_emit_text(sl_emitter_t *emitter, h2o_iovec_t text)
{
    sl_text_t escaped = {0};
    for (size_t i = 0; i < text.len; ++i) {
        if (text.base[i] == '$')
            sl_text_append(&escaped, "$", 1);
        sl_text_append(&escaped, text.base + i, 1);
    }
    emit_scalar(emitter, escaped.base, escaped.size, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    sl_text_dispose(&escaped);
}

void sl_emit_raw(sl_emitter_t *emitter, h2o_iovec_t text)
{
    emit_scalar(emitter, text.base, text.len, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

/* --- JSON --- */

static void emit_string(sl_emitter_t *emitter, const sl_json_t *json, uint32_t value, bool name)
{
    sl_text_t text = {0};
    sl_json_unescape(json, value, name, &text);
    sl_emit_raw(emitter, sl_bytes(text.base, text.size));
    sl_text_dispose(&text);
}

static void emit_value(sl_emitter_t *emitter, const sl_json_t *json, uint32_t value)
{
    const sl_json_value_t *given = &json->values[value];
    h2o_iovec_t bytes = sl_json_bytes(json, value);
    bool is_object = given->type == SL_JSON_OBJECT;

    if (given->type == SL_JSON_STRING) {
        emit_string(emitter, json, value, false);
    } else if (!is_object && given->type != SL_JSON_ARRAY) {
        emit_scalar(emitter, bytes.base, bytes.len, YAML_PLAIN_SCALAR_STYLE);
    } else {
        (is_object ? sl_emit_map(emitter) : sl_emit_list(emitter, false));
        for (uint32_t child = value + 1, left = given->count; left > 0; --left, child = json->values[child].next) {
            if (is_object)
                emit_string(emitter, json, child, true);
            emit_value(emitter, json, child);
        }
        (is_object ? sl_emit_map_end(emitter) : sl_emit_list_end(emitter));
    }
}

void sl_emit_json(sl_emitter_t *emitter, h2o_iovec_t text)
{
    sl_json_t json = {0};
    sl_text_t masked = {0};
    size_t offset;
    if (!emitter->shows_secrets) {
        sl_mask_json(text, emitter->key_header, &masked);
        text = sl_bytes(masked.base, masked.size);
    }
    if (sl_json_index(&json, text, &(sl_json_limits_t){.depth = 64, .values = 1000000}, &offset) != NULL)
        h2o_fatal("what the configuration keeps as JSON is JSON");
    emit_value(emitter, &json, 0);
    sl_json_dispose(&json);
    sl_text_dispose(&masked);
}

void sl_emit_secret(sl_emitter_t *emitter, h2o_iovec_t text)
{
    sl_emit_text(emitter, emitter->shows_secrets ? text : SL_LIT(SL_SECRET_MASK));
}

void sl_emit_field_value(sl_emitter_t *emitter, h2o_iovec_t name, h2o_iovec_t value)
{
    if (sl_is_secret_name(name, emitter->key_header))
        sl_emit_secret(emitter, value);
    else
        sl_emit_text(emitter, value);
}

void sl_emit_field_template(sl_emitter_t *emitter, h2o_iovec_t name, h2o_iovec_t written)
{
    bool is_masked = !emitter->shows_secrets && sl_is_secret_name(name, emitter->key_header);
    sl_emit_raw(emitter, is_masked && !sl_is_bare_reference(written) ? SL_LIT(SL_SECRET_MASK) : written);
}
