/*
 * chunk_decoder: a machine of one state per kind of byte.
 *
 *   SIZE [BLANK] [EXTENSION] SIZE_LF DATA DATA_CR DATA_LF ... SIZE(0) SIZE_LF [NAME VALUE TRAILER_LF]* END_LF
 *
 * What lenient decoders take (line ends without CR, blanks behind a size, sizes that overflow) is where two programs in
 * a row begin to disagree about the end of a body, so it is refused. Extensions and trailers mean nothing to us; they
 * are skipped, but not without end.
 */
#include "sluice/chunk_decoder.h"
#include "sluice/escape.h"
#include "sluice/framing.h"

enum { SIZE, BLANK, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, NAME, VALUE, TRAILER_LF, END_LF, END, BROKEN };

#define DIGITS_MAX 15 /* of a size: one less than would reach the sign */

static int after_size(unsigned char c)
{
    switch (c) {
    case '\r':
        return SIZE_LF;
    case ';':
        return EXTENSION;
    case ' ':
    case '\t': /* only in front of an extension (RFC 9112 §7.1.1) */
        return BLANK;
    default:
        return BROKEN;
    }
}

static int take_size(sl_chunk_decoder_t *decoder, unsigned char c)
{
    int value = sl_hex_value(c);

    if (value < 0)
        return decoder->digits != 0 ? after_size(c) : BROKEN;
    if (decoder->digits == DIGITS_MAX)
        return BROKEN;
    ++decoder->digits;
    decoder->left = decoder->left * 16 + (size_t)value;
    return SIZE;
}

static int take_blank(unsigned char c)
{
    if (c == ' ' || c == '\t')
        return BLANK;
    return c == ';' ? EXTENSION : BROKEN;
}

/* The rest of a line that nobody reads. */
static int take_text(unsigned char c, int same, int after)
{
    if (c == '\r')
        return after;
    return (c < 0x20 && c != '\t') || c == 0x7f ? BROKEN : same;
}

static int take_name(unsigned char c)
{
    if (c == ':')
        return VALUE;
    return sl_is_token_character(c) ? NAME : BROKEN;
}

static int take_lf(sl_chunk_decoder_t *decoder, unsigned char c, int after)
{
    if (c != '\n')
        return BROKEN;
    if (after == SIZE) {
        decoder->left = 0;
        decoder->digits = 0;
    }
    return after;
}

static int take_trailer(unsigned char c)
{
    if (c == '\r')
        return END_LF;
    return sl_is_token_character(c) ? NAME : BROKEN;
}

/* Everything but DATA. */
static int step(sl_chunk_decoder_t *decoder, unsigned char c)
{
    switch (decoder->state) {
    case SIZE:
        return take_size(decoder, c);
    case BLANK:
        return take_blank(c);
    case EXTENSION:
        return take_text(c, EXTENSION, SIZE_LF);
    case SIZE_LF:
        return take_lf(decoder, c, decoder->left != 0 ? DATA : TRAILER);
    case DATA_CR:
        return c == '\r' ? DATA_LF : BROKEN;
    case DATA_LF:
        return take_lf(decoder, c, SIZE);
    case TRAILER:
        return take_trailer(c);
    case NAME:
        return take_name(c);
    case VALUE:
        return take_text(c, VALUE, TRAILER_LF);
    case TRAILER_LF:
        return take_lf(decoder, c, TRAILER);
    case END_LF:
        return take_lf(decoder, c, END);
    default:
        return BROKEN;
    }
}

static bool is_overhead(int state)
{
    return state == BLANK || state == EXTENSION || state == NAME || state == VALUE || state == TRAILER_LF;
}

static size_t take_data(sl_chunk_decoder_t *decoder, char *to, const char *from, size_t available)
{
    size_t count = available < decoder->left ? available : decoder->left;

    if (to != from)
        memmove(to, from, count);
    decoder->left -= count;
    if (decoder->left == 0)
        decoder->state = DATA_CR;
    return count;
}

ssize_t sl_chunk_decode(sl_chunk_decoder_t *decoder, char *bytes, size_t *size)
{
    size_t from = 0, to = 0, all = *size;

    while (from != all && decoder->state != END) {
        if (decoder->state == DATA) {
            size_t count = take_data(decoder, bytes + to, bytes + from, all - from);
            from += count;
            to += count;
            continue;
        }
        decoder->state = (char)step(decoder, (unsigned char)bytes[from++]);
        decoder->overhead += is_overhead(decoder->state);
        if (decoder->state == BROKEN || decoder->overhead > SL_CHUNK_OVERHEAD_MAX) {
            decoder->state = BROKEN;
            *size = to;
            return SL_CHUNK_BROKEN;
        }
    }
    memmove(bytes + to, bytes + from, all - from);
    *size = to;
    return decoder->state == END ? (ssize_t)(all - from) : SL_CHUNK_INCOMPLETE;
}
