/* Whatever the bytes: no crash, a value that was taken prints to a form that means the same, and JSON strings have no
 * raw control or quote inside. */
#include "sluice/parse.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(h2o_iovec_t text, bool (*parse)(h2o_iovec_t, uint64_t *),
                             size_t (*print)(char *, uint64_t))
{
    uint64_t value, again;
    char printed[32];
    if (!parse(text, &value))
        return;
    size_t len = print(printed, value);
    if (!parse(sl_bytes(printed, len), &again) || again != value)
        abort();
}

static void check_json(h2o_iovec_t bytes)
{
    sl_text_t text = {0};
    sl_text_json(&text, bytes);
    for (size_t i = 0; i != text.size; ++i)
        if ((unsigned char)text.base[i] < 0x20)
            abort();
    sl_text_dispose(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"listen", "redis", "services", "routes", "limit", "window"};
    h2o_iovec_t text = sl_bytes((const char *)data, size);
    sl_rate_t rate;
    check_round_trip(text, sl_parse_duration_ms, sl_print_duration_ms);
    check_round_trip(text, sl_parse_size, sl_print_size);
    if (sl_parse_rate(text, &rate) && (rate.limit == 0 || rate.window_s == 0))
        abort();
    sl_nearest_name(text, names, sizeof names / sizeof names[0]);
    check_json(text);
    return 0;
}
