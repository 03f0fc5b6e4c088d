/*
 * msgpack_read: MessagePack as JSON, read by ourselves: msgpack-c's unpacker builds trees in zones before anybody can
 * say how large they may become. Here nothing is built: each value is written as soon as it is read, a length is
 * compared with what is left before anything is done with it, and open containers stand in a list as deep as allowed.
 */
#include "json_number.h"
#include "json_scan.h"
#include "sluice/media.h"
#include <assert.h>
#include <h2o/string_.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

/* A container that is not at its end. */
typedef struct frame_t {
    uint64_t left; /* of a map: names and values */
    bool is_map, is_first;
} frame_t;

typedef struct reader_t {
    const char *base, *at, *end;
    const sl_media_limits_t *limits;
    sl_text_t *out;
    size_t start, values;
    frame_t *frames;
    size_t depth, capacity;
    const char *error;
} reader_t;

static bool fail(reader_t *reader, const char *at, const char *error)
{
    reader->at = at;
    reader->error = error;
    return false;
}

static size_t left(const reader_t *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* --- pieces of the input --- */

/* A big-endian number of 1, 2, 4 or 8 bytes. */
static bool read_number(reader_t *reader, size_t width, uint64_t *number)
{
    if (left(reader) < width)
        return fail(reader, reader->end, "cut short");
    *number = 0;
    for (size_t i = 0; i != width; ++i)
        *number = *number << 8 | (unsigned char)reader->at[i];
    reader->at += width;
    return true;
}

static bool read_bytes(reader_t *reader, uint64_t len, h2o_iovec_t *bytes)
{
    if (left(reader) < len)
        return fail(reader, reader->at, "a length beyond the end");
    *bytes = sl_bytes(reader->at, (size_t)len);
    reader->at += len;
    return true;
}

/* Is there room for `len` bytes more in the result? Asked before bytes are copied. */
static bool has_room(reader_t *reader, size_t len)
{
    size_t used = reader->out->size - reader->start;
    if (used > reader->limits->bytes_max || reader->limits->bytes_max - used < len)
        return fail(reader, reader->at, "the result is too large");
    return true;
}

/* --- pieces of the output --- */

static bool put_string(reader_t *reader, h2o_iovec_t bytes)
{
    const char *at = bytes.base, *end = at + bytes.len;
    if (!has_room(reader, bytes.len + 2))
        return false;
    sl_text_append(reader->out, "\"", 1);
    while (at != end) {
        const char *run = at;
        at = sl_skip_ordinary(at, end);
        sl_text_append(reader->out, run, (size_t)(at - run));
        if (at == end)
            break;
        size_t length = (unsigned char)*at < 0x80 ? 1 : sl_utf8_length(at, (size_t)(end - at));
        if (length == 0)
            return fail(reader, at, "not UTF-8");
        sl_text_json_piece(reader->out, sl_bytes(at, length));
        at += length;
    }
    sl_text_append(reader->out, "\"", 1);
    return true;
}

static bool put_base64(reader_t *reader, h2o_iovec_t bytes)
{
    if (!has_room(reader, bytes.len / 3 * 4 + 6))
        return false;
    sl_text_append(reader->out, "\"", 1);
    char *to = sl_text_reserve(reader->out, bytes.len / 3 * 4 + 5);
    reader->out->size += h2o_base64_encode(to, bytes.base, bytes.len, 0);
    sl_text_append(reader->out, "\"", 1);
    return true;
}

static bool put_double(reader_t *reader, const char *at, double real)
{
    if (!isfinite(real))
        return fail(reader, at, "a number that JSON cannot hold");
    sl_number_put_double(reader->out, real);
    return true;
}

static void put_integer(reader_t *reader, uint64_t bits, size_t width, bool is_signed)
{
    assert(width >= 1 && width <= sizeof(bits));
    uint64_t sign = (uint64_t)1 << (8 * width - 1);
    if (is_signed && (bits & sign) != 0) {
        sl_text_append(reader->out, "-", 1);
        bits = (0 - bits) & (sign | (sign - 1));
    }
    sl_text_number(reader->out, bits);
}

/* --- extensions --- */

/* Seconds and nanoseconds of the three forms of a timestamp; false when it has another length. */
static bool split_timestamp(h2o_iovec_t data, int64_t *seconds, uint64_t *nanoseconds)
{
    reader_t fields = {.at = data.base, .end = data.base + data.len};
    uint64_t bits = 0;
    *nanoseconds = 0;
    switch (data.len) {
    case 4:
        read_number(&fields, 4, &bits);
        break;
    case 8:
        read_number(&fields, 8, &bits);
        *nanoseconds = bits >> 34;
        bits &= 0x3ffffffff;
        break;
    case 12:
        read_number(&fields, 4, nanoseconds);
        read_number(&fields, 8, &bits);
        break;
    default:
        return false;
    }
    *seconds = (int64_t)bits;
    return *nanoseconds < 1000000000;
}

static bool put_timestamp(reader_t *reader, h2o_iovec_t data)
{
    int64_t seconds;
    uint64_t nanoseconds;
    const int64_t year_0 = -62167219200, year_10000 = 253402300800;
    if (!split_timestamp(data, &seconds, &nanoseconds) || seconds < year_0 || seconds >= year_10000)
        return fail(reader, data.base, "a timestamp that is no date");
    struct tm parts;
    char text[32];
    time_t when = (time_t)seconds;
    gmtime_r(&when, &parts);
    strftime(text, sizeof(text), "-%m-%dT%H:%M:%S", &parts);
    sl_text_format(reader->out, "\"%04d%s", parts.tm_year + 1900, text);
    if (nanoseconds != 0)
        sl_text_format(reader->out, ".%09llu", (unsigned long long)nanoseconds);
    sl_text_put(reader->out, "Z\"");
    return true;
}

static bool read_extension(reader_t *reader, uint64_t len)
{
    uint64_t type;
    h2o_iovec_t data;
    if (!read_number(reader, 1, &type) || !read_bytes(reader, len, &data))
        return false;
    if (type == 0xff) /* -1 */
        return put_timestamp(reader, data);
    sl_text_format(reader->out, "{\"type\":%d,\"data\":", (int)(int8_t)type);
    if (!put_base64(reader, data))
        return false;
    sl_text_append(reader->out, "}", 1);
    return true;
}

/* --- values --- */

static bool open_container(reader_t *reader, uint64_t count, bool is_map)
{
    uint64_t values = is_map ? count * 2 : count;
    if (values > left(reader)) /* each takes a byte at least */
        return fail(reader, reader->at, "a length beyond the end");
    if (reader->depth == reader->limits->depth)
        return fail(reader, reader->at - 1, "nested too deeply");
    if (reader->depth == reader->capacity) {
        reader->capacity = reader->capacity == 0 ? 16 : reader->capacity * 2;
        reader->frames = h2o_mem_realloc(reader->frames, reader->capacity * sizeof(*reader->frames));
    }
    reader->frames[reader->depth++] = (frame_t){.left = values, .is_map = is_map, .is_first = true};
    sl_text_append(reader->out, is_map ? "{" : "[", 1);
    return true;
}

static bool read_string(reader_t *reader, uint64_t len)
{
    h2o_iovec_t bytes;
    return read_bytes(reader, len, &bytes) && put_string(reader, bytes);
}

static bool read_binary(reader_t *reader, uint64_t len)
{
    h2o_iovec_t bytes;
    return read_bytes(reader, len, &bytes) && put_base64(reader, bytes);
}

static bool read_float(reader_t *reader, const char *at, size_t width)
{
    uint64_t bits;
    if (!read_number(reader, width, &bits))
        return false;
    if (width == 4) {
        uint32_t narrow = (uint32_t)bits;
        float single;
        memcpy(&single, &narrow, sizeof(single));
        return put_double(reader, at, (double)single);
    }
    double real;
    memcpy(&real, &bits, sizeof(real));
    return put_double(reader, at, real);
}

static bool read_integer(reader_t *reader, size_t width, bool is_signed)
{
    uint64_t bits;
    if (!read_number(reader, width, &bits))
        return false;
    put_integer(reader, bits, width, is_signed);
    return true;
}

/* Kinds whose length stands behind the first byte. */
static bool read_long(reader_t *reader, size_t width, bool (*read)(reader_t *, uint64_t))
{
    uint64_t len;
    return read_number(reader, width, &len) && read(reader, len);
}

static bool open_array(reader_t *reader, uint64_t count)
{
    return open_container(reader, count, false);
}

static bool open_map(reader_t *reader, uint64_t count)
{
    return open_container(reader, count, true);
}

/* First bytes from c0 to df, which have a meaning each. */
static bool read_marked(reader_t *reader, unsigned char first)
{
    const char *at = reader->at - 1;
    switch (first) {
    case 0xc0:
        sl_text_put(reader->out, "null");
        return true;
    case 0xc2:
        sl_text_put(reader->out, "false");
        return true;
    case 0xc3:
        sl_text_put(reader->out, "true");
        return true;
    case 0xc4 ... 0xc6:
        return read_long(reader, (size_t)1 << (first - 0xc4), read_binary);
    case 0xc7 ... 0xc9:
        return read_long(reader, (size_t)1 << (first - 0xc7), read_extension);
    case 0xca ... 0xcb:
        return read_float(reader, at, (size_t)4 << (first - 0xca));
    case 0xcc ... 0xcf:
        return read_integer(reader, (size_t)1 << (first - 0xcc), false);
    case 0xd0 ... 0xd3:
        return read_integer(reader, (size_t)1 << (first - 0xd0), true);
    case 0xd4 ... 0xd8:
        return read_extension(reader, (uint64_t)1 << (first - 0xd4));
    case 0xd9 ... 0xdb:
        return read_long(reader, (size_t)1 << (first - 0xd9), read_string);
    case 0xdc ... 0xdd:
        return read_long(reader, (size_t)2 << (first - 0xdc), open_array);
    case 0xde ... 0xdf:
        return read_long(reader, (size_t)2 << (first - 0xde), open_map);
    default:
        return fail(reader, at, "a byte that begins nothing");
    }
}

static bool read_value(reader_t *reader)
{
    if (reader->at == reader->end)
        return fail(reader, reader->at, "cut short");
    if (++reader->values > reader->limits->values)
        return fail(reader, reader->at, "too many values");
    unsigned char first = (unsigned char)*reader->at++;
    if (first <= 0x7f) {
        sl_text_number(reader->out, first);
        return true;
    }
    if (first <= 0x8f)
        return open_map(reader, first & 0x0f);
    if (first <= 0x9f)
        return open_array(reader, first & 0x0f);
    if (first <= 0xbf)
        return read_string(reader, first & 0x1f);
    if (first <= 0xdf)
        return read_marked(reader, first);
    put_integer(reader, first, 1, true);
    return true;
}

static bool read_name(reader_t *reader)
{
    unsigned char first = reader->at == reader->end ? 0xa0 : (unsigned char)*reader->at;
    if ((first & 0xe0) != 0xa0 && (first < 0xd9 || first > 0xdb))
        return fail(reader, reader->at, "a name in a map is no string");
    --reader->values; /* a name is no value of its own */
    return read_value(reader);
}

/* The innermost container goes on by one name or value, or ends. */
static bool continue_container(reader_t *reader)
{
    frame_t *frame = &reader->frames[reader->depth - 1];
    if (frame->left == 0) {
        sl_text_append(reader->out, frame->is_map ? "}" : "]", 1);
        --reader->depth;
        return true;
    }
    bool is_name = frame->is_map && (frame->left & 1) == 0;
    if (frame->is_map && !is_name)
        sl_text_append(reader->out, ":", 1);
    else if (!frame->is_first)
        sl_text_append(reader->out, ",", 1);
    frame->is_first = false;
    --frame->left; /* before the value: it may move the frames */
    return (is_name ? read_name(reader) : read_value(reader)) && has_room(reader, 0);
}

static void read_document(reader_t *reader)
{
    if (reader->at == reader->end) {
        fail(reader, reader->at, "nothing there");
        return;
    }
    bool is_well = read_value(reader);
    while (is_well && reader->depth != 0)
        is_well = continue_container(reader);
    if (is_well && reader->at != reader->end)
        is_well = fail(reader, reader->at, "bytes behind the document");
    if (is_well)
        has_room(reader, 0);
}

const char *sl_msgpack_to_json(h2o_iovec_t msgpack, const sl_media_limits_t *limits, sl_text_t *out, size_t *offset)
{
    const char *base = msgpack.len == 0 ? "" : msgpack.base;
    reader_t reader = {
        .base = base, .at = base, .end = base + msgpack.len, .limits = limits, .out = out, .start = out->size};
    read_document(&reader);
    *offset = 0;
    if (reader.error != NULL) {
        *offset = (size_t)(reader.at - reader.base);
        sl_text_cut(out, reader.start);
    }
    free(reader.frames);
    return reader.error;
}
