/* chunked: one step per byte of framing, one move per slice of data. */
#include "chunked.h"
#include "sluice/escape.h"

enum { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, TRAILER_LF, END, BROKEN };

static int start_size(sl_chunked_t *decoder)
{
    decoder->digits = 0;
    decoder->left = 0;
    decoder->skipped = 0;
    return SIZE;
}

static int step_size(sl_chunked_t *decoder, unsigned char c)
{
    int value = sl_hex_value(c);
    if (value >= 0) {
        /* sizes stay below 2^62: nothing that is added to one later can overflow */
        if (++decoder->digits > 16 || decoder->left >> 58 != 0)
            return BROKEN;
        decoder->left = decoder->left << 4 | (uint64_t)value;
        return SIZE;
    }
    if (decoder->digits == 0)
        return BROKEN;
    if (c == '\r')
        return SIZE_LF;
    /* some services pad sizes with blanks: they can hide nothing */
    return c == ';' || c == ' ' || c == '\t' ? EXTENSION : BROKEN;
}

static int step_extension(sl_chunked_t *decoder, unsigned char c)
{
    if (c == '\r')
        return SIZE_LF;
    if ((c < 0x20 && c != '\t') || ++decoder->skipped > SL_CHUNK_EXTENSION_BYTES)
        return BROKEN;
    return EXTENSION;
}

static int step_size_lf(sl_chunked_t *decoder, unsigned char c)
{
    if (c != '\n')
        return BROKEN;
    decoder->skipped = 0;
    return decoder->left == 0 ? TRAILER : DATA;
}

static int step_trailer(sl_chunked_t *decoder, unsigned char c)
{
    if (++decoder->skipped > SL_TRAILER_BYTES || c == '\n')
        return BROKEN;
    if (c == '\r')
        return TRAILER_LF;
    decoder->is_trailing = true;
    return TRAILER;
}

static int step_trailer_lf(sl_chunked_t *decoder, unsigned char c)
{
    if (c != '\n')
        return BROKEN;
    bool was_line = decoder->is_trailing;
    decoder->is_trailing = false;
    return was_line ? TRAILER : END;
}

static int step(sl_chunked_t *decoder, unsigned char c)
{
    switch (decoder->state) {
    case SIZE:
        return step_size(decoder, c);
    case EXTENSION:
        return step_extension(decoder, c);
    case SIZE_LF:
        return step_size_lf(decoder, c);
    case DATA_CR:
        return c == '\r' ? DATA_LF : BROKEN;
    case DATA_LF:
        return c == '\n' ? start_size(decoder) : BROKEN;
    case TRAILER:
        return step_trailer(decoder, c);
    case TRAILER_LF:
        return step_trailer_lf(decoder, c);
    default:
        return BROKEN;
    }
}

/* The first slice stays where it is, so a chunk that fills the whole read is never moved. */
static size_t take_data(sl_chunked_t *decoder, h2o_iovec_t rest, h2o_iovec_t *payload)
{
    size_t len = rest.len < decoder->left ? rest.len : (size_t)decoder->left;
    if (payload->len == 0)
        payload->base = rest.base;
    else
        memmove(payload->base + payload->len, rest.base, len);
    payload->len += len;
    decoder->left -= len;
    if (decoder->left == 0)
        decoder->state = DATA_CR;
    return len;
}

sl_chunked_verdict_t sl_chunked_decode(sl_chunked_t *decoder, h2o_iovec_t bytes, h2o_iovec_t *payload, size_t *used)
{
    size_t at = 0;
    *payload = sl_bytes(bytes.base, 0);
    while (at != bytes.len && decoder->state != END && decoder->state != BROKEN) {
        if (decoder->state == DATA)
            at += take_data(decoder, sl_bytes(bytes.base + at, bytes.len - at), payload);
        else
            decoder->state = step(decoder, (unsigned char)bytes.base[at++]);
    }
    *used = at;
    if (decoder->state == BROKEN)
        return SL_CHUNKED_BROKEN;
    return decoder->state == END ? SL_CHUNKED_DONE : SL_CHUNKED_MORE;
}
