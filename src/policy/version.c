/*
 * version: where a version stands in its life, and the fields that tell it. Dates are made by hand: strftime would
 * speak the language of the process.
 */
#include "sluice/version.h"
#include <stdio.h>
#include <time.h>

static bool is_hit(const sl_brownout_t *brownout, uint64_t now_s, unsigned lot)
{
    return brownout->begin_s <= now_s && now_s < brownout->end_s && lot < brownout->share_permille;
}

sl_version_fate_t sl_version_fate(const sl_version_life_t *life, uint64_t now_s, unsigned lot, uint64_t *retry_after_s)
{
    *retry_after_s = 0;
    if (life->sunset_s != 0 && now_s >= life->sunset_s)
        return SL_VERSION_GONE;
    for (size_t i = 0; i != life->brownout_count; ++i)
        if (is_hit(&life->brownouts[i], now_s, lot) && life->brownouts[i].end_s - now_s > *retry_after_s)
            *retry_after_s = life->brownouts[i].end_s - now_s; /* of several the one that lasts longest */
    return *retry_after_s != 0 ? SL_VERSION_BROWNED_OUT : SL_VERSION_SERVES;
}

/* What snprintf returned, or 0 when the text was cut: half a field is worse than none. */
static size_t whole(int len, size_t size)
{
    return len > 0 && (size_t)len < size ? (size_t)len : 0;
}

size_t sl_version_deprecation_field(const sl_version_life_t *life, char *text, size_t size)
{
    if (life->deprecated_s == 0)
        return 0;
    return whole(snprintf(text, size, "@%llu", (unsigned long long)life->deprecated_s), size);
}

size_t sl_version_sunset_field(const sl_version_life_t *life, char *text, size_t size)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)life->sunset_s;
    struct tm parts;

    if (life->sunset_s == 0 || gmtime_r(&seconds, &parts) == NULL)
        return 0;
    return whole(snprintf(text, size, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
                          months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec),
                 size);
}

size_t sl_version_link_field(const sl_version_life_t *life, char *text, size_t size)
{
    const struct {
        h2o_iovec_t url;
        const char *relation;
    } links[] = {{life->successor, "successor-version"}, {life->documentation, "deprecation"}};
    size_t used = 0;

    for (size_t i = 0; i != sizeof(links) / sizeof(links[0]); ++i) {
        if (links[i].url.len == 0)
            continue;
        size_t len = whole(snprintf(text + used, size - used, "%s<%.*s>; rel=\"%s\"", used != 0 ? ", " : "",
                                    (int)links[i].url.len, links[i].url.base, links[i].relation),
                           size - used);
        if (len == 0)
            return 0;
        used += len;
    }
    return used;
}

/* "v2" and "2" are the same: vendor media types write the first, people the second. */
static bool is_called(const char *name, h2o_iovec_t wish)
{
    h2o_iovec_t own = sl_bytes_of(name);
    bool wish_has_v = wish.len > 1 && wish.base[0] == 'v' && own.len != 0 && own.base[0] != 'v';
    bool own_has_v = own.len > 1 && own.base[0] == 'v' && wish.len != 0 && wish.base[0] != 'v';

    return sl_bytes_equal(wish_has_v ? sl_bytes(wish.base + 1, wish.len - 1) : wish,
                          own_has_v ? sl_bytes(own.base + 1, own.len - 1) : own);
}

bool sl_version_is_called(const char *name, h2o_iovec_t wish, sl_version_by_t by)
{
    return by == SL_VERSION_BY_MEDIA ? is_called(name, wish) : sl_bytes_equal(sl_bytes_of(name), wish);
}
