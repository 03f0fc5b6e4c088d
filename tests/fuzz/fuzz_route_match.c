/* Whatever the patterns and the request: the table finds what a plain comparison of all patterns by the written rules
 * finds.
 *
 * The input is lines. The first is "METHOD host path"; each other one is a pattern: "METHOD host path", where '-'
 * stands for any method or host. Patterns that a configuration would refuse are left out, as the reader does. */
#include "policy/segment.h"
#include "sluice/path.h"
#include "sluice/route_table.h"
#include <stdint.h>
#include <stdlib.h>

#define PATTERNS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct line_t {
    h2o_iovec_t method, host, path;
} line_t;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static h2o_iovec_t cut(h2o_iovec_t *rest, char border)
{
    const char *at = rest->len == 0 ? NULL : memchr(rest->base, border, rest->len);
    size_t len = at == NULL ? rest->len : (size_t)(at - rest->base);
    h2o_iovec_t part = sl_bytes(rest->base, len);
    size_t used = len + (at != NULL);
    *rest = sl_bytes(rest->base + used, rest->len - used);
    return part;
}

static line_t cut_line(h2o_iovec_t *rest)
{
    h2o_iovec_t text = cut(rest, '\n');
    line_t line;
    line.method = cut(&text, ' ');
    line.host = cut(&text, ' ');
    line.path = text;
    return line;
}

static bool is_any(h2o_iovec_t word)
{
    return sl_bytes_equal(word, SL_LIT("-"));
}

/* No host name has one; the framing check refuses such a request long before it is routed. */
static bool has_escape(h2o_iovec_t host)
{
    return host.len != 0 && memchr(host.base, '%', host.len) != NULL;
}

/* --- the rules of route_table.h, one pattern at a time --- */

/* 0: no match; more is more specific. An exact host beats every suffix, a suffix every shorter one. */
static size_t host_rank(const sl_pattern_t *pattern, h2o_iovec_t host)
{
    if (pattern->host_count == 0)
        return 1;
    h2o_iovec_t wanted = pattern->hosts[0];
    if (wanted.len < 2 || wanted.base[0] != '*')
        return sl_segment_equal(wanted, host) ? SIZE_MAX : 0;
    h2o_iovec_t suffix = sl_bytes(wanted.base + 1, wanted.len - 1);
    if (suffix.base[0] != '.' || host.len <= suffix.len || host.len > 253)
        return 0;
    h2o_iovec_t tail = sl_bytes(host.base + host.len - suffix.len, suffix.len);
    return sl_bytes_equal(tail, suffix) ? 1 + suffix.len : 0;
}

/* A letter per segment, so that comparing two ranks as text compares the paths from the left; false: no match. */
static bool path_rank(h2o_iovec_t pattern, h2o_iovec_t path, char *rank)
{
    h2o_iovec_t wanted, segment;
    while (sl_segment_next(&pattern, &wanted)) {
        bool has_segment = sl_segment_next(&path, &segment);
        if (sl_segment_is_rest(wanted)) {
            memcpy(rank, "a", 2);
            return true;
        }
        if (!has_segment)
            return false;
        if (sl_segment_is_parameter(wanted) ? segment.len == 0 : !sl_segment_equal(wanted, segment))
            return false;
        *rank++ = sl_segment_is_parameter(wanted) ? 'b' : 'c';
    }
    memcpy(rank, "d", 2);
    return path.len == 0;
}

static int method_rank(const sl_pattern_t *pattern, h2o_iovec_t method)
{
    if (pattern->method_count == 0)
        return 1;
    if (sl_bytes_equal(pattern->methods[0], method))
        return 3;
    return sl_bytes_equal(method, SL_LIT("HEAD")) && sl_bytes_equal(pattern->methods[0], SL_LIT("GET")) ? 2 : 0;
}

typedef struct best_t {
    int index, method;
    size_t host;
    char *path;
    bool path_known;
} best_t;

static void consider(best_t *best, const sl_pattern_t *pattern, int index, const sl_request_line_t *request)
{
    char *path = malloc(request->path.len + pattern->path.len + 2);
    size_t host = host_rank(pattern, request->host);
    int method = method_rank(pattern, request->method), order;

    if (host == 0 || !path_rank(pattern->path, request->path, path)) {
        free(path);
        return;
    }
    best->path_known = true;
    order = best->index < 0 ? 1 : (host > best->host) - (host < best->host);
    if (order == 0)
        order = strcmp(path, best->path);
    if (order == 0)
        order = method - best->method;
    if (method == 0 || order <= 0) {
        free(path);
        return;
    }
    free(best->path);
    *best = (best_t){index, method, host, path, true};
}

static void check(const sl_pattern_t *patterns, size_t count, const sl_request_line_t *request)
{
    const sl_pattern_t *list[PATTERNS_MAX];
    best_t best = {.index = -1};
    sl_route_match_t match;
    char allow[64];

    for (size_t i = 0; i != count; ++i) {
        list[i] = &patterns[i];
        consider(&best, &patterns[i], (int)i, request);
    }
    sl_route_table_t *table = sl_route_table_create(list, count);
    sl_route_table_find(table, request, &match);
    require(match.index == best.index);
    require(match.index >= 0 || match.path_known == best.path_known);
    for (size_t i = 0; i != match.parameter_count; ++i)
        require(match.parameters[i].base >= request->path.base &&
                match.parameters[i].base + match.parameters[i].len <= request->path.base + request->path.len);
    require(sl_route_table_allow(table, request, allow, sizeof allow) <= sizeof allow);
    sl_route_table_destroy(table);
    free(best.path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sl_pattern_t patterns[PATTERNS_MAX];
    static line_t lines[PATTERNS_MAX];
    h2o_iovec_t rest = sl_bytes((const char *)data, size);
    if (size == 0)
        return 0;
    line_t first = cut_line(&rest);
    size_t count = 0;

    while (rest.len != 0 && count != PATTERNS_MAX) {
        line_t *line = &lines[count];
        *line = cut_line(&rest);
        if (sl_pattern_check_path(line->path) != NULL || has_escape(line->host))
            continue;
        patterns[count] = (sl_pattern_t){.path = line->path,
                                         .hosts = is_any(line->host) ? NULL : &line->host,
                                         .host_count = !is_any(line->host),
                                         .methods = is_any(line->method) ? NULL : &line->method,
                                         .method_count = !is_any(line->method)};
        if (sl_pattern_conflict(patterns, count) < 0)
            ++count;
    }

    char *normal = malloc(3 * first.path.len + 1);
    size_t len;
    if (!has_escape(first.host) && sl_path_normalise(first.path, normal, &len) == SL_PATH_OK) {
        sl_request_line_t request = {first.host, first.method, sl_bytes(normal, len), NULL, NULL};
        check(patterns, count, &request);
    }
    free(normal);
    return 0;
}
