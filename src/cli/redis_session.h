/* redis_session: the configuration and a blocking connection to its Redis, for commands that ask a few things and end.
 */
#ifndef SLUICE_CLI_REDIS_SESSION_H
#define SLUICE_CLI_REDIS_SESSION_H

#include "sluice/config.h"
#include <hiredis/hiredis.h>

typedef struct sl_session_t {
    const char *command; /* in messages: "key create" */
    sl_config_t *config;
    redisContext *redis;
} sl_session_t;

/* `config_path` NULL: the default. False: said on standard error, nothing to close. */
bool sl_session_open(sl_session_t *session, const char *command, const char *config_path);
/* The two halves of it, for what can do without Redis: after a failed connect `redis` is NULL, and the rest is usable.
 */
bool sl_session_read(sl_session_t *session, const char *command, const char *config_path);
bool sl_session_connect(sl_session_t *session);
void sl_session_close(sl_session_t *session);

/* The reply, to be freed; an error reply and a lost connection are said on standard error and give NULL. */
redisReply *sl_session_ask(sl_session_t *session, size_t count, const h2o_iovec_t *words);
/* The same for a question that is one of many: appended now, its reply fetched later in order. Error replies are handed
 * over. */
void sl_session_append(sl_session_t *session, size_t count, const h2o_iovec_t *words);
redisReply *sl_session_fetch(sl_session_t *session);

/* "<prefix>:<kind>:{<name>}" */
void sl_session_key(const sl_session_t *session, const char *kind, h2o_iovec_t name, sl_text_t *key);

/* "sluice COMMAND: ..." on standard error. */
void sl_session_complain(const sl_session_t *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
