/* dates: points in time, kept as Unix seconds: 2027-01-31 (its first second in UTC), RFC 3339, or the seconds
 * themselves. */
#include "settings.h"
#include <stdio.h>
#include <time.h>

enum { DATE_LEN = 10, DATE_TIME_LEN = 19 };
#define YEAR_10000_S UINT64_C(253402300800)

static bool is_shaped(const char *text, const char *shape)
{
    for (; *shape != 0; ++text, ++shape)
        if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
            return false;
    return true;
}

static int number(const char *at, size_t len)
{
    int value = 0;
    for (size_t i = 0; i < len; ++i)
        value = value * 10 + (at[i] - '0');
    return value;
}

/* "Z" or "+01:00"; false for anything else. */
static bool read_zone(const char *text, int64_t *seconds_east)
{
    *seconds_east = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    bool is_east = *text == '+';
    if ((!is_east && *text != '-') || !is_shaped(text + 1, "00:00") || text[6] != 0)
        return false;
    int hours = number(text + 1, 2), minutes = number(text + 4, 2);
    *seconds_east = (is_east ? 1 : -1) * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

/* A fraction of a second is beyond what is kept. */
static const char *skip_fraction(const char *text)
{
    if (*text != '.' || text[1] < '0' || text[1] > '9')
        return text;
    for (++text; *text >= '0' && *text <= '9';)
        ++text;
    return text;
}

static bool read_time(const char *text, struct tm *utc, int64_t *seconds_east)
{
    *seconds_east = 0;
    if (text[DATE_LEN] == 0)
        return true;
    bool is_separated = strchr("Tt ", text[DATE_LEN]) != NULL;
    if (!is_separated || !is_shaped(text + DATE_LEN + 1, "00:00:00"))
        return false;
    utc->tm_hour = number(text + 11, 2);
    utc->tm_min = number(text + 14, 2);
    utc->tm_sec = number(text + 17, 2);
    return utc->tm_hour < 24 && utc->tm_min < 60 && utc->tm_sec <= 60 &&
           read_zone(skip_fraction(text + DATE_TIME_LEN), seconds_east);
}

static bool parse_date(h2o_iovec_t text, uint64_t *unix_s)
{
    struct tm utc = {0};
    int64_t seconds_east;
    if (sl_parse_count(text, unix_s))
        return *unix_s != 0 && *unix_s < YEAR_10000_S;
    if (text.len < DATE_LEN || !is_shaped(text.base, "0000-00-00"))
        return false;
    utc.tm_year = number(text.base, 4) - 1900;
    utc.tm_mon = number(text.base + 5, 2) - 1;
    utc.tm_mday = number(text.base + 8, 2);
    struct tm day = utc;
    if (utc.tm_year < 70 || !read_time(text.base, &utc, &seconds_east))
        return false;
    /* timegm makes March of the 30th of February; such a day is none */
    if (timegm(&day) < 0 || day.tm_mday != number(text.base + 8, 2) || day.tm_mon != number(text.base + 5, 2) - 1)
        return false;
    int64_t seconds = (int64_t)timegm(&utc) - seconds_east;
    *unix_s = (uint64_t)seconds;
    return seconds > 0 && *unix_s < YEAR_10000_S;
}

static void read_date(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    uint64_t unix_s;
    if (node->kind == SL_NODE_SCALAR && parse_date(node->text, &unix_s))
        *(uint64_t *)sl_field(setting, target) = unix_s;
    else
        sl_reject(reader, setting, node);
}

static bool date_is_set(const sl_setting_t *setting, const void *target)
{
    return *(const uint64_t *)sl_field_const(setting, target) != 0;
}

static void print_date(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    char text[40];
    struct tm utc;
    time_t seconds = (time_t) * (const uint64_t *)sl_field_const(setting, target);
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    sl_emit_text(emitter, sl_bytes_of(text));
}

const sl_type_t sl_type_date = {
    .noun = "a date such as 2027-01-31 or 2027-01-31T12:00:00Z, or Unix seconds",
    .schema = "\"type\":[\"string\",\"integer\"],\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}|^[0-9]+$|\\\\$\\\\{\"",
    .read = read_date,
    .print = print_date,
    .is_set = date_is_set};
