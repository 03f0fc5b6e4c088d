/* flow: finds references inside {} and [] and hides their brackets. What it hides by mistake (in a quoted value, in a
 * comment) does no harm, since all of it is shown again. */
#include "flow.h"
#include <ctype.h>

/* U+10FF00 plus the character: four bytes, of which the last two carry it. */
static const char prefix[] = "\xf4\x8f\xbc";
enum { HIDDEN_BYTES = 4, CHARACTER_BITS = 6 };

typedef struct scanner_t {
    const char *at, *end;
    sl_text_t *out;
    unsigned depth; /* of {} and [] */
    char before;    /* the last character that is no blank; a line end at the start of a line */
} scanner_t;

static bool hides(char character)
{
    return character != 0 && strchr("{}[],?:#", character) != NULL;
}

static void hide(scanner_t *scanner, const char *end)
{
    for (; scanner->at < end; ++scanner->at) {
        unsigned character = (unsigned char)*scanner->at;
        if (hides(*scanner->at)) {
            sl_text_append(scanner->out, prefix, 2);
            sl_text_append(scanner->out,
                           (char[]){(char)(0xbc + (character >> CHARACTER_BITS)), (char)(0x80 | (character & 0x3f))},
                           2);
        } else {
            sl_text_append(scanner->out, scanner->at, 1);
        }
    }
}

/* --- how far a reference goes --- */

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && *at == ' ')
        ++at;
    return at;
}

/* Behind the bracket that closes the one at `at`, in one line; `at` itself when none does. */
static const char *skip_brackets(const char *at, const char *end)
{
    const char *from = at;
    unsigned depth = 0;
    char quote = 0;

    for (; at < end && *at != '\n'; ++at) {
        if (quote != 0) {
            if (*at == '\\' && at + 1 < end)
                ++at;
            else if (*at == quote)
                quote = 0;
        } else if (*at == '"' || *at == '\'') {
            quote = *at;
        } else if (*at == '[' || *at == '{') {
            ++depth;
        } else if ((*at == ']' || *at == '}') && --depth == 0) {
            return at + 1;
        }
    }
    return from;
}

/* "$search.body.items[0]" */
static const char *skip_reference(const char *at, const char *end)
{
    for (++at; at < end; ++at) {
        if (*at == '[' || *at == '{') {
            const char *behind = skip_brackets(at, end);
            if (behind == at)
                return at;
            at = behind - 1;
        } else if (!isalnum((unsigned char)*at) && strchr("._-", *at) == NULL && (unsigned char)*at < 0x80) {
            return at;
        }
    }
    return at;
}

/* What stands behind "??": a reference, or any JSON. */
static const char *skip_default(const char *at, const char *end)
{
    if (at < end && *at == '$')
        return skip_reference(at, end);
    if (at < end && (*at == '[' || *at == '{'))
        return skip_brackets(at, end);
    if (at < end && *at == '"') {
        for (++at; at < end && *at != '"' && *at != '\n'; ++at)
            at += *at == '\\' && at + 1 < end;
        return at < end && *at == '"' ? at + 1 : at;
    }
    while (at < end && strchr(" ,]}\n", *at) == NULL)
        ++at;
    return at;
}

/* A whole value: a reference and its chain of defaults. */
static const char *skip_value(const char *at, const char *end)
{
    at = skip_reference(at, end);
    for (;;) {
        const char *mark = skip_blanks(at, end);
        if (end - mark < 2 || memcmp(mark, "??", 2) != 0)
            return at;
        at = skip_default(skip_blanks(mark + 2, end), end);
    }
}

/* --- through the text --- */

static void copy(scanner_t *scanner, const char *end)
{
    for (; scanner->at < end; ++scanner->at) {
        if (strchr(" \t\r", *scanner->at) == NULL)
            scanner->before = *scanner->at;
        sl_text_append(scanner->out, scanner->at, 1);
    }
}

static const char *quoted_end(const scanner_t *scanner)
{
    const char quote = *scanner->at, *at = scanner->at + 1;
    for (; at < scanner->end && *at != quote; ++at)
        at += quote == '"' && *at == '\\' && at + 1 < scanner->end;
    return at < scanner->end ? at + 1 : at;
}

/* Does a value begin here, rather than go on? */
static bool is_begin(const scanner_t *scanner)
{
    return strchr("\n:,[{-?", scanner->before) != NULL;
}

static bool is_comment(const scanner_t *scanner, const char *start)
{
    return *scanner->at == '#' && (scanner->at == start || strchr(" \t\n", scanner->at[-1]) != NULL);
}

static void step(scanner_t *scanner, const char *start)
{
    const char *at = scanner->at, *end = scanner->end;
    char next = at + 1 < end ? at[1] : 0;

    if (is_comment(scanner, start)) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        copy(scanner, line_end != NULL ? line_end : end);
    } else if ((*at == '"' || *at == '\'') && is_begin(scanner)) {
        copy(scanner, quoted_end(scanner));
    } else if (*at == '$' && next == '{' && scanner->depth != 0) {
        hide(scanner, skip_brackets(at + 1, end));
        scanner->before = 'x';
        if (scanner->at == at)
            copy(scanner, at + 1);
    } else if (*at == '$' && (isalpha((unsigned char)next) || next == '_') && is_begin(scanner)) {
        hide(scanner, skip_value(at, end));
        scanner->before = 'x';
    } else {
        if (*at == '[' || *at == '{')
            ++scanner->depth;
        else if ((*at == ']' || *at == '}') && scanner->depth != 0)
            --scanner->depth;
        copy(scanner, at + 1);
    }
}

bool sl_flow_hide(h2o_iovec_t yaml, sl_text_t *out)
{
    scanner_t scanner = {yaml.base, yaml.base + yaml.len, out, 0, '\n'};
    if (memmem(yaml.base, yaml.len, prefix, 3) != NULL || memmem(yaml.base, yaml.len, "\xf4\x8f\xbd", 3) != NULL) {
        sl_text_append(out, yaml.base, yaml.len);
        return false;
    }
    while (scanner.at < scanner.end)
        step(&scanner, yaml.base);
    return true;
}

size_t sl_flow_show(char *bytes, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0; i < len;) {
        const unsigned char *at = (const unsigned char *)bytes + i;
        if (len - i >= HIDDEN_BYTES && at[0] == 0xf4 && at[1] == 0x8f && (at[2] == 0xbc || at[2] == 0xbd)) {
            bytes[kept++] = (char)((at[2] - 0xbc) << CHARACTER_BITS | (at[3] & 0x3f));
            i += HIDDEN_BYTES;
        } else {
            bytes[kept++] = bytes[i++];
        }
    }
    return kept;
}
