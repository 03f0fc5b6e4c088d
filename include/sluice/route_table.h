/*
 * route_table: which route serves this request? Pure: built once from patterns, asked for each request, never changed.
 *
 * Path patterns: "/a/b" exact; "/a/{id}/b" with parameters (one segment each); "/a/b/" + "*" (written "/a/b/ *" without
 * the blank) is a prefix: it matches "/a/b" itself and everything below. "/" + "*" matches everything. Matching is done
 * on the normalised path (path.h), case-sensitive. A literal also matches with escapes of characters that need none
 * ("%3A" for ':'); {parameter} takes no empty segment.
 *
 * Most specific wins, decided in this order:
 *   1. host: exact, then the longest "*.suffix", then any host
 *   2. path, segment by segment from the left: literal before {parameter} before prefix end
 *   3. method: a route that names methods before one that takes all
 *   4. headers: more conditions before fewer, then more with a value before fewer
 * Two patterns that tie on all four and can match the same request are a conflict, and a pattern that can never be
 * reached is an error of the configuration.
 */
#ifndef SLUICE_ROUTE_TABLE_H
#define SLUICE_ROUTE_TABLE_H

#include "sluice/bytes.h"

typedef struct sl_header_condition_t {
    h2o_iovec_t name;  /* lower case */
    h2o_iovec_t value; /* exact; base NULL: the header must be there with any value */
} sl_header_condition_t;

/* All bytes are owned by whoever made the pattern and outlive the table. */
typedef struct sl_pattern_t {
    h2o_iovec_t path;
    h2o_iovec_t *hosts; /* lower case, exact or "*.suffix"; none: any host */
    size_t host_count;
    /* upper case; none: any. GET also serves HEAD unless a route for HEAD does, of the same path */
    h2o_iovec_t *methods;
    size_t method_count;
    sl_header_condition_t *headers;
    size_t header_count;
} sl_pattern_t;

typedef struct sl_route_table_t sl_route_table_t;

/* Checks the written form of one path pattern. NULL for well, else what is wrong ("'{' without '}'"), a static text. */
const char *sl_pattern_check_path(h2o_iovec_t path);

/* What stands for {name} in a path that matched, still encoded; base NULL when the pattern has no such parameter. */
h2o_iovec_t sl_pattern_parameter(h2o_iovec_t pattern, h2o_iovec_t path, h2o_iovec_t name);

/* Index of the first pattern among the earlier ones that conflicts with pattern `index`, hides it or is hidden by it;
 * -1 when none does. */
int sl_pattern_conflict(const sl_pattern_t *patterns, size_t index);

/* Rule 4: above 0 when the header conditions of `a` are asked before those of `b`, 0 for a tie. */
int sl_pattern_compare_headers(const sl_pattern_t *a, const sl_pattern_t *b);

/* `patterns` stay borrowed for the life of the table; index i of the answer is index i of the array. */
sl_route_table_t *sl_route_table_create(const sl_pattern_t *const *patterns, size_t count);
void sl_route_table_destroy(sl_route_table_t *table);

typedef struct sl_request_line_t {
    h2o_iovec_t host; /* lower case, without port */
    h2o_iovec_t method;
    h2o_iovec_t path; /* normalised */
    /* value of a header by lower-case name, base NULL when absent; `data` is handed back */
    h2o_iovec_t (*find_header)(void *data, h2o_iovec_t name);
    void *data;
} sl_request_line_t;

typedef struct sl_route_match_t {
    int index;                  /* of the pattern, -1 when none */
    bool path_known;            /* with index -1: a route has this host, path and headers but not this method (405) */
    h2o_iovec_t parameters[16]; /* values of {..} in order, slices of request->path */
    size_t parameter_count;
} sl_route_match_t;

/* Cost grows with the length of the path, not with the number of routes (hashed segments). */
void sl_route_table_find(const sl_route_table_t *table, const sl_request_line_t *request, sl_route_match_t *match);

/* The methods that host, path and headers would take, for Allow (RFC 9110 §10.2.1): "GET, HEAD, POST" into `text`;
 * returns its length, at most `size`. */
size_t sl_route_table_allow(const sl_route_table_t *table, const sl_request_line_t *request, char *text, size_t size);

#endif
