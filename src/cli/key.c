/*
 * key: API keys from the command line. What it does is what an operator can do with redis-cli and one HSET; it only
 * spares the digest and the mistakes.
 *
 * A key is printed once, when it is made. Redis holds its digest, so nobody can print it again.
 */
#include "key.h"
#include "command.h"
#include "options.h"
#include <stdint.h>
#include <stdio.h>

/* --- disable, enable, delete --- */

typedef bool (*change_t)(sl_session_t *session, const sl_digest_t *digest);

static bool ask_and_forget(sl_session_t *session, size_t count, const h2o_iovec_t *words)
{
    redisReply *reply = sl_session_ask(session, count, words);

    if (reply == NULL)
        return false;
    freeReplyObject(reply);
    return true;
}

static bool set_enabled(sl_session_t *session, const sl_digest_t *digest, h2o_iovec_t value)
{
    sl_text_t key = {0};

    sl_key_name(session, digest, &key);
    h2o_iovec_t words[] = {SL_LIT("HSET"), sl_bytes(key.base, key.size), SL_LIT("enabled"), value};
    bool is_done = ask_and_forget(session, 4, words);
    sl_text_dispose(&key);
    return is_done;
}

static bool disable(sl_session_t *session, const sl_digest_t *digest)
{
    return set_enabled(session, digest, SL_LIT("0"));
}

static bool enable(sl_session_t *session, const sl_digest_t *digest)
{
    return set_enabled(session, digest, SL_LIT("1"));
}

static bool delete_record(sl_session_t *session, const sl_digest_t *digest)
{
    sl_text_t key = {0}, bucket = {0};

    sl_key_name(session, digest, &key);
    sl_session_key(session, "bucket", sl_bytes(digest->hex, SL_DIGEST_HEX), &bucket);
    h2o_iovec_t words[] = {SL_LIT("DEL"), sl_bytes(key.base, key.size), sl_bytes(bucket.base, bucket.size)};
    bool is_done = ask_and_forget(session, 3, words);
    sl_text_dispose(&key);
    sl_text_dispose(&bucket);
    return is_done;
}

/* --- the command --- */

typedef struct options_t {
    const char *config_path;
    bool as_json;
    sl_key_wishes_t wishes;
} options_t;

#define WISH(name, field, value, help)                                                                                 \
    {                                                                                                                  \
        name, '\0', value, help, SL_OPTION_TEXT, offsetof(options_t, wishes.field), "create"                           \
    }
static const sl_option_t options[] = {
    WISH("owner", owner, "OWNER", "told to the services as X-Consumer-Id"),
    WISH("name", name, "NAME", "told to the services as X-Consumer-Name"),
    WISH("services", services, "\"A B\"", "the services it may use; default: all (*)"),
    WISH("methods", methods, "\"GET POST\"", "default: all"),
    WISH("scopes", scopes, "\"A B\"", "default: none"),
    WISH("limit", limit, "100/60s", "requests per window; default: keys.limit of the configuration"),
    WISH("burst", burst, "N", "size of the bucket; default: the limit"),
    WISH("quota-day", quota_day, "N", "requests per UTC day; default: no quota"),
    WISH("quota-month", quota_month, "N", "requests per calendar month; default: no quota"),
    WISH("expires", expires, "WHEN", "2027-01-01 (00:00 UTC), +30d, or Unix seconds; default: never"),
    SL_OPTION_CONFIG(options_t, config_path),
    SL_OPTION_JSON(options_t, as_json)};
#undef WISH

enum { CREATE, LIST, SHOW, DISABLE, ENABLE, DELETE };

static const sl_verb_t verbs[] = {
    [CREATE] = {"create", "--owner OWNER",
                "makes a random key, writes its record, prints the key (this once) and its id", 0, 0},
    [LIST] = {"list", "", "id, owner and rights of every key", 0, 0},
    [SHOW] = {"show", "KEY...", "the whole record", 1, SIZE_MAX},
    [DISABLE] = {"disable", "KEY...", "refuses the key from now on, everywhere", 1, SIZE_MAX},
    [ENABLE] = {"enable", "KEY...", "takes that back", 1, SIZE_MAX},
    [DELETE] = {"delete", "KEY...", "forgets the key and what has been used of it", 1, SIZE_MAX}};

static const sl_form_t form = {
    .command = "key",
    SL_FORM_VERBS(verbs),
    .words = "KEY is an id as list tells it (or the beginning of one, at least 4 digits), a whole digest, or the key\n"
             "itself.\n",
    SL_FORM_OPTIONS(options)};

/* What is done to each key that was named; create, list and show have none. */
static const struct {
    const char *command;
    change_t change;
    const char *past;
} actions[] = {[CREATE] = {"key create", NULL, NULL},
               [LIST] = {"key list", NULL, NULL},
               [SHOW] = {"key show", NULL, NULL},
               [DISABLE] = {"key disable", disable, "disabled"},
               [ENABLE] = {"key enable", enable, "enabled"},
               [DELETE] = {"key delete", delete_record, "deleted"}};

/* All names are understood before anything is changed. */
static bool find_all(sl_session_t *session, char **words, size_t count, sl_digest_t *digests)
{
    bool is_good = true;

    for (size_t i = 0; i != count; ++i)
        is_good &= sl_key_find(session, words[i], digests + i);
    return is_good;
}

static bool change_each(sl_session_t *session, size_t verb, const sl_digest_t *digests, size_t count, bool as_json)
{
    if (as_json)
        fputc('[', stdout);
    for (size_t i = 0; i != count; ++i) {
        if (!actions[verb].change(session, digests + i))
            return false;
        printf(as_json ? "%s{\"id\":\"%.*s\",\"action\":\"%s\"}" : "%skey %.*s is %s\n", as_json && i != 0 ? "," : "",
               SL_KEY_ID_DIGITS, digests[i].hex, actions[verb].past);
    }
    if (as_json)
        fputs("]\n", stdout);
    return true;
}

static bool show_each(sl_session_t *session, const sl_digest_t *digests, size_t count, bool as_json)
{
    bool is_list = as_json && count != 1;

    fputs(is_list ? "[" : "", stdout);
    for (size_t i = 0; i != count; ++i) {
        if (i != 0)
            fputs(is_list ? "," : "\n", stdout);
        if (!sl_key_show(session, digests + i, as_json))
            return false;
    }
    fputs(is_list ? "]\n" : as_json ? "\n" : "", stdout);
    return true;
}

static bool act_on(sl_session_t *session, const sl_typed_t *typed, bool as_json)
{
    sl_digest_t *digests = h2o_mem_alloc(sizeof(*digests) * typed->count);
    bool is_good = find_all(session, typed->words, typed->count, digests);

    if (is_good)
        is_good = typed->verb == SHOW ? show_each(session, digests, typed->count, as_json)
                                      : change_each(session, typed->verb, digests, typed->count, as_json);
    free(digests);
    return is_good;
}

static bool run(sl_session_t *session, const sl_typed_t *typed, const options_t *wanted)
{
    switch (typed->verb) {
    case CREATE:
        return sl_key_create(session, &wanted->wishes, wanted->as_json);
    case LIST:
        return sl_key_list(session, wanted->as_json);
    default:
        return act_on(session, typed, wanted->as_json);
    }
}

int sl_cli_key(int argc, char **argv)
{
    options_t wanted = {.as_json = false};
    sl_session_t session;
    sl_typed_t typed;
    int status;

    if (!sl_options_read(&form, argc, argv, &wanted, &typed, &status))
        return status;
    if (typed.verb == CREATE && wanted.wishes.owner == NULL)
        return sl_options_misused(&form, "'create' needs --owner");
    if (!sl_session_open(&session, actions[typed.verb].command, wanted.config_path))
        return 1;
    bool is_good = run(&session, &typed, &wanted);
    sl_session_close(&session);
    return is_good ? 0 : 1;
}
