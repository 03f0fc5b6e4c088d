/* resp: commands in Redis' wire form (RESP2). Every question of every request passes here, so each word is written
 * once, without printf. */
#include "resp.h"

static char *write_head(char *to, char mark, uint64_t number)
{
    *to++ = mark;
    to = sl_put_number(to, number);
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

static char *write_bytes(char *to, const char *bytes, size_t len)
{
    if (len != 0)
        memcpy(to, bytes, len);
    return to + len;
}

void sl_resp_array(sl_text_t *out, size_t count)
{
    char *start = sl_text_reserve(out, SL_NUMBER_DIGITS + 3);

    out->size += (size_t)(write_head(start, '*', count) - start);
}

void sl_resp_bulk(sl_text_t *out, h2o_iovec_t word)
{
    char *start = sl_text_reserve(out, word.len + SL_NUMBER_DIGITS + 5);
    char *end = write_head(start, '$', word.len);

    end = write_bytes(end, word.base, word.len);
    end = write_bytes(end, "\r\n", 2);
    out->size += (size_t)(end - start);
}

void sl_resp_command(sl_text_t *out, size_t count, const char *const *words)
{
    sl_resp_array(out, count);
    for (size_t i = 0; i != count; ++i)
        sl_resp_bulk(out, sl_bytes_of(words[i]));
}

void sl_words_clear(sl_words_t *words)
{
    sl_text_clear(&words->text);
    words->count = 0;
    words->hole = 0;
}

void sl_resp_number(sl_text_t *out, uint64_t number)
{
    char digits[SL_NUMBER_DIGITS];

    sl_resp_bulk(out, sl_bytes(digits, (size_t)(sl_put_number(digits, number) - digits)));
}

void sl_words_put(sl_words_t *words, h2o_iovec_t word)
{
    sl_resp_bulk(&words->text, word);
    ++words->count;
}

void sl_words_number(sl_words_t *words, uint64_t number)
{
    sl_resp_number(&words->text, number);
    ++words->count;
}

void sl_words_hole(sl_words_t *words, uint64_t number)
{
    words->hole = words->text.size;
    words->number = number;
    ++words->count;
}

void sl_words_key(sl_words_t *words, h2o_iovec_t prefix, h2o_iovec_t kind, h2o_iovec_t name)
{
    size_t len = prefix.len + 1 + kind.len + 2 + name.len + 1;
    char *start = sl_text_reserve(&words->text, len + SL_NUMBER_DIGITS + 5);
    char *end = write_head(start, '$', len);

    end = write_bytes(end, prefix.base, prefix.len);
    *end++ = ':';
    end = write_bytes(end, kind.base, kind.len);
    end = write_bytes(end, ":{", 2);
    end = write_bytes(end, name.base, name.len);
    end = write_bytes(end, "}\r\n", 3);
    words->text.size += (size_t)(end - start);
    ++words->count;
}

/* Bytes are left over while a word is incomplete. Between two words of an array only the depth tells; after a reply's
 * first byte, that its type is known. */
bool sl_resp_is_midway(const redisReader *reader)
{
    return reader->pos != reader->len || reader->ridx > 0 || (reader->ridx == 0 && reader->rstack[0].type >= 0);
}
