/*
 * pattern: what the configuration may write as a route's pattern, and which two patterns cannot live together.
 *
 * Two patterns can only get into each other's way when they have the same path, segment by segment: where they differ,
 * the first difference decides which one is asked first, and the one asked first is always the narrower one. What
 * remains is the host, the methods and the header conditions.
 */
#include "segment.h"
#include "sluice/escape.h"
#include "sluice/path.h"
#include "sluice/route_table.h"
#include <ctype.h>
#include <stdlib.h>

#define PARAMETERS_MAX (sizeof(((sl_route_match_t *)0)->parameters) / sizeof(h2o_iovec_t))

static bool has_any(h2o_iovec_t bytes, const char *characters)
{
    for (size_t i = 0; i != bytes.len; ++i)
        if (bytes.base[i] != '\0' && strchr(characters, bytes.base[i]) != NULL)
            return true;
    return false;
}

/* Only what normalising would leave as it is can ever match. */
static const char *check_literal(h2o_iovec_t segment)
{
    if (segment.len == 0)
        return NULL;
    if (sl_bytes_equal(segment, SL_LIT(".")) || sl_bytes_equal(segment, SL_LIT("..")))
        return "'.' and '..' are resolved before matching";

    h2o_iovec_t path = {h2o_mem_alloc(segment.len + 1), segment.len + 1};
    path.base[0] = '/';
    memcpy(path.base + 1, segment.base, segment.len);
    char *normal = h2o_mem_alloc(3 * path.len + 1);
    size_t len;
    sl_path_error_t error = sl_path_normalise(path, normal, &len);
    bool is_normal = error == SL_PATH_OK && sl_bytes_equal(path, sl_bytes(normal, len));
    free(normal);
    free(path.base);

    if (error != SL_PATH_OK)
        return sl_path_error_text(error);
    return is_normal ? NULL
                     : "not in normal form: escape what may not stand in a path, and nothing else, with upper-case hex "
                       "digits";
}

static const char *check_parameter(h2o_iovec_t segment)
{
    h2o_iovec_t inner = sl_bytes(segment.base + 1, segment.len - 1);

    if (segment.base[0] != '{')
        return has_any(segment, "{") ? "'{name}' must be a whole segment" : "'}' without '{'";
    if (!has_any(segment, "}"))
        return "'{' without '}'";
    --inner.len;
    if (inner.base[inner.len] != '}' || has_any(inner, "{}"))
        return "'{name}' must be a whole segment";
    for (size_t i = 0; i != inner.len; ++i)
        if (!isalnum((unsigned char)inner.base[i]) && inner.base[i] != '_')
            return "a parameter's name is made of letters, digits and '_'";
    return inner.len == 0 ? "a parameter needs a name" : NULL;
}

static bool is_among(const h2o_iovec_t *list, size_t count, h2o_iovec_t bytes)
{
    for (size_t i = 0; i != count; ++i)
        if (sl_bytes_equal(list[i], bytes))
            return true;
    return false;
}

static const char *check_segment(h2o_iovec_t segment, bool is_last)
{
    if (segment.len == 0 && !is_last)
        return "doubled '/': they are made one before matching";
    if (has_any(segment, "*"))
        return is_last && segment.len == 1 ? NULL : "'*' stands only at the end, as a whole segment";
    return has_any(segment, "{}") ? check_parameter(segment) : check_literal(segment);
}

const char *sl_pattern_check_path(h2o_iovec_t path)
{
    h2o_iovec_t names[PARAMETERS_MAX], segment;
    size_t name_count = 0;

    if (path.len == 0 || path.base[0] != '/')
        return "must begin with '/'";
    if (has_any(path, "?#"))
        return "'?' and '#' are no part of a path";
    for (h2o_iovec_t rest = path; sl_segment_next(&rest, &segment);) {
        const char *error = check_segment(segment, rest.len == 0);
        if (error != NULL)
            return error;
        if (!sl_segment_is_parameter(segment))
            continue;
        if (is_among(names, name_count, segment))
            return "two parameters of one name";
        if (name_count == PARAMETERS_MAX)
            return "more than 16 parameters";
        names[name_count++] = segment;
    }
    return NULL;
}

static bool is_same_path(h2o_iovec_t a, h2o_iovec_t b)
{
    h2o_iovec_t one, other;

    while (sl_segment_next(&a, &one)) {
        if (!sl_segment_next(&b, &other) || sl_segment_is_rest(one) != sl_segment_is_rest(other) ||
            sl_segment_is_parameter(one) != sl_segment_is_parameter(other))
            return false;
        if (!sl_segment_is_parameter(one) && !sl_segment_equal(one, other))
            return false;
    }
    return b.len == 0;
}

/* For lists where none means any, and any is a rank of its own: an empty list shares only with another one. */
static bool shares_one(const h2o_iovec_t *a, size_t a_count, const h2o_iovec_t *b, size_t b_count)
{
    for (size_t i = 0; i != a_count; ++i)
        if (is_among(b, b_count, a[i]))
            return true;
    return a_count == 0 && b_count == 0;
}

static bool has_all(const h2o_iovec_t *a, size_t a_count, const h2o_iovec_t *b, size_t b_count)
{
    for (size_t i = 0; i != b_count; ++i)
        if (!is_among(a, a_count, b[i]))
            return false;
    return (a_count == 0) == (b_count == 0);
}

static int count_values(const sl_pattern_t *pattern)
{
    int count = 0;

    for (size_t i = 0; i != pattern->header_count; ++i)
        count += pattern->headers[i].value.base != NULL;
    return count;
}

int sl_pattern_compare_headers(const sl_pattern_t *a, const sl_pattern_t *b)
{
    if (a->header_count != b->header_count)
        return a->header_count > b->header_count ? 1 : -1;
    return count_values(a) - count_values(b);
}

/* One value each and not the same: no request meets both. */
static bool exclude_each_other(const sl_pattern_t *a, const sl_pattern_t *b)
{
    for (size_t i = 0; i != a->header_count; ++i)
        for (size_t j = 0; j != b->header_count; ++j)
            if (sl_bytes_equal(a->headers[i].name, b->headers[j].name) && a->headers[i].value.base != NULL &&
                b->headers[j].value.base != NULL && !sl_bytes_equal(a->headers[i].value, b->headers[j].value))
                return true;
    return false;
}

static bool implies(const sl_pattern_t *pattern, const sl_header_condition_t *condition)
{
    for (size_t i = 0; i != pattern->header_count; ++i)
        if (sl_bytes_equal(pattern->headers[i].name, condition->name) &&
            (condition->value.base == NULL ||
             (pattern->headers[i].value.base != NULL && sl_bytes_equal(pattern->headers[i].value, condition->value))))
            return true;
    return false;
}

/* Is `a` asked first, and takes all that `b` would? Of one path that needs conditions that say the same thing twice. */
static bool hides(const sl_pattern_t *a, const sl_pattern_t *b)
{
    if (sl_pattern_compare_headers(a, b) <= 0 || !has_all(a->hosts, a->host_count, b->hosts, b->host_count) ||
        !has_all(a->methods, a->method_count, b->methods, b->method_count))
        return false;
    for (size_t i = 0; i != a->header_count; ++i)
        if (!implies(b, &a->headers[i]))
            return false;
    return true;
}

int sl_pattern_conflict(const sl_pattern_t *patterns, size_t index)
{
    const sl_pattern_t *pattern = &patterns[index];

    for (size_t i = 0; i != index; ++i) {
        const sl_pattern_t *earlier = &patterns[i];
        if (!is_same_path(earlier->path, pattern->path) ||
            !shares_one(earlier->hosts, earlier->host_count, pattern->hosts, pattern->host_count) ||
            !shares_one(earlier->methods, earlier->method_count, pattern->methods, pattern->method_count))
            continue;
        bool is_tie = sl_pattern_compare_headers(earlier, pattern) == 0 && !exclude_each_other(earlier, pattern);
        if (is_tie || hides(earlier, pattern) || hides(pattern, earlier))
            return (int)i;
    }
    return -1;
}

/* --- parameters --- */

static h2o_iovec_t next_segment(h2o_iovec_t *rest)
{
    const char *slash = rest->len == 0 ? NULL : memchr(rest->base, '/', rest->len);
    h2o_iovec_t segment = sl_bytes(rest->base, slash == NULL ? rest->len : (size_t)(slash - rest->base));
    size_t used = segment.len + (slash != NULL);
    *rest = sl_bytes(rest->base + used, rest->len - used);
    return segment;
}

h2o_iovec_t sl_pattern_parameter(h2o_iovec_t pattern, h2o_iovec_t path, h2o_iovec_t name)
{
    while (pattern.len != 0) {
        h2o_iovec_t written = next_segment(&pattern), value = next_segment(&path);
        bool is_parameter = written.len > 2 && written.base[0] == '{';
        if (is_parameter && sl_bytes_equal(sl_bytes(written.base + 1, written.len - 2), name))
            return value;
    }
    return sl_bytes(NULL, 0);
}
