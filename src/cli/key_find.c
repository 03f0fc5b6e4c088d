/* key_find: which records are there, and which of them is meant. SCAN goes in small steps, so that no node waits behind
 * a list of a million keys. */
#include "key.h"
#include <ctype.h>
#include <stdio.h>

#define DIGITS_MIN 4

void sl_key_name(const sl_session_t *session, const sl_digest_t *digest, sl_text_t *key)
{
    sl_session_key(session, "key", sl_bytes(digest->hex, SL_DIGEST_HEX), key);
}

static bool is_hex(h2o_iovec_t text)
{
    for (size_t i = 0; i != text.len; ++i)
        if (!isdigit((unsigned char)text.base[i]) && !(text.base[i] >= 'a' && text.base[i] <= 'f'))
            return false;
    return true;
}

/* --- scanning --- */

static void add_digest(sl_digests_t *found, const redisReply *key, size_t prefix_len)
{
    if (key->type != REDIS_REPLY_STRING || key->len != prefix_len + SL_DIGEST_HEX + 1)
        return;
    h2o_iovec_t hex = sl_bytes(key->str + prefix_len, SL_DIGEST_HEX);
    if (!is_hex(hex) || key->str[key->len - 1] != '}')
        return;
    found->list = h2o_mem_realloc(found->list, sizeof(*found->list) * (found->count + 1));
    memcpy(found->list[found->count++].hex, hex.base, SL_DIGEST_HEX);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(sl_digest_t));
}

/* SCAN may name a key more than once. */
static void sort_and_unite(sl_digests_t *found)
{
    size_t kept = 0;

    if (found->count == 0)
        return;
    qsort(found->list, found->count, sizeof(*found->list), compare);
    for (size_t i = 1; i != found->count; ++i)
        if (compare(found->list + kept, found->list + i) != 0)
            found->list[++kept] = found->list[i];
    found->count = kept + 1;
}

static bool scan_step(sl_session_t *session, h2o_iovec_t pattern, char cursor[24], sl_digests_t *found)
{
    size_t prefix_len = strlen(session->config->redis.prefix) + strlen(":key:{");
    h2o_iovec_t words[] = {SL_LIT("SCAN"), sl_bytes_of(cursor), SL_LIT("MATCH"),
                           pattern,        SL_LIT("COUNT"),     SL_LIT("500")};
    redisReply *reply = sl_session_ask(session, 6, words);

    if (reply == NULL)
        return false;
    bool is_good = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                   reply->element[0]->type == REDIS_REPLY_STRING && reply->element[1]->type == REDIS_REPLY_ARRAY;
    if (is_good) {
        snprintf(cursor, 24, "%s", reply->element[0]->str);
        for (size_t i = 0; i != reply->element[1]->elements; ++i)
            add_digest(found, reply->element[1]->element[i], prefix_len);
    }
    freeReplyObject(reply);
    return is_good;
}

bool sl_key_scan(sl_session_t *session, h2o_iovec_t digits, sl_digests_t *found)
{
    sl_text_t pattern = {0};
    char cursor[24] = "0";
    bool is_good;

    sl_text_format(&pattern, "%s:key:{", session->config->redis.prefix); /* its letters mean nothing in a pattern */
    sl_text_append(&pattern, digits.base, digits.len);
    sl_text_put(&pattern, "*");
    do
        is_good = scan_step(session, sl_bytes(pattern.base, pattern.size), cursor, found);
    while (is_good && strcmp(cursor, "0") != 0);
    sl_text_dispose(&pattern);
    sort_and_unite(found);
    return is_good;
}

/* --- one key --- */

/* 1 there, 0 not there, -1 said on standard error. */
static int exists(sl_session_t *session, const sl_digest_t *digest)
{
    sl_text_t key = {0};

    sl_key_name(session, digest, &key);
    redisReply *reply = sl_session_ask(session, 2, (h2o_iovec_t[]){SL_LIT("EXISTS"), sl_bytes(key.base, key.size)});
    int is_there = reply == NULL ? -1 : reply->integer != 0;
    freeReplyObject(reply);
    sl_text_dispose(&key);
    return is_there;
}

/* The word may be a key: what is not plainly an id is not repeated. */
static bool complain(sl_session_t *session, h2o_iovec_t word, const sl_digests_t *found)
{
    sl_text_t ids = {0};

    for (size_t i = 0; i != found->count && i != 8; ++i)
        sl_text_format(&ids, " %.12s", found->list[i].hex);
    if (found->count > 1)
        sl_session_complain(session, "'%.*s' is ambiguous, it begins %zu keys:%s%s", (int)word.len, word.base,
                            found->count, ids.base, found->count > 8 ? " ..." : "");
    else if (is_hex(word) && word.len <= SL_DIGEST_HEX)
        sl_session_complain(session, "no key has the id '%.*s'%s", (int)word.len, word.base,
                            word.len < DIGITS_MIN ? " (at least 4 digits are needed)" : "");
    else
        sl_session_complain(session, "there is no such key");
    sl_text_dispose(&ids);
    return false;
}

bool sl_key_find(sl_session_t *session, const char *text, sl_digest_t *digest)
{
    h2o_iovec_t word = sl_bytes_of(text);
    sl_digests_t found = {0};

    /* a whole key first: one that happens to be made of hex digits must not be taken for somebody's id */
    sl_digest_key(session->config->keys.pepper, word, digest->hex);
    int is_there = exists(session, digest);
    if (is_there != 0)
        return is_there > 0;
    if (is_hex(word) && word.len >= DIGITS_MIN && word.len <= SL_DIGEST_HEX && !sl_key_scan(session, word, &found)) {
        free(found.list);
        return false;
    }
    const sl_digest_t *only = found.count == 1 ? found.list : NULL;
    if (only != NULL)
        *digest = *only;
    bool is_found = only != NULL || complain(session, word, &found);
    free(found.list);
    return is_found;
}
