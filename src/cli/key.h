/* key: what the parts of `sluice key` know of each other. */
#ifndef SLUICE_CLI_KEY_H
#define SLUICE_CLI_KEY_H

#include "redis_session.h"
#include "sluice/digest.h"

#define SL_KEY_ID_DIGITS 8 /* of the digest: how a key is called in logs and lists */

/* What the options of `key create` say; NULL where nothing was said. */
typedef struct sl_key_wishes_t {
    const char *owner, *name, *services, *methods, *scopes, *limit, *burst, *quota_day, *quota_month, *expires;
} sl_key_wishes_t;

typedef struct sl_digest_t {
    char hex[SL_DIGEST_HEX];
} sl_digest_t;

typedef struct sl_digests_t {
    sl_digest_t *list;
    size_t count;
} sl_digests_t;

/* key_create.c: makes the key, writes its record, prints it. */
bool sl_key_create(sl_session_t *session, const sl_key_wishes_t *wishes, bool as_json);

/* key_find.c: all records whose digest begins with these digits (len 0: all), sorted. */
bool sl_key_scan(sl_session_t *session, h2o_iovec_t digits, sl_digests_t *found);
/* The one record that an id, the beginning of one, a digest or a key means. False: said on standard error. */
bool sl_key_find(sl_session_t *session, const char *word, sl_digest_t *digest);
void sl_key_name(const sl_session_t *session, const sl_digest_t *digest, sl_text_t *key);

/* key_record.c: NULL when the nodes understand this value of this field, else what it takes instead. */
const char *sl_key_fault(h2o_iovec_t field, h2o_iovec_t value);

/* key_show.c */
bool sl_key_list(sl_session_t *session, bool as_json);
bool sl_key_show(sl_session_t *session, const sl_digest_t *digest, bool as_json);

#endif
