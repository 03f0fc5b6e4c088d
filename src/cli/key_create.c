/*
 * key_create: a new key. Everything is checked before anything is written: a record with garbage in it would answer
 * every request with 503.
 *
 * The record is written by one HSET. Several would leave a moment in which the key is valid and its limits are not
 * there yet.
 */
#include "key.h"
#include "sluice/clock.h"
#include <ctype.h>
#include <stdio.h>
#include <time.h>

#define SECRET_BYTES 20 /* 160 random bits: nothing to guess, so its plain SHA-256 may name the record */
#define NAME_BYTES_MAX 256
#define LIST_BYTES_MAX 4096
#define NUMBER_MAX 1000000000000ULL /* what lua/admit.lua takes */
#define FIELDS_MAX 16

/* Fields of the record: name and value by turns. */
typedef struct record_t {
    h2o_iovec_t words[2 * FIELDS_MAX];
    size_t count;
    char digits[FIELDS_MAX][24];
    sl_text_t methods;
} record_t;

static void put_field(record_t *record, const char *name, h2o_iovec_t value)
{
    assert(record->count + 2 <= 2 * FIELDS_MAX);
    record->words[record->count++] = sl_bytes_of(name);
    record->words[record->count++] = value;
}

static void put_number(record_t *record, const char *name, uint64_t number)
{
    char *digits = record->digits[record->count / 2];

    snprintf(digits, sizeof(record->digits[0]), "%llu", (unsigned long long)number);
    put_field(record, name, sl_bytes_of(digits));
}

/* --- the options, one by one --- */

static bool put_text(sl_session_t *session, record_t *record, const char *field, const char *text, size_t len_max)
{
    if (text == NULL)
        return true;
    if (strlen(text) > len_max) {
        sl_session_complain(session, "--%s: at most %zu bytes", field, len_max);
        return false;
    }
    for (const char *at = text; *at != '\0'; ++at) {
        if (iscntrl((unsigned char)*at)) {
            sl_session_complain(session, "--%s: control characters are not allowed", field);
            return false;
        }
    }
    put_field(record, field, sl_bytes_of(text));
    return true;
}

static bool knows_service(sl_session_t *session, h2o_iovec_t word)
{
    const sl_config_t *config = session->config;
    const char **names = h2o_mem_alloc(sizeof(*names) * (config->service_count + 1));
    bool is_known = sl_bytes_equal(word, SL_LIT("*"));

    for (size_t i = 0; i != config->service_count; ++i) {
        names[i] = config->services[i].name;
        is_known |= sl_bytes_equal(word, sl_bytes_of(names[i]));
    }
    if (!is_known) {
        const char *nearest = sl_nearest_name(word, names, config->service_count);
        sl_session_complain(session, "--services: the configuration has no service '%.*s'%s%s%s", (int)word.len,
                            word.base, nearest != NULL ? " (did you mean '" : "", nearest != NULL ? nearest : "",
                            nearest != NULL ? "'?)" : "");
    }
    free(names);
    return is_known;
}

static bool put_services(sl_session_t *session, record_t *record, const char *services)
{
    const char *at = services;

    for (;;) {
        at += strspn(at, " ,\t");
        size_t len = strcspn(at, " ,\t");
        if (len == 0)
            break;
        if (!knows_service(session, sl_bytes(at, len)))
            return false;
        at += len;
    }
    return put_text(session, record, "services", services, LIST_BYTES_MAX);
}

/* Methods are case-sensitive (RFC 9110 §9.1) and written in capitals. */
static bool put_methods(sl_session_t *session, record_t *record, const char *methods)
{
    if (methods == NULL)
        return true;
    sl_text_put(&record->methods, methods);
    for (size_t i = 0; i != record->methods.size; ++i)
        record->methods.base[i] = (char)toupper((unsigned char)record->methods.base[i]);
    return put_text(session, record, "methods", record->methods.base, LIST_BYTES_MAX);
}

static bool put_limit(sl_session_t *session, record_t *record, const char *text)
{
    sl_rate_t rate;

    if (text == NULL)
        return true;
    if (!sl_parse_rate(sl_bytes_of(text), &rate) || rate.limit > NUMBER_MAX || rate.window_s > NUMBER_MAX) {
        sl_session_complain(session, "--limit: expected so many per so long, like 100/60s, not '%s'", text);
        return false;
    }
    put_number(record, "limit", rate.limit);
    put_number(record, "window", rate.window_s);
    return true;
}

static bool put_count(sl_session_t *session, record_t *record, const char *option, const char *field, const char *text)
{
    uint64_t number;

    if (text == NULL)
        return true;
    if (!sl_parse_count(sl_bytes_of(text), &number) || number == 0 || number > NUMBER_MAX) {
        sl_session_complain(session, "%s: expected a number from 1 to %llu, not '%s'", option, NUMBER_MAX, text);
        return false;
    }
    put_number(record, field, number);
    return true;
}

/* strptime takes "2027-02-31" and more; what comes out must read as it was written. */
static bool read_date(const char *text, uint64_t *unix_s)
{
    struct tm date = {0};
    char again[16];
    const char *end = strptime(text, "%Y-%m-%d", &date);

    if (end == NULL || *end != '\0')
        return false;
    time_t seconds = timegm(&date);
    if (seconds < 0 || strftime(again, sizeof(again), "%Y-%m-%d", gmtime_r(&seconds, &date)) == 0)
        return false;
    *unix_s = (uint64_t)seconds;
    return strcmp(again, text) == 0;
}

static bool read_when(const char *text, uint64_t now_s, uint64_t *unix_s)
{
    uint64_t ms;

    if (*text != '+')
        return sl_parse_count(sl_bytes_of(text), unix_s) || read_date(text, unix_s);
    if (!sl_parse_duration_ms(sl_bytes_of(text + 1), &ms))
        return false;
    *unix_s = now_s + (ms + 999) / 1000;
    return true;
}

static bool put_expiry(sl_session_t *session, record_t *record, const char *text)
{
    uint64_t now_s = sl_clock_wall_ms() / 1000, expires_s;

    if (text == NULL)
        return true;
    if (!read_when(text, now_s, &expires_s) || expires_s > NUMBER_MAX) {
        sl_session_complain(session,
                            "--expires: expected a date like 2027-01-01, a time from now like +30d, or Unix seconds, "
                            "not '%s'",
                            text);
        return false;
    }
    if (expires_s <= now_s) {
        sl_session_complain(session, "--expires: '%s' is not in the future", text);
        return false;
    }
    put_number(record, "expires", expires_s);
    return true;
}

static bool fill_record(sl_session_t *session, record_t *record, const sl_key_wishes_t *wishes)
{
    put_field(record, "enabled", SL_LIT("1"));
    return put_text(session, record, "owner", wishes->owner, NAME_BYTES_MAX) &&
           put_text(session, record, "name", wishes->name, NAME_BYTES_MAX) &&
           put_services(session, record, wishes->services != NULL ? wishes->services : "*") &&
           put_methods(session, record, wishes->methods) &&
           put_text(session, record, "scopes", wishes->scopes, LIST_BYTES_MAX) &&
           put_limit(session, record, wishes->limit) && put_count(session, record, "--burst", "burst", wishes->burst) &&
           put_count(session, record, "--quota-day", "quota_day", wishes->quota_day) &&
           put_count(session, record, "--quota-month", "quota_month", wishes->quota_month) &&
           put_expiry(session, record, wishes->expires);
}

/* --- writing --- */

/* WATCH makes the check and the write one step: a record that appears in between is not touched either. */
static bool write_record(sl_session_t *session, const record_t *record, h2o_iovec_t key)
{
    h2o_iovec_t words[2 + 2 * FIELDS_MAX] = {SL_LIT("HSET"), key};
    redisReply *exists, *done = NULL;

    if ((exists = sl_session_ask(session, 2, (h2o_iovec_t[]){SL_LIT("WATCH"), key})) == NULL)
        return false;
    freeReplyObject(exists);
    if ((exists = sl_session_ask(session, 2, (h2o_iovec_t[]){SL_LIT("EXISTS"), key})) == NULL)
        return false;
    bool is_free = exists->integer == 0;
    freeReplyObject(exists);
    if (is_free) {
        memcpy(words + 2, record->words, sizeof(*words) * record->count);
        sl_session_append(session, 1, (h2o_iovec_t[]){SL_LIT("MULTI")});
        sl_session_append(session, 2 + record->count, words);
        for (int i = 0; i != 2; ++i)
            freeReplyObject(sl_session_fetch(session));
        if ((done = sl_session_ask(session, 1, (h2o_iovec_t[]){SL_LIT("EXEC")})) == NULL)
            return false;
    }
    bool is_written = done != NULL && done->type == REDIS_REPLY_ARRAY;
    freeReplyObject(done);
    if (!is_written)
        sl_session_complain(session, "a record of this name exists already; nothing was written");
    return is_written;
}

static void print_key(const char *secret, const sl_digest_t *digest, const sl_key_wishes_t *wishes, bool as_json)
{
    sl_text_t text = {0};

    if (as_json) {
        sl_text_format(&text, "{\"key\":\"%s\",\"id\":\"%.*s\",\"digest\":\"%.*s\",\"owner\":", secret,
                       SL_KEY_ID_DIGITS, digest->hex, SL_DIGEST_HEX, digest->hex);
        sl_text_json(&text, sl_bytes_of(wishes->owner));
        sl_text_put(&text, "}\n");
    } else {
        sl_text_format(&text, "key  %s\nid   %.*s\n\nThe key is shown this once: Redis holds only its digest.\n",
                       secret, SL_KEY_ID_DIGITS, digest->hex);
    }
    fwrite(text.base, 1, text.size, stdout);
    sl_text_dispose(&text);
}

bool sl_key_create(sl_session_t *session, const sl_key_wishes_t *wishes, bool as_json)
{
    char secret[3 + 2 * SECRET_BYTES + 1] = "sk-";
    record_t record = {.count = 0};
    sl_digest_t digest;
    sl_text_t key = {0};

    sl_random_hex(secret + 3, SECRET_BYTES);
    secret[sizeof(secret) - 1] = '\0';
    sl_digest_key(session->config->keys.pepper, sl_bytes_of(secret), digest.hex);
    sl_key_name(session, &digest, &key);
    bool is_written =
        fill_record(session, &record, wishes) && write_record(session, &record, sl_bytes(key.base, key.size));
    if (is_written)
        print_key(secret, &digest, wishes, as_json);
    sl_text_dispose(&key);
    sl_text_dispose(&record.methods);
    return is_written;
}
