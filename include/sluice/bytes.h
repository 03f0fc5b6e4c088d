/* bytes: a pointer and a length (libh2o's iovec), no promise of a final zero; and text that grows. */
#ifndef SLUICE_BYTES_H
#define SLUICE_BYTES_H

#include <h2o/memory.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A literal as bytes, without the final zero. */
#define SL_LIT(text) ((h2o_iovec_t){(char *)(text), sizeof(text) - 1})

static inline h2o_iovec_t sl_bytes(const char *base, size_t len)
{
    return (h2o_iovec_t){(char *)base, len};
}

static inline h2o_iovec_t sl_bytes_of(const char *text)
{
    return (h2o_iovec_t){(char *)text, strlen(text)};
}

static inline bool sl_bytes_equal(h2o_iovec_t a, h2o_iovec_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.base, b.base, a.len) == 0);
}

/* ASCII case folded: header names, host names, schemes. */
static inline bool sl_bytes_equal_fold(h2o_iovec_t a, h2o_iovec_t b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.base, b.base, a.len) == 0);
}

/* Without spaces and tabs at both ends (RFC 9110 OWS). */
h2o_iovec_t sl_bytes_trim(h2o_iovec_t bytes);

/* Heap text that grows. All zero is empty and valid. `base` is zero-terminated once anything was appended. */
typedef struct sl_text_t {
    char *base;
    size_t size;
    size_t capacity;
} sl_text_t;

/* Decimal digits, at most SL_NUMBER_DIGITS of them and no final zero; returns their end. */
#define SL_NUMBER_DIGITS 20
char *sl_put_number(char *to, unsigned long long number);
/* The last `width` digits, with zeros in front. */
char *sl_put_padded(char *to, unsigned long long number, size_t width);

/* The rare part of sl_text_reserve: more memory. */
char *sl_text_grow(sl_text_t *text, size_t more);

/* Makes room for `more` bytes plus a final zero and returns where they go; the caller then adds to `size`. */
static inline char *sl_text_reserve(sl_text_t *text, size_t more)
{
    return text->capacity - text->size > more ? text->base + text->size : sl_text_grow(text, more);
}

static inline void sl_text_append(sl_text_t *text, const char *bytes, size_t len)
{
    char *end = sl_text_reserve(text, len);
    if (len != 0)
        memcpy(end, bytes, len);
    end[len] = '\0';
    text->size += len;
}

/* Inline, so that a literal costs neither a strlen nor a call of memcpy. */
static inline void sl_text_put(sl_text_t *text, const char *zero_terminated)
{
    sl_text_append(text, zero_terminated, strlen(zero_terminated));
}

void sl_text_number(sl_text_t *text, unsigned long long number);
void sl_text_format(sl_text_t *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sl_text_vformat(sl_text_t *text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
/* A JSON string with its quotes (RFC 8259 §7); controls are escaped, bytes that are not UTF-8 become U+FFFD. */
void sl_text_json(sl_text_t *text, h2o_iovec_t bytes);
/* The same without the quotes: a piece of a string that others begin and end. */
void sl_text_json_piece(sl_text_t *text, h2o_iovec_t bytes);
/* A cell of a Markdown table: what would end it or be taken for markup is escaped. */
void sl_text_cell(sl_text_t *text, const char *cell);
/* Length of the well-formed UTF-8 sequence of two to four bytes at `at` (RFC 3629), 0 when there is none. */
size_t sl_utf8_length(const char *at, size_t left);
/* Takes back what was appended since the text was `size` long. */
static inline void sl_text_cut(sl_text_t *text, size_t size)
{
    text->size = size;
    if (text->base != NULL)
        text->base[size] = '\0';
}

/* Keeps the memory. */
void sl_text_clear(sl_text_t *text);
void sl_text_dispose(sl_text_t *text);

#endif
