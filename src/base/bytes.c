/* bytes: trimming, and text that grows. Every append leaves a final zero, so that the text can be handed to C functions
 * at any time. */
#include "sluice/bytes.h"
#include <stdio.h>
#include <stdlib.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

h2o_iovec_t sl_bytes_trim(h2o_iovec_t bytes)
{
    while (bytes.len != 0 && is_blank(bytes.base[0])) {
        ++bytes.base;
        --bytes.len;
    }
    while (bytes.len != 0 && is_blank(bytes.base[bytes.len - 1]))
        --bytes.len;
    return bytes;
}

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                  "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

char *sl_put_number(char *to, unsigned long long number)
{
    char digits[SL_NUMBER_DIGITS], *end = digits + sizeof(digits), *at = end;

    /* from the last digit on, two by each division: a dozen numbers are written for every request */
    while (number >= 10) {
        const char *pair = digit_pairs + number % 100 * 2;
        number /= 100;
        *--at = pair[1];
        *--at = pair[0];
    }
    if (number != 0 || at == end)
        *--at = (char)('0' + number);
    memcpy(to, at, (size_t)(end - at));
    return to + (end - at);
}

char *sl_put_padded(char *to, unsigned long long number, size_t width)
{
    for (size_t i = width; i != 0; number /= 10)
        to[--i] = (char)('0' + number % 10);
    return to + width;
}

char *sl_text_grow(sl_text_t *text, size_t more)
{
    size_t needed = text->size + more + 1;
    /* doubling keeps the cost of many small appends linear */
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity < needed)
        capacity *= 2;
    text->base = h2o_mem_realloc(text->base, capacity);
    text->capacity = capacity;
    return text->base + text->size;
}

void sl_text_number(sl_text_t *text, unsigned long long number)
{
    char *start = sl_text_reserve(text, SL_NUMBER_DIGITS), *end = sl_put_number(start, number);
    *end = '\0';
    text->size += (size_t)(end - start);
}

void sl_text_format(sl_text_t *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    sl_text_vformat(text, format, arguments);
    va_end(arguments);
}

void sl_text_vformat(sl_text_t *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    char *end = sl_text_reserve(text, 127);
    int needed = vsnprintf(end, 128, format, arguments);
    if (needed >= 128) {
        end = sl_text_reserve(text, (size_t)needed);
        vsnprintf(end, (size_t)needed + 1, format, again);
    }
    va_end(again);
    if (needed > 0)
        text->size += (size_t)needed;
    text->base[text->size] = '\0';
}

void sl_text_cell(sl_text_t *text, const char *cell)
{
    for (; *cell != '\0'; ++cell) {
        if (strchr("|*<", *cell) != NULL)
            sl_text_append(text, "\\", 1);
        sl_text_append(text, *cell == '\n' ? " " : cell, 1);
    }
}

void sl_text_clear(sl_text_t *text)
{
    text->size = 0;
    if (text->base != NULL)
        text->base[0] = '\0';
}

void sl_text_dispose(sl_text_t *text)
{
    free(text->base);
    *text = (sl_text_t){0};
}
