/* json_generator: documents by the dozen, the same ones for the same seed: odd numbers, escapes, blanks, repeated
 * names, all that a splice must not touch. */
#ifndef SLUICE_TESTS_JSON_GENERATOR_H
#define SLUICE_TESTS_JSON_GENERATOR_H

#include "sluice/bytes.h"
#include <stdint.h>

typedef struct generator_t {
    uint64_t state;
    bool is_simple; /* only what MessagePack can hold, too, written in one way: no blanks, no odd numbers */
} generator_t;

/* xorshift64* */
static inline uint64_t next_random(generator_t *generator)
{
    generator->state ^= generator->state >> 12;
    generator->state ^= generator->state << 25;
    generator->state ^= generator->state >> 27;
    return generator->state * 0x2545f4914f6cdd1du;
}

static inline size_t pick(generator_t *generator, size_t count)
{
    return (size_t)(next_random(generator) >> 33) % count;
}

static inline void put_blanks(generator_t *generator, sl_text_t *out)
{
    static const char *const blanks[] = {"", "", "", " ", "\n", "\t\r\n", "           ", "\n            "};
    if (!generator->is_simple)
        sl_text_put(out, blanks[pick(generator, sizeof(blanks) / sizeof(blanks[0]))]);
}

static inline void put_number(generator_t *generator, sl_text_t *out)
{
    static const char *const odd[] = {"0.10",
                                      "-0",
                                      "1e400",
                                      "-1E-400",
                                      "9007199254740993",
                                      "1.0e+2",
                                      "3.14159265358979323846264338327950288",
                                      "-123456789012345678901234567890"};
    size_t kind = pick(generator, generator->is_simple ? 3 : 4);
    if (kind == 0)
        sl_text_format(out, "%lld", (long long)next_random(generator));
    else if (kind == 1)
        sl_text_format(out, "%llu", (unsigned long long)next_random(generator));
    else if (kind == 2)
        sl_text_format(out, "%s%zu.%zu5", pick(generator, 2) == 0 ? "-" : "", pick(generator, 100000),
                       1 + pick(generator, 9));
    else
        sl_text_put(out, odd[pick(generator, sizeof(odd) / sizeof(odd[0]))]);
}

static inline void put_string(generator_t *generator, sl_text_t *out)
{
    static const char *const plain[] = {"a",    "name",          "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9d\x84\x9e",
                                        "\\\"", "a longer word", "\\n",         "\\\\",         "{[,:]}"};
    static const char *const odd[] = {"\\u0061", "\\uD834\\uDD1E", "\\/", "\\u0000", "\\u00E9"};
    sl_text_put(out, "\"");
    for (size_t i = pick(generator, 5); i != 0; --i)
        if (generator->is_simple || pick(generator, 3) != 0)
            sl_text_put(out, plain[pick(generator, sizeof(plain) / sizeof(plain[0]))]);
        else
            sl_text_put(out, odd[pick(generator, sizeof(odd) / sizeof(odd[0]))]);
    sl_text_put(out, "\"");
}

static inline void put_document(generator_t *generator, size_t depth, sl_text_t *out)
{
    static const char *const words[] = {"null", "true", "false"};
    size_t kind = pick(generator, depth == 0 ? 3 : 6);
    if (kind == 0) {
        sl_text_put(out, words[pick(generator, 3)]);
    } else if (kind == 1) {
        put_number(generator, out);
    } else if (kind == 2) {
        put_string(generator, out);
    } else {
        bool is_object = kind != 3;
        sl_text_put(out, is_object ? "{" : "[");
        put_blanks(generator, out);
        for (size_t i = 0, count = pick(generator, 6); i != count; ++i) {
            if (i != 0)
                sl_text_put(out, ",");
            put_blanks(generator, out);
            if (is_object) {
                put_string(generator, out);
                put_blanks(generator, out);
                sl_text_put(out, ":");
                put_blanks(generator, out);
            }
            put_document(generator, depth - 1, out);
            put_blanks(generator, out);
        }
        sl_text_put(out, is_object ? "}" : "]");
    }
}

#endif
