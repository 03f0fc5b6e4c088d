/*
 * key_record: what each field of a record takes, as lua/admit.lua takes it: whoever wrote it with HSET learns here
 * which field the nodes cannot understand. Fields that admission does not know are anybody's own.
 */
#include "key.h"
#include "sluice/parse.h"

#define NAME_BYTES_MAX 256
#define LIST_BYTES_MAX 4096
#define NUMBER_MAX 1000000000000u

typedef bool (*takes_t)(h2o_iovec_t value);

static bool takes_switch(h2o_iovec_t value)
{
    return value.len == 1 && (value.base[0] == '0' || value.base[0] == '1');
}

static bool takes_number(h2o_iovec_t value)
{
    uint64_t number;

    return value.len <= 32 && sl_parse_count(value, &number) && number >= 1 && number <= NUMBER_MAX;
}

static bool takes_name(h2o_iovec_t value)
{
    for (size_t i = 0; i != value.len; ++i)
        if ((unsigned char)value.base[i] < ' ' || value.base[i] == 127)
            return false;
    return value.len <= NAME_BYTES_MAX;
}

static bool takes_list(h2o_iovec_t value)
{
    return value.len <= LIST_BYTES_MAX;
}

#define NUMBER takes_number, "a whole number from 1 to 1000000000000"
#define NAME takes_name, "at most 256 bytes without control characters"
#define LIST takes_list, "at most 4096 bytes"

static const struct {
    const char *field; /* with a ':' at its end: for one service */
    takes_t takes;
    const char *words;
} rows[] = {{"enabled", takes_switch, "1 or 0"},
            {"owner", NAME},
            {"name", NAME},
            {"services", LIST},
            {"methods", LIST},
            {"scopes", LIST},
            {"limit", NUMBER},
            {"window", NUMBER},
            {"burst", NUMBER},
            {"limit:", NUMBER},
            {"window:", NUMBER},
            {"burst:", NUMBER},
            {"quota_day", NUMBER},
            {"quota_month", NUMBER},
            {"expires", takes_number, "Unix seconds: a whole number from 1 to 1000000000000"}};

#undef NUMBER
#undef NAME
#undef LIST

static bool is_row(const char *row, h2o_iovec_t field)
{
    size_t len = strlen(row);

    if (row[len - 1] == ':')
        return field.len > len && memcmp(field.base, row, len) == 0;
    return sl_bytes_equal(field, sl_bytes_of(row));
}

const char *sl_key_fault(h2o_iovec_t field, h2o_iovec_t value)
{
    for (size_t i = 0; i != sizeof(rows) / sizeof(rows[0]); ++i)
        if (is_row(rows[i].field, field))
            return rows[i].takes(value) ? NULL : rows[i].words;
    return NULL;
}
