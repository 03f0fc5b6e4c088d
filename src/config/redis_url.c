/* redis_url: where Redis is. One URL says kind, place, user and database; rows of their own can say the same. No error
 * repeats a URL: it may hold a password. */
#include "endpoint.h"
#include "settings.h"
#include "sluice/escape.h"
#include <stdio.h>

enum { REDIS_PORT = 6379 };

static bool begins_with(h2o_iovec_t text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.base, prefix, len) == 0;
}

static h2o_iovec_t after(h2o_iovec_t text, size_t len)
{
    return sl_bytes(text.base + len, text.len - len);
}

/* Percent-decoding as RFC 3986 §2.1 has it ('+' is itself here); NULL on a bad escape. */
static char *decode(sl_reader_t *reader, h2o_iovec_t text)
{
    char *out = h2o_mem_alloc_pool(reader->pool, text.len + 1), *end = out;
    for (size_t i = 0; i < text.len; ++i) {
        if (text.base[i] != '%') {
            *end++ = text.base[i];
            continue;
        }
        int octet = sl_escaped_octet(text.base + i, text.base + text.len);
        if (octet <= 0) /* a zero would end the text here */
            return NULL;
        *end++ = (char)octet;
        i += 2;
    }
    *end = 0;
    return out;
}

/* --- redis://[user[:password]@]host[:port][/database] --- */

static const char *read_user(sl_reader_t *reader, h2o_iovec_t user, sl_redis_settings_t *redis)
{
    const char *colon = memchr(user.base, ':', user.len);
    size_t len = colon != NULL ? (size_t)(colon - user.base) : user.len;
    char *name = decode(reader, sl_bytes(user.base, len));
    char *password = colon != NULL ? decode(reader, after(user, len + 1)) : NULL;
    if (name == NULL || (colon != NULL && password == NULL))
        return "takes a URL whose user and password have well-formed %-escapes";
    redis->username = *name != 0 ? name : NULL;
    redis->password = password != NULL && *password != 0 ? password : NULL;
    return NULL;
}

static const char *read_database(h2o_iovec_t text, sl_redis_settings_t *redis)
{
    return text.len == 0 || (sl_parse_count(text, &redis->database) && redis->database <= 65535)
               ? NULL
               : "takes a URL whose database is a number from 0 to 65535";
}

static const char *read_tcp(sl_reader_t *reader, h2o_iovec_t rest, sl_redis_settings_t *redis)
{
    sl_endpoint_t endpoint;
    struct sockaddr_storage address;
    const char *why = NULL;
    size_t len = strcspn(rest.base, "/?#");
    const char *at = memrchr(rest.base, '@', len);
    if (at != NULL) {
        size_t user_len = (size_t)(at - rest.base);
        why = read_user(reader, sl_bytes(rest.base, user_len), redis);
        rest = after(rest, user_len + 1);
        len -= user_len + 1;
    }
    if (why == NULL && rest.len > len)
        why = rest.base[len] == '/' ? read_database(after(rest, len + 1), redis) : "takes redis:// without '?' and '#'";
    if (why != NULL)
        return why;
    if (!sl_endpoint_read(sl_bytes(rest.base, len), &endpoint) ||
        (!sl_endpoint_is_name(&endpoint) && sl_endpoint_literal(&endpoint, &address) == 0))
        return "takes a URL with a host and a port from 1 to 65535";
    redis->kind = SL_REDIS_TCP;
    redis->host = sl_keep(reader, sl_bytes_of(endpoint.host)).base;
    redis->port = endpoint.has_port ? endpoint.port : REDIS_PORT;
    return NULL;
}

/* --- unix:///path[?db=N] --- */

static const char *read_unix(sl_reader_t *reader, h2o_iovec_t rest, sl_redis_settings_t *redis)
{
    struct sockaddr_storage address;
    size_t len = strcspn(rest.base, "?");
    h2o_iovec_t path = sl_bytes(rest.base, len), query = after(rest, len);
    if (sl_endpoint_unix(path, &address) == 0)
        return "takes unix:// with an absolute path of at most 107 bytes";
    if (query.len != 0 && !begins_with(query, "?db="))
        return "takes unix:// with nothing but '?db=N' after the path";
    redis->kind = SL_REDIS_UNIX;
    redis->path = sl_keep(reader, path).base;
    return query.len != 0 ? read_database(after(query, 4), redis) : NULL;
}

/* --- the setting --- */

#define FORMS "embedded, redis://[user[:password]@]host[:port][/database] or unix:///path[?db=N]"

/* "takes ...", and the form that a slip of the hand was near. A URL with TLS is no slip, and is not led to one without.
 */
static const char *refuse_form(sl_reader_t *reader, h2o_iovec_t url)
{
    static const char *const names[] = {"embedded", "redis", "unix"};
    h2o_iovec_t word = sl_bytes(url.base, strcspn(url.base, ":"));
    const char *near =
        sl_bytes_equal(word, SL_LIT("rediss")) ? NULL : sl_nearest_name(word, names, sizeof(names) / sizeof(names[0]));
    if (near == NULL)
        return "takes " FORMS;
    return h2o_concat(reader->scratch, SL_LIT("takes " FORMS " (did you mean '"), sl_bytes_of(near),
                      near == names[0] ? SL_LIT("'?)") : SL_LIT("://'?)"))
        .base;
}

static void read_url(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    h2o_iovec_t url = node->text;
    const char *why;
    if (!sl_take_scalar(reader, setting, node))
        return;
    if (begins_with(url, "redis://"))
        why = read_tcp(reader, after(url, 8), target);
    else if (begins_with(url, "unix:"))
        why = read_unix(reader, after(url, begins_with(url, "unix://") ? 7 : 5), target);
    else
        why = sl_bytes_equal(url, SL_LIT("embedded")) ? NULL : refuse_form(reader, url); /* embedded is kind 0 */
    if (why == NULL)
        return;
    sl_reject_because(reader, setting, node, why);
    ((sl_redis_settings_t *)target)->kind = SL_REDIS_TCP; /* whatever it was meant to be, it was not the embedded one */
}

static void print_url(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    const sl_redis_settings_t *redis = target;
    char text[320] = "embedded";
    bool is_six = redis->kind == SL_REDIS_TCP && strchr(redis->host, ':') != NULL;
    if (redis->kind == SL_REDIS_TCP)
        snprintf(text, sizeof(text), is_six ? "redis://[%s]:%u" : "redis://%s:%u", redis->host, redis->port);
    else if (redis->kind == SL_REDIS_UNIX)
        snprintf(text, sizeof(text), "unix://%s", redis->path);
    sl_emit_text(emitter, sl_bytes_of(text));
}

const sl_type_t sl_type_redis_url = {.noun = FORMS,
                                     .schema =
                                         "\"type\":\"string\",\"pattern\":\"^(embedded$|redis://|unix:)|\\\\$\\\\{\"",
                                     .read = read_url,
                                     .print = print_url};

void sl_finish_redis(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    sl_redis_settings_t *redis = target;
    struct sockaddr_storage address;
    if (redis->username != NULL && redis->password == NULL)
        sl_report_add(reader->report, node->place, "'username' of Redis needs a 'password'");
    if (redis->kind != SL_REDIS_EMBEDDED || redis->data == NULL)
        return;
    if (redis->password != NULL)
        sl_report_add(reader->report, node->place,
                      "'password' is for a Redis of your own; the embedded one has a private socket");
    h2o_iovec_t path = h2o_concat(reader->pool, sl_bytes_of(redis->data), SL_LIT("/redis.sock"));
    redis->path = path.base;
    if (sl_endpoint_unix(path, &address) == 0)
        sl_report_add(reader->report, node->place, "'data' takes a path of at most 96 bytes: the socket lies below it");
}
