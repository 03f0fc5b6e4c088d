/* A form that is taken is a JSON object of strings and lists of strings, no name twice. The same bytes are looked at as
 * Accept and Content-Type, whose answers lie inside what was asked. */
#include "sluice/media.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_member(const sl_json_t *json, uint32_t member)
{
    sl_text_t name = {0};
    const sl_json_value_t *values = json->values;
    sl_json_unescape(json, member, true, &name);
    require(sl_json_member(json, 0, sl_bytes(name.base, name.size)) == member);
    require(values[member].type == SL_JSON_STRING ||
            (values[member].type == SL_JSON_ARRAY && values[member].count > 1));
    sl_text_dispose(&name);
}

static void check_form(h2o_iovec_t form)
{
    static const sl_media_limits_t limits = {.depth = 64, .values = 1000, .bytes_max = 100000};
    sl_text_t out = {0};
    sl_json_t json = {0};
    size_t offset;
    if (sl_form_to_json(form, &limits, &out, &offset) == NULL) {
        require(sl_json_index(&json, sl_bytes(out.base, out.size), NULL, &offset) == NULL);
        require(json.values[0].type == SL_JSON_OBJECT);
        for (uint32_t child = json.values[0].count == 0 ? 0 : 1; child != 0; child = json.values[child].next)
            check_member(&json, child);
    } else {
        require(out.size == 0 && offset <= form.len);
    }
    sl_json_dispose(&json);
    sl_text_dispose(&out);
}

static void require_inside(h2o_iovec_t part, h2o_iovec_t whole)
{
    require(part.len == 0 || (part.base >= whole.base && part.base + part.len <= whole.base + whole.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const h2o_iovec_t offers[] = {SL_LIT("application/json"), SL_LIT("application/msgpack;v=1")};
    h2o_iovec_t text = sl_bytes((const char *)data, size);
    check_form(text);
    int chosen = sl_media_negotiate(text, offers, 2);
    require(chosen >= -1 && chosen < 2);
    require_inside(sl_media_version(text, SL_LIT("version")), text);
    require_inside(sl_media_charset(text), text);
    sl_media_of(text);
    return 0;
}
