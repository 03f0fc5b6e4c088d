/*
 * breaker: the circuit breakers as Redis has them, and the operator's hand on them. Nodes hear of a change by push,
 * like of any other.
 *
 * Each question is one script (lua/breaker_read.lua, lua/breaker_force.lua) sent with its text: a command that runs
 * once gains nothing from names.
 */
#include "command.h"
#include "options.h"
#include "redis_session.h"
#include "sluice/clock.h"
#include "sluice/scripts.h"
#include "table.h"
#include <stdio.h>

typedef struct breaker_facts_t {
    char state[16];
    unsigned long long generation, failures, wait_us, changed_us;
    bool is_forced;
} breaker_facts_t;

static redisReply *run_script(sl_session_t *session, sl_script_id_t script, const char *service, const char *argument)
{
    sl_text_t key = {0};

    sl_session_key(session, "breaker", sl_bytes_of(service), &key);
    h2o_iovec_t words[] = {SL_LIT("EVAL"), sl_bytes_of(sl_scripts[script].text), SL_LIT("1"),
                           sl_bytes(key.base, key.size), sl_bytes_of(argument != NULL ? argument : "")};
    redisReply *reply = sl_session_ask(session, argument != NULL ? 5 : 4, words);
    sl_text_dispose(&key);
    return reply;
}

static unsigned long long number_at(const redisReply *reply, size_t index)
{
    return index < reply->elements && reply->element[index]->type == REDIS_REPLY_INTEGER &&
                   reply->element[index]->integer > 0
               ? (unsigned long long)reply->element[index]->integer
               : 0;
}

static bool read_facts(sl_session_t *session, const char *service, breaker_facts_t *facts)
{
    redisReply *reply = run_script(session, SL_SCRIPT_BREAKER_READ, service, NULL);

    if (reply == NULL)
        return false;
    bool is_good = reply->type == REDIS_REPLY_ARRAY && reply->elements >= 6 &&
                   reply->element[0]->type == REDIS_REPLY_STRING && reply->element[4]->type == REDIS_REPLY_STRING;
    if (is_good) {
        snprintf(facts->state, sizeof(facts->state), "%s", reply->element[0]->str);
        facts->generation = number_at(reply, 1);
        facts->failures = number_at(reply, 2);
        facts->wait_us = number_at(reply, 3);
        facts->is_forced = reply->element[4]->len != 0;
        facts->changed_us = number_at(reply, 5);
    } else {
        sl_session_complain(session, "Redis' answer about '%s' cannot be read", service);
    }
    freeReplyObject(reply);
    return is_good;
}

/* --- showing --- */

static void put_json(sl_text_t *out, const sl_service_t *service, const breaker_facts_t *facts)
{
    sl_text_put(out, "{\"service\":");
    sl_text_json(out, sl_bytes_of(service->name));
    if (!service->has_breaker) {
        sl_text_put(out, ",\"state\":null}");
        return;
    }
    sl_text_format(out,
                   ",\"state\":\"%s\",\"forced\":%s,\"failures\":%llu,\"retry_after_ms\":%llu,\"generation\":%llu,"
                   "\"changed_ms\":%llu}",
                   facts->state, facts->is_forced ? "true" : "false", facts->failures, (facts->wait_us + 999) / 1000,
                   facts->generation, facts->changed_us / 1000);
}

static void put_row(sl_table_t *table, const sl_service_t *service, const breaker_facts_t *facts)
{
    sl_table_cell(table, "%s", service->name);
    if (!service->has_breaker) {
        sl_table_cell(table, "none");
        return;
    }
    sl_table_cell(table, "%s", facts->state);
    sl_table_cell(table, "%s", facts->is_forced ? "operator" : "automatic");
    sl_table_cell(table, "%llu", facts->failures);
    if (facts->wait_us != 0)
        sl_table_cell(table, "%.1f s", (double)facts->wait_us / 1e6);
    else
        sl_table_cell(table, "-");
    sl_table_time(table, facts->changed_us / 1000000);
}

static bool show(sl_session_t *session, const sl_service_t *services, size_t count, bool is_list, bool as_json)
{
    static const char *const heads[] = {"SERVICE", "STATE", "RULED BY", "FAILURES", "PROBE IN", "CHANGED"};
    sl_table_t table = {.heads = heads, .columns = sizeof(heads) / sizeof(heads[0])};
    sl_text_t json = {0};
    bool is_good = true;

    sl_text_put(&json, is_list ? "[" : "");
    for (size_t i = 0; i != count && is_good; ++i) {
        breaker_facts_t facts = {{0}, 0, 0, 0, 0, false};
        if (services[i].has_breaker && !(is_good = read_facts(session, services[i].name, &facts)))
            break;
        sl_text_put(&json, i != 0 ? "," : "");
        put_json(&json, services + i, &facts);
        sl_table_row(&table);
        put_row(&table, services + i, &facts);
    }
    sl_text_put(&json, is_list ? "]\n" : "\n");
    if (is_good && as_json)
        fwrite(json.base, 1, json.size, stdout);
    else if (is_good)
        sl_table_print(&table, stdout);
    sl_text_dispose(&json);
    sl_table_dispose(&table);
    return is_good;
}

/* --- forcing --- */

static const sl_service_t *find_service(sl_session_t *session, const char *name)
{
    const sl_config_t *config = session->config;
    const char **names = h2o_mem_alloc(sizeof(*names) * (config->service_count + 1));
    const sl_service_t *found = NULL;

    for (size_t i = 0; i != config->service_count; ++i) {
        names[i] = config->services[i].name;
        if (strcmp(names[i], name) == 0)
            found = config->services + i;
    }
    if (found == NULL) {
        const char *nearest = sl_nearest_name(sl_bytes_of(name), names, config->service_count);
        sl_session_complain(session, "the configuration has no service '%s'%s%s%s", name,
                            nearest != NULL ? " (did you mean '" : "", nearest != NULL ? nearest : "",
                            nearest != NULL ? "'?)" : "");
    } else if (!found->has_breaker) {
        sl_session_complain(session, "service '%s' has no breaker", name);
        found = NULL;
    }
    free(names);
    return found;
}

static bool force(sl_session_t *session, const char *name, const char *wish, bool as_json)
{
    const sl_service_t *service = find_service(session, name);
    redisReply *reply = service != NULL ? run_script(session, SL_SCRIPT_BREAKER_FORCE, name, wish) : NULL;

    if (reply == NULL)
        return false;
    freeReplyObject(reply);
    return show(session, service, 1, false, as_json);
}

/* --- the command --- */

typedef struct options_t {
    const char *config_path;
    bool as_json;
} options_t;

static const sl_option_t options[] = {SL_OPTION_CONFIG(options_t, config_path), SL_OPTION_JSON(options_t, as_json)};

enum { LIST, OPEN, CLOSE, AUTO };

static const sl_verb_t verbs[] = {
    [LIST] = {"list", "", "each service of the configuration and its breaker's state in the cluster", 0, 0},
    [OPEN] = {"open", "SERVICE", "refuses its requests until further notice", 1, 1},
    [CLOSE] = {"close", "SERVICE", "lets all its requests pass until further notice, whatever fails", 1, 1},
    [AUTO] = {"auto", "SERVICE", "hands it back to the automatic rules, beginning closed", 1, 1}};

static const sl_form_t form = {.command = "breaker", SL_FORM_VERBS(verbs), SL_FORM_OPTIONS(options)};

/* For the script. */
static const char *const wishes[] = {[OPEN] = "open", [CLOSE] = "closed", [AUTO] = "auto"};

int sl_cli_breaker(int argc, char **argv)
{
    static const char *const commands[] = {"breaker list", "breaker open", "breaker close", "breaker auto"};
    options_t wanted = {.as_json = false};
    sl_session_t session;
    sl_typed_t typed;
    int status;

    if (!sl_options_read(&form, argc, argv, &wanted, &typed, &status))
        return status;
    if (!sl_session_open(&session, commands[typed.verb], wanted.config_path))
        return 1;
    bool is_good = typed.verb == LIST
                       ? show(&session, session.config->services, session.config->service_count, true, wanted.as_json)
                       : force(&session, typed.words[0], wishes[typed.verb], wanted.as_json);
    sl_session_close(&session);
    return is_good ? 0 : 1;
}
