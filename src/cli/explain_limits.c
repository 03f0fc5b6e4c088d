/*
 * explain_limits: the key, what Redis says of it and of its limits, and the breakers of the services.
 *
 * lua/peek.lua is admission without its writes: it answers as if the request came now, and takes nothing.
 */
#include "explain.h"
#include "sluice/answer.h"
#include "sluice/scripts.h"
#include <stdio.h>

#define KEY_ID_DIGITS 8 /* of the digest: how a key is called in logs and lists */

/* --- breakers --- */

static unsigned long long number_at(const redisReply *reply, size_t index)
{
    const redisReply *element = reply->element[index];
    return element->type == REDIS_REPLY_INTEGER && element->integer > 0 ? (unsigned long long)element->integer : 0;
}

static redisReply *read_breaker(sl_explain_t *explain, const sl_service_t *service)
{
    sl_text_t key = {0};

    sl_session_key(&explain->session, "breaker", sl_bytes_of(service->name), &key);
    h2o_iovec_t words[] = {SL_LIT("EVAL"), sl_bytes_of(sl_scripts[SL_SCRIPT_BREAKER_READ].text), SL_LIT("1"),
                           sl_bytes(key.base, key.size)};
    redisReply *reply = sl_session_ask(&explain->session, 4, words);
    sl_text_dispose(&key);
    return reply;
}

/* An open breaker refuses unless the route has something else; of a call, that call alone. */
static void judge(sl_explain_t *explain, const char *state, unsigned long long wait_us)
{
    const sl_route_t *route = explain->exchange->route;
    bool is_open = strcmp(state, "open") == 0 && wait_us != 0;

    if (is_open && route->aggregate == NULL && route->fallback.kind == SL_FALLBACK_NONE)
        sl_explain_refuse(explain, 503, "the breaker of the service is open");
}

static void tell_breaker(sl_explain_t *explain, const sl_service_t *service)
{
    sl_outline_t *outline = &explain->outline;
    redisReply *reply = service->has_breaker && explain->session.redis != NULL ? read_breaker(explain, service) : NULL;

    sl_outline_map(outline, NULL);
    sl_outline_text(outline, "service", sl_bytes_of(service->name));
    if (!service->has_breaker) {
        sl_outline_text(outline, "state", SL_LIT("none"));
    } else if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements < 5) {
        sl_outline_text(outline, "state", SL_LIT("unknown"));
    } else {
        unsigned long long wait_us = number_at(reply, 3);
        sl_outline_text(outline, "state", sl_bytes(reply->element[0]->str, reply->element[0]->len));
        sl_outline_number(outline, "failures", number_at(reply, 2));
        if (wait_us != 0)
            sl_outline_number(outline, "probe_in_s", (wait_us + 999999) / 1000000);
        if (reply->element[4]->len != 0)
            sl_outline_text(outline, "forced", sl_bytes(reply->element[4]->str, reply->element[4]->len));
        judge(explain, reply->element[0]->str, wait_us);
    }
    sl_outline_close(outline);
    freeReplyObject(reply);
}

static bool is_first_use(const sl_explain_t *explain, size_t call)
{
    const sl_aggregate_t *aggregate = explain->exchange->route->aggregate;

    if (!sl_preview_makes(explain->exchange, call))
        return false;
    for (size_t i = 0; i != call; ++i)
        if (sl_preview_makes(explain->exchange, i) && aggregate->calls[i].service == aggregate->calls[call].service)
            return false;
    return true;
}

static void tell_breakers(sl_explain_t *explain)
{
    const sl_route_t *route = explain->exchange->route;

    sl_outline_list(&explain->outline, "breakers");
    if (route->aggregate == NULL)
        tell_breaker(explain, explain->exchange->service);
    for (size_t i = 0; route->aggregate != NULL && i != route->aggregate->call_count; ++i)
        if (is_first_use(explain, i))
            tell_breaker(explain, route->aggregate->calls[i].service);
    sl_outline_close(&explain->outline);
}

/* --- admission --- */

static redisReply *peek(sl_explain_t *explain)
{
    const sl_exchange_t *exchange = explain->exchange;
    const sl_key_settings_t *keys = &explain->session.config->keys;
    h2o_iovec_t digest = sl_bytes(exchange->caller.digest, SL_DIGEST_HEX);
    sl_text_t record = {0}, bucket = {0};
    char units[24], limit[24], window[24], burst[24];

    sl_session_key(&explain->session, "key", digest, &record);
    sl_session_key(&explain->session, "bucket", digest, &bucket);
    snprintf(units, sizeof(units), "%llu", (unsigned long long)sl_preview_units(exchange));
    snprintf(limit, sizeof(limit), "%llu", (unsigned long long)keys->limit.limit);
    snprintf(window, sizeof(window), "%llu", (unsigned long long)keys->limit.window_s);
    snprintf(burst, sizeof(burst), "%llu", (unsigned long long)keys->burst);
    h2o_iovec_t words[] = {SL_LIT("EVAL"),
                           sl_bytes_of(sl_scripts[SL_SCRIPT_PEEK].text),
                           SL_LIT("2"),
                           sl_bytes(record.base, record.size),
                           sl_bytes(bucket.base, bucket.size),
                           sl_preview_services(explain->exchange),
                           exchange->req->method,
                           exchange->route->scopes.len != 0 ? exchange->route->scopes : SL_LIT(""),
                           sl_bytes_of(units),
                           sl_bytes_of(units),
                           sl_bytes_of(limit),
                           sl_bytes_of(window),
                           sl_bytes_of(burst),
                           exchange->route->shadow || keys->shadow ? SL_LIT("shadow") : SL_LIT("enforce")};
    redisReply *reply = sl_session_ask(&explain->session, sizeof(words) / sizeof(words[0]), words);
    sl_text_dispose(&record);
    sl_text_dispose(&bucket);
    return reply;
}

static void tell_limit(sl_explain_t *explain, const sl_limit_state_t *limit)
{
    sl_outline_t *outline = &explain->outline;

    sl_outline_map(outline, NULL);
    sl_outline_text(outline, "name", sl_bytes_of(sl_limit_name(limit->kind)));
    sl_outline_format(outline, "rate", "%llu/%llus", (unsigned long long)limit->quota,
                      (unsigned long long)limit->window_s);
    sl_outline_number(outline, "left_after_it", limit->remaining);
    if (limit->is_violated)
        sl_outline_flag(outline, "violated", true);
    if (limit->more_us != 0)
        sl_outline_number(outline, "more_in_s", sl_retry_after_s(limit->more_us));
    sl_outline_close(outline);
}

/* The row of include/sluice/answer.h that a verdict becomes; ADMITTED has none. */
static int answer_of(sl_admission_verdict_t verdict)
{
    static const sl_answer_id_t answers[SL_VERDICT_COUNT] = {
        [SL_VERDICT_UNKNOWN] = SL_ANSWER_UNKNOWN_KEY,    [SL_VERDICT_DISABLED] = SL_ANSWER_DISABLED_KEY,
        [SL_VERDICT_EXPIRED] = SL_ANSWER_EXPIRED_KEY,    [SL_VERDICT_SERVICE] = SL_ANSWER_NO_SERVICE_RIGHT,
        [SL_VERDICT_METHOD] = SL_ANSWER_NO_METHOD_RIGHT, [SL_VERDICT_SCOPE] = SL_ANSWER_NO_SCOPE,
        [SL_VERDICT_LIMITED] = SL_ANSWER_LIMITED,        [SL_VERDICT_BREAKER] = SL_ANSWER_BREAKER_OPEN,
        [SL_VERDICT_BROKEN] = SL_ANSWER_BROKEN_RECORD};
    return sl_answer_status(answers[verdict]);
}

static const char *words_of(sl_admission_verdict_t verdict)
{
    static const char *const words[SL_VERDICT_COUNT] = {[SL_VERDICT_ADMITTED] = "admitted",
                                                        [SL_VERDICT_UNKNOWN] = "the key is not known",
                                                        [SL_VERDICT_DISABLED] = "the key is disabled",
                                                        [SL_VERDICT_EXPIRED] = "the key has expired",
                                                        [SL_VERDICT_SERVICE] = "the key has no right to the service",
                                                        [SL_VERDICT_METHOD] = "the key has no right to the method",
                                                        [SL_VERDICT_SCOPE] = "the key lacks a scope",
                                                        [SL_VERDICT_LIMITED] = "a limit is spent",
                                                        [SL_VERDICT_BREAKER] = "the breaker refuses",
                                                        [SL_VERDICT_BROKEN] = "the record of the key is broken"};
    return words[verdict];
}

static void tell_admission(sl_explain_t *explain, const sl_admission_t *admission)
{
    sl_exchange_t *exchange = explain->exchange;
    sl_outline_t *outline = &explain->outline;
    bool is_broken = admission->verdict == SL_VERDICT_BROKEN;

    sl_outline_text(outline, "verdict", sl_bytes_of(words_of(admission->verdict)));
    if (admission->is_shadow_refused)
        sl_outline_text(outline, "shadow", SL_LIT("a limit is spent; in this mode that is only counted"));
    if (admission->owner.len != 0)
        sl_outline_text(outline, is_broken ? "field" : "owner", admission->owner);
    if (admission->name.len != 0)
        sl_outline_text(outline, "name", admission->name);
    if (!is_broken) {
        exchange->caller.owner = sl_exchange_copy(exchange, admission->owner);
        exchange->caller.name = sl_exchange_copy(exchange, admission->name);
    }
    if (admission->wait_us != 0)
        sl_outline_number(outline, "retry_after_s", sl_retry_after_s(admission->wait_us));
    sl_outline_number(outline, "units", sl_preview_units(exchange));
    sl_outline_list(outline, "limits");
    for (size_t i = 0; i != admission->limit_count; ++i)
        tell_limit(explain, &admission->limits[i]);
    sl_outline_close(outline);
    if (admission->verdict != SL_VERDICT_ADMITTED)
        sl_explain_refuse(explain, answer_of(admission->verdict), words_of(admission->verdict));
}

static void ask_redis(sl_explain_t *explain)
{
    sl_admission_t admission;
    redisReply *reply = explain->session.redis != NULL ? peek(explain) : NULL;

    if (reply != NULL && reply->type == REDIS_REPLY_STRING &&
        sl_admission_read(sl_bytes(reply->str, reply->len), &admission))
        tell_admission(explain, &admission);
    else {
        sl_outline_text(&explain->outline, "verdict", SL_LIT("unknown without Redis"));
        explain->is_unsure = true;
    }
    freeReplyObject(reply);
}

static void tell_key(sl_explain_t *explain)
{
    sl_outline_t *outline = &explain->outline;
    sl_key_finding_t finding = sl_preview_key(explain->exchange);

    if (finding == SL_KEY_NONE) {
        sl_outline_text(outline, "verdict", SL_LIT("no key"));
        sl_explain_refuse(explain, 401, "the route needs a key, and the request has none");
        return;
    }
    if (finding == SL_KEY_AMBIGUOUS) {
        sl_outline_text(outline, "verdict", SL_LIT("two different keys"));
        sl_explain_refuse(explain, 401, "the request has two different keys");
        return;
    }
    sl_outline_text(outline, "id", sl_bytes(explain->exchange->caller.digest, KEY_ID_DIGITS));
    ask_redis(explain);
}

void sl_explain_limits(sl_explain_t *explain)
{
    const sl_route_t *route = explain->exchange->route;
    sl_outline_t *outline = &explain->outline;

    if (route->is_health)
        return;
    sl_outline_map(outline, "key");
    sl_outline_flag(outline, "needed", route->needs_key);
    if (route->needs_key)
        tell_key(explain);
    sl_outline_close(outline);
    tell_breakers(explain);
}
