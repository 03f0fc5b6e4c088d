/* resp: commands in Redis' wire form (RESP2), written straight into growing text. */
#ifndef SLUICE_STORE_RESP_H
#define SLUICE_STORE_RESP_H

#include "sluice/bytes.h"
#include <hiredis/hiredis.h>
#include <stdint.h>

/* "*3\r\n": so many words follow. */
void sl_resp_array(sl_text_t *out, size_t count);
/* One word, any bytes. */
void sl_resp_bulk(sl_text_t *out, h2o_iovec_t word);
void sl_resp_number(sl_text_t *out, uint64_t number);
/* A whole command of short words. */
void sl_resp_command(sl_text_t *out, size_t count, const char *const *words);

/* The words of a command after its name, gathered and counted: the name and the number of words are put in front later.
 */
typedef struct sl_words_t {
    sl_text_t text;
    size_t count;
    size_t hole;     /* where in the text a number is still to be put; 0: nowhere */
    uint64_t number; /* that number, so far */
} sl_words_t;

void sl_words_clear(sl_words_t *words);
void sl_words_put(sl_words_t *words, h2o_iovec_t word);
void sl_words_number(sl_words_t *words, uint64_t number);
/* A number that may still change: it is written when the command leaves. At most one, not the first word. */
void sl_words_hole(sl_words_t *words, uint64_t number);
/* "<prefix>:<kind>:{<name>}": the braces keep all keys of one name in one Cluster slot. */
void sl_words_key(sl_words_t *words, h2o_iovec_t prefix, h2o_iovec_t kind, h2o_iovec_t name);

/* It was fed a reply's beginning and not yet its end. */
bool sl_resp_is_midway(const redisReader *reader);

#endif
