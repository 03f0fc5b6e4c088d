/* Whatever is taken: children lie inside their parents, one behind the other; values with what lies between them are
 * the text; each value is itself a document of as many values; and every member is found by its name. */
#include "sluice/json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_children(const sl_json_t *json, uint32_t parent)
{
    const sl_json_value_t *values = json->values;
    uint32_t count = 0, at = values[parent].begin + 1;
    for (uint32_t child = values[parent].count == 0 ? 0 : parent + 1; child != 0; child = values[child].next, ++count) {
        bool is_member = values[parent].type == SL_JSON_OBJECT;
        require(child > parent && child < json->count);
        require(is_member == (values[child].name_end != 0));
        require((is_member ? values[child].name_begin : values[child].begin) >= at);
        require(!is_member || values[child].name_end < values[child].begin);
        require(values[child].end > values[child].begin && values[child].end < values[parent].end);
        at = values[child].end;
    }
    require(count == values[parent].count);
}

static void check_rebuilt(const sl_json_t *json)
{
    sl_text_t text = {0};
    size_t at = 0;
    for (uint32_t i = 0; i != json->count; ++i) {
        if (json->values[i].count != 0)
            continue;
        h2o_iovec_t bytes = sl_json_bytes(json, i);
        sl_text_append(&text, json->text.base + at, json->values[i].begin - at);
        sl_text_append(&text, bytes.base, bytes.len);
        at = json->values[i].end;
    }
    sl_text_append(&text, json->text.base + at, json->text.len - at);
    require(sl_bytes_equal(sl_bytes(text.base, text.size), json->text));
    sl_text_dispose(&text);
}

/* Only a few: the square of the values would be slow. */
static void check_alone(const sl_json_t *json, uint32_t value)
{
    sl_json_t alone = {0};
    size_t offset;
    require(sl_json_index(&alone, sl_json_bytes(json, value), NULL, &offset) == NULL);
    require(alone.values[0].type == json->values[value].type && alone.values[0].count == json->values[value].count);
    sl_json_dispose(&alone);
}

static void check_name(const sl_json_t *json, uint32_t parent)
{
    sl_text_t name = {0};
    uint32_t child = parent + 1;
    sl_json_unescape(json, child, true, &name);
    int64_t found = sl_json_member(json, parent, sl_bytes(name.base, name.size));
    require(found >= child); /* this one, or a later one of the same name */
    sl_text_dispose(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sl_json_t json = {0};
    size_t offset;
    if (sl_json_index(&json, sl_bytes((const char *)data, size), NULL, &offset) != NULL) {
        require(offset <= size && json.count == 0);
    } else {
        for (uint32_t i = 0; i != json.count; ++i) {
            check_children(&json, i);
            if (i < 16)
                check_alone(&json, i);
            if (i < 16 && json.values[i].type == SL_JSON_OBJECT && json.values[i].count != 0)
                check_name(&json, i);
        }
        check_rebuilt(&json);
    }
    sl_json_dispose(&json);
    return 0;
}
