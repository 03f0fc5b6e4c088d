/* framing: heads of HTTP/1, and the words for what is wrong with a head. HTTP/2 is in framing_http2.c. */
#include "sluice/framing.h"
#include "sluice/octets.h"
#include <ctype.h>

const bool sl_token_characters[256] = {['!'] = true,         ['#' ... '\''] = true, ['*'] = true,
                                       ['+'] = true,         ['-'] = true,          ['.'] = true,
                                       ['0' ... '9'] = true, ['A' ... 'Z'] = true,  ['^' ... '`'] = true,
                                       ['a' ... 'z'] = true, ['|'] = true,          ['~'] = true};

bool sl_is_token(h2o_iovec_t text)
{
    for (size_t i = 0; i != text.len; ++i)
        if (!sl_is_token_character((unsigned char)text.base[i]))
            return false;
    return text.len != 0;
}

static bool is_port(const char *text, size_t len)
{
    for (size_t i = 0; i != len; ++i)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return len <= 5;
}

static bool is_bracketed(h2o_iovec_t text)
{
    const char *close = memchr(text.base, ']', text.len);

    if (close == NULL || close == text.base + 1)
        return false;
    for (const char *c = text.base + 1; c != close; ++c)
        if (!isxdigit((unsigned char)*c) && *c != ':' && *c != '.')
            return false;
    size_t rest = text.len - (size_t)(close + 1 - text.base);
    return rest == 0 || (close[1] == ':' && is_port(close + 2, rest - 1));
}

bool sl_is_authority(h2o_iovec_t text)
{
    if (text.len == 0)
        return true;
    if (text.base[0] == '[')
        return is_bracketed(text);
    const char *colon = memchr(text.base, ':', text.len);
    size_t host_len = colon != NULL ? (size_t)(colon - text.base) : text.len;
    for (size_t i = 0; i != host_len; ++i)
        if (!isalnum((unsigned char)text.base[i]) &&
            (text.base[i] == '\0' || strchr("-._~!$&'()*+;=", text.base[i]) == NULL))
            return false;
    return host_len != 0 && (colon == NULL || is_port(colon + 1, text.len - host_len - 1));
}

/* Visible ASCII and, as many clients send them raw, bytes from 0x80 on (they are encoded when the path is normalised).
 */
bool sl_is_target(h2o_iovec_t target, h2o_iovec_t method)
{
    for (size_t i = 0; i != target.len; ++i) {
        unsigned char c = (unsigned char)target.base[i];
        if (c <= 0x20 || c == 0x7f || c == '#')
            return false;
    }
    if (sl_bytes_equal(target, SL_LIT("*")))
        return sl_bytes_equal(method, SL_LIT("OPTIONS"));
    return target.len != 0 && !sl_bytes_equal(method, SL_LIT("CONNECT")); /* which takes an authority, and a tunnel */
}

bool sl_target_split(h2o_iovec_t target, h2o_iovec_t *authority, h2o_iovec_t *rest)
{
    size_t scheme = target.len >= 7 && strncasecmp(target.base, "http://", 7) == 0    ? 7
                    : target.len >= 8 && strncasecmp(target.base, "https://", 8) == 0 ? 8
                                                                                      : 0;
    size_t end = scheme;

    if (scheme == 0)
        return false;
    while (end != target.len && target.base[end] != '/' && target.base[end] != '?')
        ++end;
    *authority = sl_bytes(target.base + scheme, end - scheme);
    *rest = sl_bytes(target.base + end, target.len - end);
    return true;
}

static sl_framing_error_t check_target(h2o_iovec_t target, h2o_iovec_t method)
{
    h2o_iovec_t authority, rest;

    if (!sl_is_target(target, method))
        return SL_FRAMING_TARGET;
    if (target.base[0] == '/' || target.base[0] == '*')
        return SL_FRAMING_OK;
    if (!sl_target_split(target, &authority, &rest))
        return SL_FRAMING_TARGET;
    return authority.len != 0 && sl_is_authority(authority) ? SL_FRAMING_OK : SL_FRAMING_TARGET_HOST;
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

bool sl_is_field_value(h2o_iovec_t value)
{
    size_t i = 0;

    for (; value.len - i >= SL_OCTETS; i += SL_OCTETS) {
        uint64_t octets = sl_octets_at(value.base + i);
        if ((sl_octets_below(octets, 0x20) | sl_octets_equal(octets, 0x7f)) != 0)
            break; /* perhaps only a tab */
    }
    for (; i != value.len; ++i)
        if (is_control((unsigned char)value.base[i]))
            return false;
    return true;
}

static bool is_length(h2o_iovec_t value)
{
    value = sl_bytes_trim(value);
    for (size_t i = 0; i != value.len; ++i)
        if (!isdigit((unsigned char)value.base[i]))
            return false;
    return value.len != 0 && value.len <= 19;
}

/* Takes the next element of a comma-separated list, trimmed; false at its end. */
static bool take_element(h2o_iovec_t *list, h2o_iovec_t *element)
{
    if (list->base == NULL)
        return false;
    const char *comma = list->len != 0 ? memchr(list->base, ',', list->len) : NULL;
    size_t len = comma != NULL ? (size_t)(comma - list->base) : list->len;
    *element = sl_bytes_trim(sl_bytes(list->base, len));
    *list = comma != NULL ? sl_bytes(comma + 1, list->len - len - 1) : sl_bytes(NULL, 0);
    return true;
}

/* RFC 9112 §6.1: a coding that is not understood is 501, a list that does not end with "chunked" cannot be framed. */
static sl_framing_error_t check_coding(h2o_iovec_t value)
{
    h2o_iovec_t element = {NULL, 0};
    size_t count = 0, chunked = 0;

    while (take_element(&value, &element)) {
        if (!sl_is_token(element))
            return SL_FRAMING_BAD_CODING;
        ++count;
        chunked += sl_bytes_equal_fold(element, SL_LIT("chunked"));
    }
    if (chunked > 1 || (chunked == 1 && !sl_bytes_equal_fold(element, SL_LIT("chunked"))))
        return SL_FRAMING_BAD_CODING;
    return count == 1 && chunked == 1 ? SL_FRAMING_OK : SL_FRAMING_UNKNOWN_CODING;
}

typedef struct counts_t {
    size_t hosts, lengths, codings;
} counts_t;

static sl_framing_error_t check_special(const sl_head_field_t *field, counts_t *counts)
{
    if (sl_bytes_equal_fold(field->name, SL_LIT("host"))) {
        ++counts->hosts;
        return sl_is_authority(sl_bytes_trim(field->value)) ? SL_FRAMING_OK : SL_FRAMING_BAD_HOST;
    }
    if (sl_bytes_equal_fold(field->name, SL_LIT("content-length"))) {
        ++counts->lengths;
        return is_length(field->value) ? SL_FRAMING_OK : SL_FRAMING_BAD_LENGTH;
    }
    if (sl_bytes_equal_fold(field->name, SL_LIT("transfer-encoding"))) {
        ++counts->codings;
        return check_coding(field->value);
    }
    if (sl_bytes_equal_fold(field->name, SL_LIT("expect")))
        return sl_bytes_equal_fold(sl_bytes_trim(field->value), SL_LIT("100-continue")) ? SL_FRAMING_OK
                                                                                        : SL_FRAMING_EXPECTATION;
    return SL_FRAMING_OK;
}

static sl_framing_error_t check_field(const sl_head_field_t *field, counts_t *counts)
{
    if (field->name.len == 0)
        return SL_FRAMING_FOLDED;
    if (!sl_is_token(field->name))
        return SL_FRAMING_FIELD_NAME;
    if (!sl_is_field_value(field->value))
        return SL_FRAMING_FIELD_VALUE;
    return check_special(field, counts);
}

static sl_framing_error_t check_counts(const counts_t *counts, int minor_version)
{
    if (counts->hosts > 1 || (counts->hosts == 0 && minor_version >= 1))
        return SL_FRAMING_NO_HOST;
    if (counts->lengths > 1)
        return SL_FRAMING_TWO_LENGTHS;
    if (counts->codings > 1)
        return SL_FRAMING_TWO_CODINGS;
    if (counts->lengths != 0 && counts->codings != 0)
        return SL_FRAMING_LENGTH_AND_CODING;
    if (counts->codings != 0 && minor_version == 0)
        return SL_FRAMING_CODING_IN_1_0;
    return SL_FRAMING_OK;
}

/* What can be read two ways outranks what is merely not understood: the former is found in every field first. */
static bool is_worse(sl_framing_error_t error, sl_framing_error_t so_far)
{
    if (error == SL_FRAMING_OK)
        return false;
    return so_far == SL_FRAMING_OK || (sl_framing_error_status(so_far) != 400 && sl_framing_error_status(error) == 400);
}

sl_framing_error_t sl_framing_check(const sl_head_t *head, const sl_head_limits_t *limits)
{
    counts_t counts = {0, 0, 0};
    sl_framing_error_t worst = SL_FRAMING_OK;

    if (!sl_is_token(head->method))
        return SL_FRAMING_METHOD;
    if (head->target.len > limits->target)
        return SL_FRAMING_TARGET_LONG;
    sl_framing_error_t error = check_target(head->target, head->method);
    if (error != SL_FRAMING_OK)
        return error;
    if (head->field_count > limits->lines)
        return SL_FRAMING_TOO_MANY;
    for (size_t i = 0; i != head->field_count; ++i) {
        error = check_field(&head->fields[i], &counts);
        if (is_worse(error, worst))
            worst = error;
    }
    error = check_counts(&counts, head->minor_version);
    return is_worse(error, worst) ? error : worst;
}

/* --- heads that no parser takes --- */

/* "HTTP/" digit "." digit, of another version than 1.x. The name is case-sensitive (RFC 9112 §2.3). */
static bool is_other_version(h2o_iovec_t word)
{
    return word.len >= 6 && memcmp(word.base, "HTTP/", 5) == 0 && isdigit((unsigned char)word.base[5]) &&
           !(word.len >= 7 && word.base[5] == '1' && word.base[6] == '.');
}

static h2o_iovec_t first_line(h2o_iovec_t head)
{
    const char *end = head.len != 0 ? memchr(head.base, '\n', head.len) : NULL;
    size_t len = end != NULL ? (size_t)(end - head.base) : head.len;

    return sl_bytes(head.base, len != 0 && head.base[len - 1] == '\r' ? len - 1 : len);
}

static h2o_iovec_t last_word(h2o_iovec_t line)
{
    size_t at = line.len;

    while (at != 0 && line.base[at - 1] != ' ')
        --at;
    return sl_bytes(line.base + at, line.len - at);
}

static size_t count_lines(h2o_iovec_t head)
{
    size_t count = 0, line_began = 0;

    for (size_t i = 0; i != head.len; ++i) {
        if (head.base[i] != '\n')
            continue;
        if (i - line_began <= 1 && count != 0) /* the empty line that ends a head */
            break;
        ++count;
        line_began = i + 1;
    }
    return count;
}

#define BESIDE_TARGET 64 /* in a request line: method, blanks, version */

sl_framing_error_t sl_framing_explain(h2o_iovec_t head, const sl_head_limits_t *limits)
{
    while (head.len != 0 && (head.base[0] == '\r' || head.base[0] == '\n'))
        head = sl_bytes(head.base + 1, head.len - 1);
    h2o_iovec_t line = first_line(head), version = last_word(line);

    if (is_other_version(version))
        return SL_FRAMING_VERSION;
    if (line.len > limits->target + BESIDE_TARGET)
        return SL_FRAMING_TARGET_LONG;
    if (line.len == head.len) /* not even one line: the parser stumbled over a character */
        return SL_FRAMING_SYNTAX;
    if (line.len > 4 && memcmp(line.base, "GET /", 5) == 0 && version.base == line.base + 4)
        return SL_FRAMING_VERSION; /* HTTP/0.9 had a method and a path, and no version */
    return count_lines(head) > limits->lines + 1 ? SL_FRAMING_TOO_MANY : SL_FRAMING_SYNTAX;
}

sl_framing_error_t sl_framing_check_part(size_t len, size_t line_ends, const sl_head_limits_t *limits)
{
    if (line_ends == 0 && len > limits->target + BESIDE_TARGET)
        return SL_FRAMING_TARGET_LONG;
    if (len > limits->bytes)
        return SL_FRAMING_TOO_LONG;
    return line_ends > limits->lines + 2 ? SL_FRAMING_TOO_MANY : SL_FRAMING_OK; /* request line, an empty one before */
}

/* --- persistence --- */

void sl_persistence_note(sl_persistence_t *persistence, h2o_iovec_t connection_value)
{
    h2o_iovec_t element;

    while (take_element(&connection_value, &element)) {
        persistence->says_close |= sl_bytes_equal_fold(element, SL_LIT("close"));
        persistence->says_keep_alive |= sl_bytes_equal_fold(element, SL_LIT("keep-alive"));
    }
}

bool sl_persistence_decide(const sl_persistence_t *persistence, bool is_http_1_0)
{
    return !persistence->says_close && (!is_http_1_0 || persistence->says_keep_alive);
}

/* --- the rows --- */

const char *sl_framing_error_text(sl_framing_error_t error)
{
    static const char *const texts[] = {"",
#define X(id, status, text, advice) text,
                                        SL_FRAMING_ERRORS(X)
#undef X
    };
    return texts[error];
}

const char *sl_framing_error_advice(sl_framing_error_t error)
{
    static const char *const sentences[] = {"",
#define X(id, status, text, advice) advice,
                                            SL_FRAMING_ERRORS(X)
#undef X
    };
    return sentences[error];
}

int sl_framing_error_status(sl_framing_error_t error)
{
    static const int statuses[] = {200,
#define X(id, status, text, advice) status,
                                   SL_FRAMING_ERRORS(X)
#undef X
    };
    return statuses[error];
}
