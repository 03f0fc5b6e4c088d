/* parse: numbers with units. Reading and printing share one table per kind, largest unit first, so that what is printed
 * can be read again. */
#include "sluice/parse.h"
#include <inttypes.h>
#include <stdio.h>

typedef struct unit_t {
    const char *name;
    uint64_t factor;
    bool is_canonical; /* may be printed */
} unit_t;

static const unit_t duration_units[] = {{"d", 86400000, true}, {"h", 3600000, true}, {"m", 60000, true},
                                        {"s", 1000, true},     {"ms", 1, true},      {NULL, 0, false}};

static const unit_t size_units[] = {
    {"GiB", 1ull << 30, true}, {"MiB", 1ull << 20, true}, {"KiB", 1ull << 10, true}, {"GB", 1000000000, false},
    {"MB", 1000000, false},    {"KB", 1000, false},       {"B", 1, false},           {"", 1, true},
    {NULL, 0, false}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool sl_parse_count(h2o_iovec_t text, uint64_t *value)
{
    uint64_t sum = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i != text.len; ++i) {
        if (!is_digit(text.base[i]) || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(text.base[i] - '0'), &sum))
            return false;
    }
    *value = sum;
    return true;
}

static bool parse_with_unit(h2o_iovec_t text, const unit_t *units, uint64_t *value)
{
    size_t digits = 0;
    while (digits != text.len && is_digit(text.base[digits]))
        ++digits;
    uint64_t number;
    if (!sl_parse_count(sl_bytes(text.base, digits), &number))
        return false;
    h2o_iovec_t unit = sl_bytes(text.base + digits, text.len - digits);
    for (; units->name != NULL; ++units)
        if (sl_bytes_equal(unit, sl_bytes_of(units->name)))
            return !__builtin_mul_overflow(number, units->factor, value);
    return false;
}

bool sl_parse_duration_ms(h2o_iovec_t text, uint64_t *ms)
{
    if (sl_bytes_equal(text, SL_LIT("0"))) {
        *ms = 0;
        return true;
    }
    return parse_with_unit(text, duration_units, ms);
}

bool sl_parse_size(h2o_iovec_t text, uint64_t *bytes)
{
    return parse_with_unit(text, size_units, bytes);
}

bool sl_parse_rate(h2o_iovec_t text, sl_rate_t *rate)
{
    const char *slash = text.len != 0 ? memchr(text.base, '/', text.len) : NULL;
    if (slash == NULL)
        return false;
    size_t before = (size_t)(slash - text.base);
    uint64_t limit, window_ms;
    if (!sl_parse_count(sl_bytes(text.base, before), &limit) ||
        !sl_parse_duration_ms(sl_bytes(slash + 1, text.len - before - 1), &window_ms))
        return false;
    if (limit == 0 || window_ms == 0 || window_ms % 1000 != 0)
        return false;
    *rate = (sl_rate_t){.limit = limit, .window_s = window_ms / 1000};
    return true;
}

static size_t print_with_unit(char *text, uint64_t value, const unit_t *units)
{
    for (; units->name != NULL; ++units)
        if (units->is_canonical && value % units->factor == 0)
            return (size_t)snprintf(text, 32, "%" PRIu64 "%s", value / units->factor, units->name);
    return 0;
}

size_t sl_print_duration_ms(char *text, uint64_t ms)
{
    if (ms == 0)
        return (size_t)snprintf(text, 32, "0");
    return print_with_unit(text, ms, duration_units);
}

size_t sl_print_size(char *text, uint64_t bytes)
{
    if (bytes == 0)
        return (size_t)snprintf(text, 32, "0");
    return print_with_unit(text, bytes, size_units);
}
