/* Both ways: MessagePack that is taken becomes JSON that our own index takes; JSON that is taken becomes MessagePack
 * that comes back, and a second round changes nothing any more. */
#include "sluice/media.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const sl_media_limits_t limits = {.depth = 64, .values = 100000, .bytes_max = 1 << 20};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_from_msgpack(h2o_iovec_t msgpack)
{
    static const sl_json_limits_t room = {.depth = 65,
                                          .values = 300000}; /* an extension is one value there, three here */
    sl_text_t json = {0};
    sl_json_t index = {0};
    size_t offset;
    if (sl_msgpack_to_json(msgpack, &limits, &json, &offset) == NULL) {
        require(json.size <= limits.bytes_max);
        require(sl_json_index(&index, sl_bytes(json.base, json.size), &room, &offset) == NULL);
    } else {
        require(json.size == 0 && offset <= msgpack.len);
    }
    sl_json_dispose(&index);
    sl_text_dispose(&json);
}

static void check_from_json(h2o_iovec_t text)
{
    sl_text_t packed = {0}, json = {0}, again = {0};
    size_t offset;
    if (sl_json_to_msgpack(text, &limits, &packed, &offset) == NULL) {
        require(sl_msgpack_to_json(sl_bytes(packed.base, packed.size), &limits, &json, &offset) == NULL);
        require(sl_json_to_msgpack(sl_bytes(json.base, json.size), &limits, &again, &offset) == NULL);
        require(sl_bytes_equal(sl_bytes(packed.base, packed.size), sl_bytes(again.base, again.size)));
    } else {
        require(packed.size == 0 && offset <= text.len);
    }
    sl_text_dispose(&packed);
    sl_text_dispose(&json);
    sl_text_dispose(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_from_msgpack(sl_bytes((const char *)data, size));
    check_from_json(sl_bytes((const char *)data, size));
    return 0;
}
