/* environment: replaces references to variables in one value. */
#include "environment.h"
#include "report.h"
#include <ctype.h>
#include <stdlib.h>

enum { NESTING_MAX = 8 };

typedef struct reference_t {
    h2o_iovec_t name;
    h2o_iovec_t fallback; /* base NULL: none given */
    size_t len;           /* of the whole "${...}" */
} reference_t;

static bool expand(h2o_iovec_t text, unsigned depth, sl_text_t *out, sl_text_t *problem);

static size_t name_length(h2o_iovec_t text)
{
    size_t len = 0;
    while (len < text.len && (isalpha((unsigned char)text.base[len]) || text.base[len] == '_' ||
                              (len > 0 && isdigit((unsigned char)text.base[len]))))
        ++len;
    return len;
}

/* Index of the '}' that belongs to a "${" before `text`; text.len when there is none. */
static size_t closing_brace(h2o_iovec_t text)
{
    size_t open = 0;
    for (size_t i = 0; i < text.len; ++i) {
        if (text.base[i] == '$' && i + 1 < text.len && text.base[i + 1] == '{')
            ++open;
        else if (text.base[i] == '}' && open-- == 0)
            return i;
    }
    return text.len;
}

/* `text` begins with "${". */
static bool split(h2o_iovec_t text, reference_t *reference)
{
    h2o_iovec_t inner = sl_bytes(text.base + 2, text.len - 2);
    size_t end = closing_brace(inner);
    reference->name = sl_bytes(inner.base, name_length(inner));
    if (end == inner.len || reference->name.len == 0)
        return false;
    reference->len = end + 3;

    h2o_iovec_t rest = sl_bytes(inner.base + reference->name.len, end - reference->name.len);
    if (rest.len == 0)
        return true;
    reference->fallback = sl_bytes(rest.base + 2, rest.len - 2);
    return rest.len >= 2 && rest.base[0] == ':' && rest.base[1] == '-';
}

/* Variables come from outside the file, where YAML has not checked their bytes (RFC 3629). */
static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != 0;) {
        unsigned more = *at < 0x80                  ? 0
                        : *at >= 0xc2 && *at < 0xe0 ? 1
                        : (*at & 0xf0) == 0xe0      ? 2
                        : *at >= 0xf0 && *at < 0xf5 ? 3
                                                    : 4;
        bool is_overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
        bool is_outside = (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf4 && at[1] >= 0x90);
        if (more == 4 || is_overlong || is_outside)
            return false;
        for (++at; more > 0; --more, ++at)
            if ((*at & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static bool put_variable(const reference_t *reference, unsigned depth, sl_text_t *out, sl_text_t *problem)
{
    char name[128];
    if (reference->name.len >= sizeof(name)) {
        sl_text_put(problem, "the name of the environment variable is too long");
        return false;
    }
    memcpy(name, reference->name.base, reference->name.len);
    name[reference->name.len] = 0;

    const char *value = getenv(name);
    if (value != NULL && !is_utf8(value)) {
        sl_text_format(problem, "the environment variable %s is not UTF-8", name);
        return false;
    }
    if (value != NULL && (*value != 0 || reference->fallback.base == NULL)) {
        sl_text_put(out, value);
        return true;
    }
    if (reference->fallback.base != NULL)
        return expand(reference->fallback, depth + 1, out, problem);
    sl_text_format(problem, "the environment variable %s is not set and has no default (${%s:-default})", name, name);
    return false;
}

static bool expand(h2o_iovec_t text, unsigned depth, sl_text_t *out, sl_text_t *problem)
{
    if (depth > NESTING_MAX) {
        sl_text_put(problem, "defaults of environment variables are nested too deep");
        return false;
    }
    for (size_t i = 0; i < text.len;) {
        char next = i + 1 < text.len ? text.base[i + 1] : 0;
        reference_t reference = {.len = 0};
        if (text.base[i] == '$' && next == '{') {
            h2o_iovec_t here = sl_bytes(text.base + i, text.len - i);
            if (!split(here, &reference)) {
                sl_text_format(problem,
                               "'%.*s' is no reference to a variable: ${NAME} or ${NAME:-default} ($$ is a dollar)",
                               sl_shown(here), here.base);
                return false;
            }
            if (!put_variable(&reference, depth, out, problem))
                return false;
            i += reference.len;
        } else {
            sl_text_append(out, text.base + i, 1);
            i += text.base[i] == '$' && next == '$' ? 2 : 1;
        }
    }
    return true;
}

bool sl_environment_expand(h2o_iovec_t text, sl_text_t *out, sl_text_t *problem)
{
    return expand(text, 0, out, problem);
}
