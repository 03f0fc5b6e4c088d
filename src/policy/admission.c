/*
 * admission: reading Redis' verdict, and the header fields made from it.
 *
 * The reply is trusted no further than its shape: it may come from another version's script, or from a key that someone
 * wrote by hand. Numbers travel as doubles because that is what Lua has; beyond 2^53 they would no longer be whole.
 */
#include "sluice/admission.h"
#include <endian.h>

#define REPLY_VERSION 1
#define WHOLE_MAX 9007199254740992.0    /* 2^53 */
#define SF_INTEGER_MAX 999999999999999u /* 15 digits: RFC 8941 §3.3.1 */
#define US_PER_S 1000000u

typedef struct reader_t {
    const unsigned char *at, *end;
    bool is_broken; /* read beyond the end, or nonsense */
} reader_t;

static const unsigned char *take(reader_t *reader, size_t len)
{
    static const unsigned char nothing[8];

    if ((size_t)(reader->end - reader->at) < len) {
        reader->is_broken = true;
        reader->at = reader->end;
        return nothing;
    }
    reader->at += len;
    return reader->at - len;
}

static uint8_t take_u8(reader_t *reader)
{
    return *take(reader, 1);
}

static uint16_t take_u16(reader_t *reader)
{
    uint16_t value;

    memcpy(&value, take(reader, sizeof(value)), sizeof(value));
    return le16toh(value);
}

static uint32_t take_u32(reader_t *reader)
{
    uint32_t value;

    memcpy(&value, take(reader, sizeof(value)), sizeof(value));
    return le32toh(value);
}

static double take_f64(reader_t *reader)
{
    uint64_t bits;
    double value;

    memcpy(&bits, take(reader, sizeof(bits)), sizeof(bits));
    bits = le64toh(bits);
    memcpy(&value, &bits, sizeof(value));
    if (value >= 0 && value <= WHOLE_MAX) /* false for a NaN too */
        return value;
    reader->is_broken = true;
    return 0;
}

static uint64_t take_count(reader_t *reader)
{
    return (uint64_t)take_f64(reader);
}

/* Rounded up: who comes back a fraction too early is refused again. */
static uint64_t take_wait_us(reader_t *reader)
{
    double value = take_f64(reader);
    uint64_t whole = (uint64_t)value;

    return (double)whole < value ? whole + 1 : whole;
}

static bool take_flag(reader_t *reader)
{
    uint8_t value = take_u8(reader);

    reader->is_broken |= value > 1;
    return value == 1;
}

static void take_limit(reader_t *reader, sl_limit_state_t *limit)
{
    uint8_t kind = take_u8(reader);

    reader->is_broken |= kind >= SL_LIMIT_KINDS;
    limit->kind = kind < SL_LIMIT_KINDS ? (sl_limit_kind_t)kind : SL_LIMIT_KEY;
    limit->is_violated = take_flag(reader);
    limit->quota = take_count(reader);
    limit->window_s = take_count(reader);
    limit->remaining = take_count(reader);
    limit->more_us = take_wait_us(reader);
    limit->full_us = take_wait_us(reader);
}

static void take_limits(reader_t *reader, sl_admission_t *admission, size_t count)
{
    unsigned seen = 0;

    if (count > SL_LIMIT_KINDS) {
        reader->is_broken = true;
        return;
    }
    for (size_t i = 0; i != count; ++i) {
        take_limit(reader, &admission->limits[i]);
        unsigned bit = 1u << admission->limits[i].kind;
        reader->is_broken |= (seen & bit) != 0;
        seen |= bit;
    }
    admission->limit_count = count;
}

bool sl_admission_read(h2o_iovec_t reply, sl_admission_t *admission)
{
    memset(admission, 0, sizeof(*admission));
    if (reply.len == 0 || reply.base[0] != REPLY_VERSION)
        return false;

    const unsigned char *bytes = (const unsigned char *)reply.base;
    reader_t reader = {bytes + 1, bytes + reply.len, false};
    uint8_t verdict = take_u8(&reader), flags = take_u8(&reader), count = take_u8(&reader);
    if (verdict >= SL_VERDICT_COUNT || (flags & ~(SL_ADMISSION_FLAG_SHADOW | SL_ADMISSION_FLAG_PROBE)) != 0)
        return false;
    admission->verdict = (sl_admission_verdict_t)verdict;
    admission->is_shadow_refused = (flags & SL_ADMISSION_FLAG_SHADOW) != 0;
    admission->is_probe = (flags & SL_ADMISSION_FLAG_PROBE) != 0;
    admission->granted = take_u32(&reader);
    admission->wait_us = take_wait_us(&reader);
    admission->probe_generation = take_count(&reader);
    admission->probe_id = take_count(&reader);
    take_limits(&reader, admission, count);
    size_t owner_len = take_u16(&reader), name_len = take_u16(&reader);
    admission->owner = sl_bytes((const char *)take(&reader, owner_len), owner_len);
    admission->name = sl_bytes((const char *)take(&reader, name_len), name_len);
    return !reader.is_broken && reader.at == reader.end;
}

/* The same quarters of a microsecond as in the script, so that taking back is as exact as charging was. */
static uint64_t full_before(const sl_limit_state_t *limit, uint64_t units)
{
    if (limit->quota == 0)
        return limit->full_us;
    unsigned __int128 window = (unsigned __int128)limit->window_s * 4 * US_PER_S;
    unsigned __int128 back = (window + limit->quota - 1) / limit->quota * units,
                      ahead = (unsigned __int128)limit->full_us * 4;
    return ahead > back ? (uint64_t)((ahead - back + 3) / 4) : 0;
}

/* Until one more unit is there it takes as long with fewer units charged, since a bucket fills evenly; and a period
 * ends when it ends. */
void sl_admission_before(sl_admission_t *admission, uint64_t units)
{
    for (size_t i = 0; units != 0 && i != admission->limit_count; ++i) {
        sl_limit_state_t *limit = &admission->limits[i];
        limit->remaining += units;
        if (limit->kind == SL_LIMIT_KEY || limit->kind == SL_LIMIT_SERVICE)
            limit->full_us = full_before(limit, units);
    }
}

const char *sl_limit_name(sl_limit_kind_t kind)
{
    static const char *const names[SL_LIMIT_KINDS] = {
        [SL_LIMIT_KEY] = "key",
        [SL_LIMIT_SERVICE] = "service",
        [SL_LIMIT_DAY] = "day",
        [SL_LIMIT_MONTH] = "month",
    };

    return names[kind];
}

/* --- header fields: both are Structured Field lists of strings with parameters (RFC 8941 §3.1) --- */

#define MEMBER_MAX 64 /* separator, the longest name in quotes, two parameters of 15 digits */

static char *put_text(char *to, const char *text)
{
    size_t len = strlen(text);

    memcpy(to, text, len);
    return to + len;
}

static char *put_parameter(char *to, char name, uint64_t value)
{
    *to++ = ';';
    *to++ = name;
    *to++ = '=';
    return sl_put_number(to, value < SF_INTEGER_MAX ? value : SF_INTEGER_MAX);
}

static uint64_t seconds_up(uint64_t us)
{
    return us / US_PER_S + (us % US_PER_S != 0);
}

static char *put_policy(char *to, const sl_limit_state_t *limit)
{
    return put_parameter(put_parameter(to, 'q', limit->quota), 'w', limit->window_s);
}

static char *put_state(char *to, const sl_limit_state_t *limit)
{
    to = put_parameter(to, 'r', limit->remaining);
    /* `t` promises more units; a full bucket has none to promise */
    return limit->more_us == 0 ? to : put_parameter(to, 't', seconds_up(limit->more_us));
}

static size_t put_list(const sl_admission_t *admission, char *text, size_t size,
                       char *(*put_parameters)(char *to, const sl_limit_state_t *limit))
{
    char member[MEMBER_MAX];
    size_t len = 0;

    for (size_t i = 0; i != admission->limit_count; ++i) {
        char *to = put_text(member, i == 0 ? "\"" : ", \"");
        to = put_text(to, sl_limit_name(admission->limits[i].kind));
        to = put_text(to, "\"");
        to = put_parameters(to, &admission->limits[i]);
        size_t member_len = (size_t)(to - member);
        if (member_len > size - len)
            break;
        memcpy(text + len, member, member_len);
        len += member_len;
    }
    return len;
}

size_t sl_admission_policy_field(const sl_admission_t *admission, char *text, size_t size)
{
    return put_list(admission, text, size, put_policy);
}

size_t sl_admission_ratelimit_field(const sl_admission_t *admission, char *text, size_t size)
{
    return put_list(admission, text, size, put_state);
}

/* Violated before not; of the violated the one that keeps the client waiting longest; of the others the smaller share
 * left. */
static bool is_tighter(const sl_limit_state_t *a, const sl_limit_state_t *b)
{
    if (a->is_violated != b->is_violated)
        return a->is_violated;
    if (a->is_violated)
        return a->more_us > b->more_us;
    return (unsigned __int128)a->remaining * b->quota < (unsigned __int128)b->remaining * a->quota;
}

const sl_limit_state_t *sl_admission_tightest(const sl_admission_t *admission)
{
    const sl_limit_state_t *tightest = NULL;

    for (size_t i = 0; i != admission->limit_count; ++i)
        if (tightest == NULL || is_tighter(&admission->limits[i], tightest))
            tightest = &admission->limits[i];
    return tightest;
}

uint64_t sl_retry_after_s(uint64_t wait_us)
{
    return wait_us == 0 ? 1 : seconds_up(wait_us);
}
