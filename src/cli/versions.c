/*
 * versions: who still calls which version of a route, as all nodes have told Redis: the list of those to write to
 * before a version ends.
 */
#include "command.h"
#include "key.h"
#include "options.h"
#include "table.h"
#include <stdio.h>

#define SHOWN_MAX 100 /* keys of one version, those seen last first */

typedef struct output_t {
    sl_session_t *session;
    sl_table_t table;
    sl_text_t json;
    const char *separator;
} output_t;

static redisReply *ask(sl_session_t *session, const char *command, const char *kind, h2o_iovec_t label,
                       const h2o_iovec_t *more, size_t count)
{
    sl_text_t key = {0};
    h2o_iovec_t words[8] = {sl_bytes_of(command)};

    sl_session_key(session, kind, label, &key);
    words[1] = sl_bytes(key.base, key.size);
    for (size_t i = 0; i != count; ++i)
        words[2 + i] = more[i];
    redisReply *reply = sl_session_ask(session, 2 + count, words);
    sl_text_dispose(&key);
    return reply;
}

static unsigned long long number_of(const redisReply *reply)
{
    if (reply == NULL)
        return 0;
    return reply->type == REDIS_REPLY_INTEGER ? (unsigned long long)reply->integer
           : reply->str != NULL               ? strtoull(reply->str, NULL, 10)
                                              : 0;
}

static redisReply *element(const redisReply *reply, size_t index)
{
    return reply->type == REDIS_REPLY_ARRAY && index < reply->elements ? reply->element[index] : NULL;
}

/* --- one key --- */

/* The owner in the key's record; NULL: the record is gone. */
static redisReply *owner_of(sl_session_t *session, h2o_iovec_t digest)
{
    h2o_iovec_t field = SL_LIT("owner");

    return ask(session, "HGET", "key", digest, &field, 1);
}

static bool put_caller(output_t *out, h2o_iovec_t label, size_t index, h2o_iovec_t digest, unsigned long long last_s)
{
    redisReply *calls = ask(out->session, "HGET", "version_calls", label, &digest, 1);
    redisReply *owner = calls != NULL ? owner_of(out->session, digest) : NULL;
    bool is_good = owner != NULL && digest.len >= SL_KEY_ID_DIGITS;

    if (is_good) {
        h2o_iovec_t name = owner->str != NULL ? sl_bytes(owner->str, owner->len) : SL_LIT("");
        sl_text_put(&out->json, index != 0 ? ",{\"id\":" : "{\"id\":");
        sl_text_json(&out->json, sl_bytes(digest.base, SL_KEY_ID_DIGITS));
        sl_text_put(&out->json, ",\"owner\":");
        sl_text_json(&out->json, name);
        sl_text_format(&out->json, ",\"requests\":%llu,\"last_s\":%llu}", number_of(calls), last_s);
        sl_table_row(&out->table);
        sl_table_cell(&out->table, "%s", "");
        sl_table_cell(&out->table, "%s", "");
        sl_table_cell(&out->table, "%llu", number_of(calls));
        sl_table_cell(&out->table, "%.*s", SL_KEY_ID_DIGITS, digest.base);
        sl_table_time(&out->table, last_s);
        sl_table_cell(&out->table, "%.*s", (int)name.len, name.base != NULL ? name.base : "");
    }
    freeReplyObject(calls);
    freeReplyObject(owner);
    return is_good;
}

static bool put_callers(output_t *out, h2o_iovec_t label)
{
    char last[16];
    snprintf(last, sizeof(last), "%d", SHOWN_MAX - 1);
    const h2o_iovec_t range[] = {SL_LIT("0"), sl_bytes_of(last), SL_LIT("WITHSCORES")};
    redisReply *seen = ask(out->session, "ZREVRANGE", "version_seen", label, range, 3);
    bool is_good = seen != NULL && seen->type == REDIS_REPLY_ARRAY;

    for (size_t i = 0; is_good && i + 1 < seen->elements; i += 2)
        is_good = put_caller(out, label, i, sl_bytes(seen->element[i]->str, seen->element[i]->len),
                             number_of(seen->element[i + 1]));
    freeReplyObject(seen);
    return is_good;
}

/* --- one version --- */

static void put_totals(output_t *out, const sl_route_t *route, const sl_version_t *version, const redisReply *totals,
                       const redisReply *keys)
{
    unsigned long long requests = number_of(element(totals, 0)), last_s = number_of(element(totals, 1));

    sl_text_put(&out->json, out->separator);
    out->separator = ",";
    sl_text_put(&out->json, "{\"route\":");
    sl_text_json(&out->json, sl_bytes_of(route->name));
    sl_text_put(&out->json, ",\"version\":");
    sl_text_json(&out->json, sl_bytes_of(version->name));
    sl_text_format(&out->json, ",\"requests\":%llu,\"keys\":%llu,\"last_s\":%llu,\"callers\":[", requests,
                   number_of(keys), last_s);
    sl_table_row(&out->table);
    sl_table_cell(&out->table, "%s", route->name);
    sl_table_cell(&out->table, "%s", version->name);
    sl_table_cell(&out->table, "%llu", requests);
    sl_table_cell(&out->table, "%llu", number_of(keys));
    sl_table_time(&out->table, last_s);
}

static bool put_version(output_t *out, const sl_route_t *route, const sl_version_t *version)
{
    const h2o_iovec_t fields[] = {SL_LIT("requests"), SL_LIT("last_s")};
    sl_text_t text = {0};

    sl_text_format(&text, "%s/%s", route->name, version->name);
    h2o_iovec_t label = sl_bytes(text.base, text.size);
    redisReply *totals = ask(out->session, "HMGET", "version", label, fields, 2);
    redisReply *keys = totals != NULL ? ask(out->session, "PFCOUNT", "version_keys", label, NULL, 0) : NULL;
    bool is_good = keys != NULL;
    if (is_good) {
        put_totals(out, route, version, totals, keys);
        is_good = put_callers(out, label);
        sl_text_put(&out->json, "]}");
    }
    freeReplyObject(totals);
    freeReplyObject(keys);
    sl_text_dispose(&text);
    return is_good;
}

static bool show(sl_session_t *session, bool as_json)
{
    static const char *const heads[] = {"ROUTE", "VERSION", "REQUESTS", "KEYS", "LAST CALL", "OWNER"};
    output_t out = {
        .session = session, .table = {.heads = heads, .columns = sizeof(heads) / sizeof(heads[0])}, .separator = ""};
    bool is_good = true;

    sl_text_put(&out.json, "[");
    for (size_t i = 0; i != session->config->route_count; ++i) {
        const sl_versions_t *versions = session->config->routes[i].versions;
        for (size_t k = 0; is_good && versions != NULL && k != versions->count; ++k)
            is_good = put_version(&out, &session->config->routes[i], &versions->list[k]);
    }
    sl_text_put(&out.json, "]\n");
    if (is_good && as_json)
        fwrite(out.json.base, 1, out.json.size, stdout);
    else if (is_good)
        sl_table_print(&out.table, stdout);
    sl_text_dispose(&out.json);
    sl_table_dispose(&out.table);
    return is_good;
}

typedef struct options_t {
    const char *config_path;
    bool as_json;
} options_t;

static const sl_option_t options[] = {SL_OPTION_CONFIG(options_t, config_path), SL_OPTION_JSON(options_t, as_json)};

static const sl_verb_t verbs[] = {{NULL, "", NULL, 0, 0}};

static const sl_form_t form = {
    .command = "versions",
    .about = "Shows each version of each route: its requests, how many different keys made them (estimated), when it\n"
             "was last called, and the keys that called it last, at most 100 of each version.\n",
    SL_FORM_VERBS(verbs),
    SL_FORM_OPTIONS(options)};

int sl_cli_versions(int argc, char **argv)
{
    options_t wanted = {.as_json = false};
    sl_session_t session;
    sl_typed_t typed;
    int status;

    if (!sl_options_read(&form, argc, argv, &wanted, &typed, &status))
        return status;
    if (!sl_session_open(&session, "versions", wanted.config_path))
        return 1;
    bool is_good = show(&session, wanted.as_json);
    sl_session_close(&session);
    return is_good ? 0 : 1;
}
