/*
 * json_index: one pass over the bytes of a document that says where each value lies, or why this is no JSON.
 *
 * There is no recursion and no stack: while a container is open its entry in the index remembers what a stack would
 * hold (`next` the container around it, `end` its latest child), so depth costs nothing and cannot break anything.
 * Strings are looked through (json_scan.h) eight bytes at a time, since most bytes of most documents stand in strings.
 */
#include "json_scan.h"
#include "sluice/escape.h"
#include "sluice/json.h"
#include <stdlib.h>

const char sl_json_too_deep[] = "nested too deeply", sl_json_too_many[] = "too many values";

#define NOWHERE UINT32_MAX
#define DEPTH_MAX 64
#define VALUES_MAX 1000000

typedef struct reader_t {
    sl_json_t *json;
    const char *base, *at, *end;
    size_t depth, depth_max;
    size_t room, values_max; /* room: entries that may be used without asking for more memory */
    uint32_t open;           /* the innermost container that is not closed */
    uint32_t name_begin, name_end;
    const char *error;
} reader_t;

typedef enum { FAILED, WANTS_VALUE, HAS_VALUE } state_t;

static state_t fail(reader_t *reader, const char *at, const char *error)
{
    reader->at = at;
    reader->error = error;
    return FAILED;
}

static uint32_t place(const reader_t *reader, const char *at)
{
    return (uint32_t)(at - reader->base);
}

/* --- blanks --- */

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_blanks(const char *at, const char *end)
{
    if (at == end || (unsigned char)*at > ' ')
        return at;
    for (; at != end && is_blank(*at); ++at)
        while (end - at > 8 && sl_load_word(at + 1) == SL_EACH(' ')) /* indentation comes in long runs */
            at += 8;
    return at;
}

/* --- strings --- */

/* The four digits of an escape; -1 when they are none. */
static int hex_unit(const char *at, const char *end)
{
    int unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i != 4; ++i) {
        int digit = sl_hex_value(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* `at` stands behind \u. */
static const char *skip_unicode_escape(reader_t *reader, const char *at)
{
    const char *end = reader->end;
    int unit = hex_unit(at, end);
    if (unit < 0) {
        fail(reader, at, "four hexadecimal digits belong behind \\u");
        return NULL;
    }
    if ((unit & 0xf800) != 0xd800)
        return at + 4;
    bool is_pair = (unit & 0xfc00) == 0xd800 && end - at >= 10 && at[4] == '\\' && at[5] == 'u' &&
                   (hex_unit(at + 6, end) & ~0x3ff) == 0xdc00;
    if (!is_pair) {
        fail(reader, at - 2, "half of a surrogate pair");
        return NULL;
    }
    return at + 10;
}

static const char *skip_escape(reader_t *reader, const char *at)
{
    const char *letter = at + 1;
    if (letter == reader->end) {
        fail(reader, letter, "the string does not end");
        return NULL;
    }
    if (*letter == 'u')
        return skip_unicode_escape(reader, letter + 1);
    if (*letter == '\0' || strchr("\"\\/bfnrt", *letter) == NULL) {
        fail(reader, at, "no such escape");
        return NULL;
    }
    return letter + 1;
}

static const char *skip_wide(reader_t *reader, const char *at)
{
    do {
        size_t length = sl_utf8_length(at, (size_t)(reader->end - at));
        if (length == 0) {
            fail(reader, at, "not UTF-8");
            return NULL;
        }
        at += length;
    } while (at != reader->end && (unsigned char)*at >= 0x80);
    return at;
}

/* From behind the opening quote to behind the closing one; NULL when there is something wrong. */
static inline const char *skip_string(reader_t *reader, const char *at)
{
    while (at != NULL) {
        at = sl_skip_ordinary(at, reader->end);
        if (at == reader->end) {
            fail(reader, at, "the string does not end");
            return NULL;
        }
        if (*at == '"')
            return at + 1;
        if (*at == '\\') {
            at = skip_escape(reader, at);
        } else if ((unsigned char)*at < 0x20) {
            fail(reader, at, "a control character in a string");
            return NULL;
        } else {
            at = skip_wide(reader, at);
        }
    }
    return NULL;
}

/* --- numbers and words --- */

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* NULL when not even one digit stands there. */
static inline const char *skip_digits(reader_t *reader, const char *at)
{
    if (at == reader->end || !is_digit(*at)) {
        fail(reader, at, "a digit is missing in a number");
        return NULL;
    }
    while (at != reader->end && is_digit(*at))
        ++at;
    return at;
}

static inline const char *skip_number(reader_t *reader, const char *at)
{
    const char *end = reader->end;
    if (*at == '-')
        ++at;
    if (at != end && *at == '0')
        ++at; /* nothing may follow a leading zero; what does is found missing a comma */
    else if ((at = skip_digits(reader, at)) == NULL)
        return NULL;
    if (at != end && *at == '.' && (at = skip_digits(reader, at + 1)) == NULL)
        return NULL;
    if (at != end && (*at | 0x20) == 'e') {
        ++at;
        if (at != end && (*at == '+' || *at == '-'))
            ++at;
        at = skip_digits(reader, at);
    }
    return at;
}

static const char *skip_word(reader_t *reader, const char *at, const char *word, size_t len)
{
    if ((size_t)(reader->end - at) >= len && memcmp(at, word, len) == 0)
        return at + len;
    fail(reader, at, "no value begins like this");
    return NULL;
}

/* --- values --- */

static bool grow(reader_t *reader)
{
    sl_json_t *json = reader->json;
    if (json->count == reader->values_max)
        return false;
    if (json->count == json->capacity) {
        /* the first guess fits most documents, so that they ask for memory once */
        size_t guess = json->text.len / 12 + 16;
        json->capacity = json->capacity == 0 ? guess : json->capacity * 2;
        if (json->capacity > reader->values_max)
            json->capacity = reader->values_max;
        json->values = h2o_mem_realloc(json->values, json->capacity * sizeof(*json->values));
    }
    reader->room = json->capacity < reader->values_max ? json->capacity : reader->values_max;
    return true;
}

/* A new entry, hung into its parent. */
static inline sl_json_value_t *append(reader_t *reader)
{
    sl_json_t *json = reader->json;
    if (json->count == reader->room && !grow(reader))
        return NULL;
    uint32_t index = (uint32_t)json->count++;
    if (reader->open != NOWHERE) {
        sl_json_value_t *parent = &json->values[reader->open];
        if (parent->count++ != 0)
            json->values[parent->end].next = index;
        parent->end = index;
    }
    sl_json_value_t *value = &json->values[index];
    value->name_begin = reader->name_begin;
    value->name_end = reader->name_end;
    value->next = 0;
    value->count = 0;
    return value;
}

/* A member's name with its colon; then a value is wanted. */
static inline state_t read_name(reader_t *reader, const char *at)
{
    if (at == reader->end || *at != '"')
        return fail(reader, at, "a member begins with its name in quotes");
    reader->name_begin = place(reader, at);
    if ((at = skip_string(reader, at + 1)) == NULL)
        return FAILED;
    reader->name_end = place(reader, at);
    at = skip_blanks(at, reader->end);
    if (at == reader->end || *at != ':')
        return fail(reader, at, "a colon is missing behind a name");
    reader->at = at + 1;
    return WANTS_VALUE;
}

static inline state_t close_container(reader_t *reader, const char *behind)
{
    sl_json_value_t *value = &reader->json->values[reader->open];
    reader->open = value->next;
    value->next = 0;
    value->end = place(reader, behind);
    reader->at = behind;
    --reader->depth;
    return HAS_VALUE;
}

static inline state_t open_container(reader_t *reader, const char *at, sl_json_value_t *value)
{
    bool is_object = *at == '{';
    value->type = is_object ? SL_JSON_OBJECT : SL_JSON_ARRAY;
    value->next = reader->open;
    reader->open = (uint32_t)(value - reader->json->values);
    if (++reader->depth > reader->depth_max)
        return fail(reader, at, sl_json_too_deep);

    at = skip_blanks(at + 1, reader->end);
    if (at != reader->end && *at == (is_object ? '}' : ']'))
        return close_container(reader, at + 1);
    if (is_object)
        return read_name(reader, at);
    reader->name_begin = reader->name_end = 0;
    reader->at = at;
    return WANTS_VALUE;
}

/* What stands behind a value inside the open container: the next one, or the container's end. */
static inline state_t continue_container(reader_t *reader)
{
    bool is_object = reader->json->values[reader->open].type == SL_JSON_OBJECT;
    const char *at = skip_blanks(reader->at, reader->end);
    if (at == reader->end)
        return fail(reader, at, is_object ? "the object does not end" : "the array does not end");
    if (*at == (is_object ? '}' : ']'))
        return close_container(reader, at + 1);
    if (*at != ',')
        return fail(reader, at, "a comma or a closing bracket is missing");
    at = skip_blanks(at + 1, reader->end);
    if (is_object)
        return read_name(reader, at);
    reader->name_begin = reader->name_end = 0;
    reader->at = at;
    return WANTS_VALUE;
}

static inline const char *skip_scalar(reader_t *reader, const char *at, sl_json_type_t *type)
{
    switch (*at) {
    case '"':
        *type = SL_JSON_STRING;
        return skip_string(reader, at + 1);
    case 't':
        *type = SL_JSON_TRUE;
        return skip_word(reader, at, "true", 4);
    case 'f':
        *type = SL_JSON_FALSE;
        return skip_word(reader, at, "false", 5);
    case 'n':
        *type = SL_JSON_NULL;
        return skip_word(reader, at, "null", 4);
    default:
        *type = SL_JSON_NUMBER;
        if (*at == '-' || is_digit(*at))
            return skip_number(reader, at);
        fail(reader, at, "no value begins like this");
        return NULL;
    }
}

static inline state_t read_value(reader_t *reader)
{
    const char *at = skip_blanks(reader->at, reader->end);
    if (at == reader->end)
        return fail(reader, at, "a value is missing");
    sl_json_value_t *value = append(reader);
    if (value == NULL)
        return fail(reader, at, sl_json_too_many);
    value->begin = place(reader, at);
    if (*at == '{' || *at == '[')
        return open_container(reader, at, value);
    const char *behind = skip_scalar(reader, at, &value->type);
    if (behind == NULL)
        return FAILED;
    value->end = place(reader, behind);
    reader->at = behind;
    return HAS_VALUE;
}

static void read_document(reader_t *reader)
{
    state_t state;
    do {
        state = read_value(reader);
        while (state == HAS_VALUE && reader->open != NOWHERE)
            state = continue_container(reader);
    } while (state == WANTS_VALUE);
    if (state == FAILED)
        return;
    reader->at = skip_blanks(reader->at, reader->end);
    if (reader->at != reader->end)
        fail(reader, reader->at, "bytes behind the document");
}

const char *sl_json_index(sl_json_t *json, h2o_iovec_t text, const sl_json_limits_t *limits, size_t *offset)
{
    json->text = text;
    json->count = 0;
    *offset = 0;
    if (text.len == 0)
        return "nothing there";
    if (text.len >= NOWHERE)
        return "longer than 4 GiB";
    if (text.len >= 3 && memcmp(text.base, "\xef\xbb\xbf", 3) == 0)
        return "a byte order mark";

    reader_t reader = {.json = json,
                       .base = text.base,
                       .at = text.base,
                       .end = text.base + text.len,
                       .depth_max = limits == NULL ? DEPTH_MAX : limits->depth,
                       .values_max = limits == NULL ? VALUES_MAX : limits->values,
                       .open = NOWHERE};
    reader.room = json->capacity < reader.values_max ? json->capacity : reader.values_max;
    read_document(&reader);
    if (reader.error != NULL) {
        *offset = (size_t)(reader.at - reader.base);
        json->count = 0; /* nobody walks a half-made index */
    }
    return reader.error;
}

void sl_json_dispose(sl_json_t *json)
{
    free(json->values);
    *json = (sl_json_t){0};
}
