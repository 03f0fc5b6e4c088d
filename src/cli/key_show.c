/* key_show: records as people and programs read them. Redis holds what anybody wrote, so nothing is taken for
 * well-formed. */
#include "key.h"
#include "sluice/clock.h"
#include "table.h"

#define BATCH 200
#define CELL_BYTES 60

/* The fields of a list, in its order; those behind SHOWN_COUNT only tell whether the record is broken. */
static const char *const fields[] = {"enabled", "owner",   "name",   "services", "limit",     "window",
                                     "expires", "methods", "scopes", "burst",    "quota_day", "quota_month"};
enum { ENABLED, OWNER, NAME, SERVICES, LIMIT, WINDOW, EXPIRES, SHOWN_COUNT, FIELD_COUNT = 12 };
_Static_assert(sizeof(fields) / sizeof(fields[0]) == FIELD_COUNT, "a name for each");

static h2o_iovec_t text_of(const redisReply *value)
{
    return value != NULL && value->type == REDIS_REPLY_STRING ? sl_bytes(value->str, value->len) : sl_bytes(NULL, 0);
}

/* What admission would say, as far as the record alone decides it and in its order: an operator's `enabled 0` and an
 * expiry come before complaints of other fields. */
static const char *status_of(h2o_iovec_t enabled, h2o_iovec_t expires, bool has_fault)
{
    uint64_t expires_s;

    if (enabled.base == NULL || sl_bytes_equal(enabled, SL_LIT("0")))
        return "disabled";
    if (sl_key_fault(SL_LIT("enabled"), enabled) != NULL)
        return "broken";
    if (expires.base != NULL && sl_key_fault(SL_LIT("expires"), expires) != NULL)
        return "broken";
    if (sl_parse_count(expires, &expires_s) && expires_s <= sl_clock_wall_ms() / 1000)
        return "expired";
    return has_fault ? "broken" : "active";
}

/* Numbers as numbers, everything else as text. */
static void put_value(sl_text_t *out, h2o_iovec_t value)
{
    uint64_t number;

    if (value.base == NULL)
        sl_text_put(out, "null");
    else if (value.len <= 15 && sl_parse_count(value, &number))
        sl_text_number(out, number);
    else
        sl_text_json(out, value);
}

static void put_identity(sl_text_t *out, const sl_digest_t *digest, const char *status)
{
    sl_text_format(out, "{\"id\":\"%.*s\",\"digest\":\"%.*s\",\"status\":\"%s\"", SL_KEY_ID_DIGITS, digest->hex,
                   SL_DIGEST_HEX, digest->hex, status);
}

/* --- list --- */

static void put_json_row(sl_text_t *json, const sl_digest_t *digest, const redisReply *record, const char *status)
{
    put_identity(json, digest, status);
    for (size_t i = 0; i != SHOWN_COUNT; ++i) {
        sl_text_format(json, ",\"%s\":", fields[i]);
        put_value(json, record->type == REDIS_REPLY_ARRAY ? text_of(record->element[i]) : sl_bytes(NULL, 0));
    }
    sl_text_put(json, "}");
}

static void put_text_cell(sl_table_t *table, h2o_iovec_t text)
{
    size_t len = text.len < CELL_BYTES ? text.len : CELL_BYTES;

    while (len != text.len && len > 0 && ((unsigned char)text.base[len] & 0xc0) == 0x80)
        --len; /* inside a character */
    sl_table_cell(table, "%.*s", (int)len, text.base != NULL ? text.base : "");
}

static void put_table_row(sl_table_t *table, const sl_digest_t *digest, const redisReply *record, const char *status)
{
    uint64_t expires_s;

    sl_table_row(table);
    sl_table_cell(table, "%.*s", SL_KEY_ID_DIGITS, digest->hex);
    sl_table_cell(table, "%s", status);
    if (record->type != REDIS_REPLY_ARRAY)
        return;
    h2o_iovec_t limit = text_of(record->element[LIMIT]), window = text_of(record->element[WINDOW]);
    put_text_cell(table, text_of(record->element[OWNER]));
    put_text_cell(table, text_of(record->element[NAME]));
    put_text_cell(table, text_of(record->element[SERVICES]));
    if (limit.base == NULL)
        sl_table_cell(table, "default");
    else if (window.base == NULL)
        put_text_cell(table, limit);
    else
        sl_table_cell(table, "%.20s/%.20ss", limit.base, window.base);
    if (sl_parse_count(text_of(record->element[EXPIRES]), &expires_s))
        sl_table_time(table, expires_s);
    else
        put_text_cell(table, text_of(record->element[EXPIRES]));
}

static void ask_for_fields(sl_session_t *session, const sl_digest_t *digest)
{
    h2o_iovec_t words[2 + FIELD_COUNT] = {SL_LIT("HMGET")};
    sl_text_t key = {0};

    sl_key_name(session, digest, &key);
    words[1] = sl_bytes(key.base, key.size);
    for (size_t i = 0; i != FIELD_COUNT; ++i)
        words[2 + i] = sl_bytes_of(fields[i]);
    sl_session_append(session, 2 + FIELD_COUNT, words);
    sl_text_dispose(&key);
}

static const char *status_of_row(const redisReply *record)
{
    bool has_fault = false;

    if (record->type != REDIS_REPLY_ARRAY || record->elements != FIELD_COUNT) /* it is no hash */
        return "broken";
    for (size_t i = 0; i != FIELD_COUNT; ++i) {
        h2o_iovec_t value = text_of(record->element[i]);
        has_fault |= value.base != NULL && sl_key_fault(sl_bytes_of(fields[i]), value) != NULL;
    }
    return status_of(text_of(record->element[ENABLED]), text_of(record->element[EXPIRES]), has_fault);
}

static bool list_batch(sl_session_t *session, const sl_digest_t *digests, size_t count, sl_table_t *table,
                       sl_text_t *json)
{
    for (size_t i = 0; i != count; ++i)
        ask_for_fields(session, digests + i);
    for (size_t i = 0; i != count; ++i) {
        redisReply *record = sl_session_fetch(session);
        if (record == NULL)
            return false;
        const char *status = status_of_row(record);
        sl_text_put(json, json->size != 1 ? "," : "");
        put_json_row(json, digests + i, record, status);
        put_table_row(table, digests + i, record, status);
        freeReplyObject(record);
    }
    return true;
}

bool sl_key_list(sl_session_t *session, bool as_json)
{
    static const char *const heads[] = {"ID", "STATUS", "OWNER", "NAME", "SERVICES", "LIMIT", "EXPIRES"};
    sl_table_t table = {.heads = heads, .columns = sizeof(heads) / sizeof(heads[0])};
    sl_digests_t found = {0};
    sl_text_t json = {0};

    sl_text_put(&json, "[");
    bool is_good = sl_key_scan(session, sl_bytes("", 0), &found);
    for (size_t at = 0; is_good && at < found.count; at += BATCH)
        is_good =
            list_batch(session, found.list + at, found.count - at < BATCH ? found.count - at : BATCH, &table, &json);
    sl_text_put(&json, "]\n");
    if (is_good && as_json)
        fwrite(json.base, 1, json.size, stdout);
    else if (is_good)
        sl_table_print(&table, stdout);
    sl_text_dispose(&json);
    sl_table_dispose(&table);
    free(found.list);
    return is_good;
}

/* --- show --- */

static h2o_iovec_t field_of(const redisReply *record, const char *name)
{
    for (size_t i = 0; i + 1 < record->elements; i += 2)
        if (sl_bytes_equal(text_of(record->element[i]), sl_bytes_of(name)))
            return text_of(record->element[i + 1]);
    return sl_bytes(NULL, 0);
}

/* What is done with each field that the nodes cannot understand. */
typedef void (*on_fault_t)(sl_text_t *out, h2o_iovec_t field, const char *takes);

static bool each_fault(const redisReply *record, on_fault_t on_fault, sl_text_t *out)
{
    bool has_some = false;

    for (size_t i = 0; i + 1 < record->elements; i += 2) {
        h2o_iovec_t field = text_of(record->element[i]);
        const char *takes = sl_key_fault(field, text_of(record->element[i + 1]));
        has_some |= takes != NULL;
        if (takes != NULL && on_fault != NULL)
            on_fault(out, field, takes);
    }
    return has_some;
}

static void put_fault_member(sl_text_t *out, h2o_iovec_t field, const char *takes)
{
    sl_text_put(out, out->size != 0 ? "," : "");
    sl_text_json(out, field);
    sl_text_put(out, ":");
    sl_text_json(out, sl_bytes_of(takes));
}

static void put_fault_line(sl_text_t *out, h2o_iovec_t field, const char *takes)
{
    sl_text_put(out, "broken: ");
    for (size_t i = 0; i != field.len; ++i) /* nothing of it may steer the terminal */
        sl_text_append(out, (unsigned char)field.base[i] < ' ' || field.base[i] == 127 ? "?" : field.base + i, 1);
    sl_text_format(out, " takes %s\n", takes);
}

static void print_json(const sl_digest_t *digest, const redisReply *record, const char *status)
{
    sl_text_t json = {0}, faults = {0};

    put_identity(&json, digest, status);
    sl_text_put(&json, ",\"record\":{");
    for (size_t i = 0; i + 1 < record->elements; i += 2) {
        sl_text_put(&json, i != 0 ? "," : "");
        sl_text_json(&json, text_of(record->element[i]));
        sl_text_put(&json, ":");
        put_value(&json, text_of(record->element[i + 1]));
    }
    sl_text_put(&json, "},\"broken\":{");
    if (each_fault(record, put_fault_member, &faults))
        sl_text_append(&json, faults.base, faults.size);
    sl_text_put(&json, "}}");
    fwrite(json.base, 1, json.size, stdout);
    sl_text_dispose(&faults);
    sl_text_dispose(&json);
}

static void print_text(const sl_digest_t *digest, const redisReply *record, const char *status)
{
    static const char *const heads[] = {"FIELD", "VALUE"};
    sl_table_t table = {.heads = heads, .columns = 2};

    sl_table_row(&table);
    sl_table_cell(&table, "id");
    sl_table_cell(&table, "%.*s", SL_KEY_ID_DIGITS, digest->hex);
    sl_table_row(&table);
    sl_table_cell(&table, "digest");
    sl_table_cell(&table, "%.*s", SL_DIGEST_HEX, digest->hex);
    sl_table_row(&table);
    sl_table_cell(&table, "status");
    sl_table_cell(&table, "%s", status);
    for (size_t i = 0; i + 1 < record->elements; i += 2) {
        sl_table_row(&table);
        sl_table_cell(&table, "%s", record->element[i]->str);
        sl_table_cell(&table, "%s", record->element[i + 1]->str);
    }
    sl_table_print(&table, stdout);
    sl_table_dispose(&table);
}

/* The record is the operator's, so it is mended where it was written: in Redis. */
static void print_faults(const sl_session_t *session, const sl_digest_t *digest, const redisReply *record)
{
    sl_text_t lines = {0}, key = {0};

    if (each_fault(record, put_fault_line, &lines)) {
        sl_key_name(session, digest, &key);
        printf("\n%smend it in Redis: HSET %s FIELD VALUE, or HDEL %s FIELD\n", lines.base, key.base, key.base);
    }
    sl_text_dispose(&lines);
    sl_text_dispose(&key);
}

bool sl_key_show(sl_session_t *session, const sl_digest_t *digest, bool as_json)
{
    sl_text_t key = {0};

    sl_key_name(session, digest, &key);
    redisReply *record = sl_session_ask(session, 2, (h2o_iovec_t[]){SL_LIT("HGETALL"), sl_bytes(key.base, key.size)});
    sl_text_dispose(&key);
    if (record == NULL)
        return false;
    bool has_fault = each_fault(record, NULL, NULL);
    const char *status = status_of(field_of(record, "enabled"), field_of(record, "expires"), has_fault);
    (as_json ? print_json : print_text)(digest, record, status);
    if (!as_json)
        print_faults(session, digest, record);
    freeReplyObject(record);
    return true;
}
