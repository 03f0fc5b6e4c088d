/*
 * redis_session: the configuration and a blocking connection to its Redis (redis_session.h).
 *
 * People wait here, not requests: the limits of time are longer than those of a node, but there are some.
 */
#include "redis_session.h"
#include "command.h"
#include <stdio.h>
#include <sys/time.h>

#define CONNECT_S 3
#define ANSWER_S 10
#define WORDS_MAX 64

void sl_session_complain(const sl_session_t *session, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "sluice %s: ", session->command);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static sl_config_t *read_config(const char *path)
{
    sl_config_errors_t errors = {0};
    sl_config_t *config = sl_config_read_file(path, NULL, &errors);

    if (config == NULL)
        fwrite(errors.text.base, 1, errors.text.size, stderr);
    sl_config_errors_dispose(&errors);
    return config;
}

static redisContext *connect_redis(const sl_redis_settings_t *settings)
{
    struct timeval limit = {.tv_sec = CONNECT_S};
    redisContext *redis = settings->kind == SL_REDIS_TCP
                              ? redisConnectWithTimeout(settings->host, settings->port, limit)
                              : redisConnectUnixWithTimeout(settings->path, limit);

    if (redis == NULL)
        h2o_fatal("no memory");
    return redis;
}

static void complain_of_absence(const sl_session_t *session)
{
    const sl_redis_settings_t *settings = &session->config->redis;

    switch (settings->kind) {
    case SL_REDIS_TCP:
        sl_session_complain(session, "cannot connect to Redis at %s:%u: %s", settings->host, (unsigned)settings->port,
                            session->redis->errstr);
        return;
    case SL_REDIS_UNIX:
        sl_session_complain(session, "cannot connect to Redis at %s: %s", settings->path, session->redis->errstr);
        return;
    case SL_REDIS_EMBEDDED:
        sl_session_complain(session,
                            "the embedded Redis is not there (%s: %s); it runs while the node runs: start that first",
                            settings->path, session->redis->errstr);
        return;
    }
}

static bool tell_well(sl_session_t *session, size_t count, const h2o_iovec_t *words)
{
    redisReply *reply = sl_session_ask(session, count, words);

    if (reply == NULL)
        return false;
    freeReplyObject(reply);
    return true;
}

static bool introduce(sl_session_t *session)
{
    const sl_redis_settings_t *settings = &session->config->redis;
    h2o_iovec_t words[3] = {SL_LIT("AUTH")};
    size_t count = 1;

    if (settings->username != NULL && settings->password != NULL)
        words[count++] = sl_bytes_of(settings->username);
    if (settings->password != NULL)
        words[count++] = sl_bytes_of(settings->password);
    if (count != 1 && !tell_well(session, count, words))
        return false;
    if (settings->database == 0)
        return true;

    char number[24];
    snprintf(number, sizeof(number), "%llu", (unsigned long long)settings->database);
    return tell_well(session, 2, (h2o_iovec_t[]){SL_LIT("SELECT"), sl_bytes_of(number)});
}

bool sl_session_read(sl_session_t *session, const char *command, const char *config_path)
{
    *session = (sl_session_t){.command = command};
    session->config = read_config(config_path != NULL ? config_path : sl_cli_default_config());
    return session->config != NULL;
}

bool sl_session_connect(sl_session_t *session)
{
    session->redis = connect_redis(&session->config->redis);
    if (session->redis->err != 0)
        complain_of_absence(session);
    else
        redisSetTimeout(session->redis, (struct timeval){.tv_sec = ANSWER_S});
    if (session->redis->err == 0 && introduce(session))
        return true;
    redisFree(session->redis);
    session->redis = NULL;
    return false;
}

bool sl_session_open(sl_session_t *session, const char *command, const char *config_path)
{
    if (!sl_session_read(session, command, config_path))
        return false;
    if (sl_session_connect(session))
        return true;
    sl_session_close(session);
    return false;
}

void sl_session_close(sl_session_t *session)
{
    if (session->redis != NULL)
        redisFree(session->redis);
    sl_config_release(session->config);
}

void sl_session_append(sl_session_t *session, size_t count, const h2o_iovec_t *words)
{
    const char *bases[WORDS_MAX];
    size_t sizes[WORDS_MAX];

    assert(count <= WORDS_MAX);
    for (size_t i = 0; i != count; ++i) {
        bases[i] = words[i].base;
        sizes[i] = words[i].len;
    }
    if (redisAppendCommandArgv(session->redis, (int)count, bases, sizes) != REDIS_OK)
        h2o_fatal("no memory");
}

redisReply *sl_session_fetch(sl_session_t *session)
{
    redisReply *reply = NULL;

    if (redisGetReply(session->redis, (void **)&reply) != REDIS_OK)
        sl_session_complain(session, "Redis: %s",
                            session->redis->err == REDIS_ERR_IO ? "no answer" : session->redis->errstr);
    return reply;
}

redisReply *sl_session_ask(sl_session_t *session, size_t count, const h2o_iovec_t *words)
{
    sl_session_append(session, count, words);
    redisReply *reply = sl_session_fetch(session);

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR)
        return reply;
    sl_session_complain(session, "Redis: %s", reply->str);
    freeReplyObject(reply);
    return NULL;
}

void sl_session_key(const sl_session_t *session, const char *kind, h2o_iovec_t name, sl_text_t *key)
{
    sl_text_clear(key);
    sl_text_format(key, "%s:%s:{", session->config->redis.prefix, kind);
    sl_text_append(key, name.base, name.len);
    sl_text_put(key, "}");
}
