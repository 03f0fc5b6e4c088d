/* msgpack_write: a JSON document as MessagePack, in one walk over its index: parents stand before their children there,
 * just as in MessagePack. */
#include "json_number.h"
#include "json_text.h"
#include "sluice/media.h"
#include <msgpack/pack.h>

typedef struct writer_t {
    msgpack_packer packer;
    sl_json_t json;
    sl_text_t decoded; /* a string that had escapes */
} writer_t;

static int on_bytes(void *data, const char *bytes, size_t len)
{
    sl_text_append(data, bytes, len);
    return 0;
}

static void write_string(writer_t *writer, uint32_t value, bool name)
{
    h2o_iovec_t inside = sl_json_inside(&writer->json, value, name);
    if (inside.len != 0 && memchr(inside.base, '\\', inside.len) != NULL) {
        sl_text_clear(&writer->decoded);
        sl_json_decode(inside, &writer->decoded);
        inside = sl_bytes(writer->decoded.base, writer->decoded.size);
    }
    msgpack_pack_str(&writer->packer, inside.len);
    msgpack_pack_str_body(&writer->packer, inside.base, inside.len);
}

static const char *write_number(writer_t *writer, uint32_t value)
{
    sl_number_t number;
    if (!sl_number_read(sl_json_bytes(&writer->json, value), &number))
        return "a number that MessagePack cannot hold";
    switch (number.kind) {
    case SL_NUMBER_SIGNED:
        msgpack_pack_int64(&writer->packer, number.negative);
        break;
    case SL_NUMBER_UNSIGNED:
        msgpack_pack_uint64(&writer->packer, number.positive);
        break;
    case SL_NUMBER_DOUBLE:
        msgpack_pack_double(&writer->packer, number.real);
        break;
    }
    return NULL;
}

static const char *write_value(writer_t *writer, uint32_t value)
{
    const sl_json_value_t *given = &writer->json.values[value];
    if (given->name_end != 0)
        write_string(writer, value, true);
    switch (given->type) {
    case SL_JSON_NULL:
        msgpack_pack_nil(&writer->packer);
        break;
    case SL_JSON_FALSE:
        msgpack_pack_false(&writer->packer);
        break;
    case SL_JSON_TRUE:
        msgpack_pack_true(&writer->packer);
        break;
    case SL_JSON_NUMBER:
        return write_number(writer, value);
    case SL_JSON_STRING:
        write_string(writer, value, false);
        break;
    case SL_JSON_ARRAY:
        msgpack_pack_array(&writer->packer, given->count);
        break;
    case SL_JSON_OBJECT:
        msgpack_pack_map(&writer->packer, given->count);
        break;
    }
    return NULL;
}

const char *sl_json_to_msgpack(h2o_iovec_t json, const sl_media_limits_t *limits, sl_text_t *out, size_t *offset)
{
    writer_t writer = {0};
    size_t start = out->size;
    sl_json_limits_t bounds = {.depth = limits->depth, .values = limits->values};
    const char *error = sl_json_index(&writer.json, json, &bounds, offset);
    msgpack_packer_init(&writer.packer, out, on_bytes);
    for (uint32_t value = 0; error == NULL && value != writer.json.count; ++value) {
        error = write_value(&writer, value);
        if (error == NULL && out->size - start > limits->bytes_max)
            error = "the result is too large";
        *offset = writer.json.values[value].begin;
    }
    if (error == NULL)
        *offset = 0;
    else
        sl_text_cut(out, start);
    sl_text_dispose(&writer.decoded);
    sl_json_dispose(&writer.json);
    return error;
}
