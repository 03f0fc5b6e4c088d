/*
 * route_table: a tree of path segments per host, so that finding a route costs what the path is long.
 *
 *   table ── exact hosts ─┬─ "api.example.com" ── "api" ── "v1" ─┬─ "search" ── rest: [GET], [any]
 *         ├─ suffixes ────┴─ ".example.com" ── ...               └─ {parameter} ── exact: [POST + 2 headers], [POST]
 *         └─ any host ────── ...
 *
 * All literal edges of all nodes live in one hash table keyed by (node, segment), sized once from the patterns. Routes
 * that share host and path hang at their node in order of precedence; only those are looked at one by one.
 */
#include "sluice/route_table.h"
#include "segment.h"
#include <assert.h>
#include <stdlib.h>

/* Longer names do not exist (RFC 1035 §2.3.4); looking up every suffix of a header's worth of dots would be a way to
 * burn our time. */
#define HOST_LEN_MAX 253

typedef struct entry_t {
    const sl_pattern_t *pattern;
    int index;
    struct entry_t *next; /* the next in precedence */
} entry_t;

typedef struct node_t {
    entry_t *exact; /* routes whose path ends here */
    entry_t *rest;  /* routes that take whatever follows */
    struct node_t *parameter;
} node_t;

typedef struct edge_t {
    node_t *parent, *child; /* parent NULL: free */
    h2o_iovec_t segment;
    uint32_t hash;
} edge_t;

struct sl_route_table_t {
    node_t *nodes; /* the first NODE_FIRST are fixed */
    entry_t *entries;
    edge_t *edges;
    size_t node_count, entry_count, edge_mask, suffix_count;
};

enum { NODE_EXACT_HOSTS, NODE_SUFFIXES, NODE_ANY_HOST, NODE_FIRST };

static const h2o_iovec_t method_get = {(char *)"GET", 3}, method_head = {(char *)"HEAD", 4};

/* The edge, or the free place where it would be. */
static edge_t *find_edge(const sl_route_table_t *table, const node_t *parent, h2o_iovec_t segment, uint32_t hash)
{
    for (size_t i = hash & table->edge_mask;; i = (i + 1) & table->edge_mask) {
        edge_t *edge = &table->edges[i];
        if (edge->parent == NULL)
            return edge;
        if (edge->parent == parent && edge->hash == hash && sl_segment_equal(edge->segment, segment))
            return edge;
    }
}

/* The same segment hangs under many nodes; the node's number keeps those apart. */
static uint32_t edge_hash(const sl_route_table_t *table, const node_t *parent, h2o_iovec_t segment)
{
    return sl_segment_hash((uint32_t)(parent - table->nodes) * 0x9e3779b1u, segment);
}

static node_t *child_of(const sl_route_table_t *table, const node_t *parent, h2o_iovec_t segment)
{
    return find_edge(table, parent, segment, edge_hash(table, parent, segment))->child;
}

/* --- building --- */

static node_t *add_node(sl_route_table_t *table)
{
    return &table->nodes[table->node_count++];
}

static node_t *grow(sl_route_table_t *table, node_t *parent, h2o_iovec_t segment)
{
    uint32_t hash = edge_hash(table, parent, segment);
    edge_t *edge = find_edge(table, parent, segment, hash);

    if (edge->parent == NULL)
        *edge = (edge_t){parent, add_node(table), segment, hash};
    return edge->child;
}

static bool precedes(const entry_t *a, const entry_t *b)
{
    if ((a->pattern->method_count != 0) != (b->pattern->method_count != 0))
        return a->pattern->method_count != 0;
    int order = sl_pattern_compare_headers(a->pattern, b->pattern);
    return order != 0 ? order > 0 : a->index < b->index;
}

static void hang(sl_route_table_t *table, entry_t **place, const sl_pattern_t *pattern, int index)
{
    entry_t *entry = &table->entries[table->entry_count++];

    *entry = (entry_t){pattern, index, NULL};
    while (*place != NULL && precedes(*place, entry))
        place = &(*place)->next;
    entry->next = *place;
    *place = entry;
}

static void add_path(sl_route_table_t *table, node_t *node, const sl_pattern_t *pattern, int index)
{
    h2o_iovec_t rest = pattern->path, segment;

    while (sl_segment_next(&rest, &segment)) {
        if (sl_segment_is_rest(segment)) {
            hang(table, &node->rest, pattern, index);
            return;
        }
        if (!sl_segment_is_parameter(segment)) {
            node = grow(table, node, segment);
            continue;
        }
        if (node->parameter == NULL)
            node->parameter = add_node(table);
        node = node->parameter;
    }
    hang(table, &node->exact, pattern, index);
}

/* The tree of one host as written in a pattern; of "*.suffix" the star is not kept. */
static node_t *root_of(sl_route_table_t *table, h2o_iovec_t host)
{
    if (host.len < 2 || host.base[0] != '*')
        return grow(table, &table->nodes[NODE_EXACT_HOSTS], host);
    ++table->suffix_count;
    return grow(table, &table->nodes[NODE_SUFFIXES], sl_bytes(host.base + 1, host.len - 1));
}

static void add_pattern(sl_route_table_t *table, const sl_pattern_t *pattern, int index)
{
    assert(sl_pattern_check_path(pattern->path) == NULL);

    if (pattern->host_count == 0)
        add_path(table, &table->nodes[NODE_ANY_HOST], pattern, index);
    for (size_t i = 0; i != pattern->host_count; ++i)
        add_path(table, root_of(table, pattern->hosts[i]), pattern, index);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = h2o_mem_alloc(count * size);

    memset(memory, 0, count * size);
    return memory;
}

sl_route_table_t *sl_route_table_create(const sl_pattern_t *const *patterns, size_t count)
{
    size_t entries = 1, nodes = NODE_FIRST, edges = 8;
    sl_route_table_t *table = allocate(1, sizeof(*table));

    /* the most there can be of each, so that nothing moves while the tree grows */
    for (size_t i = 0; i != count; ++i) {
        size_t hosts = patterns[i]->host_count == 0 ? 1 : patterns[i]->host_count, segments = 0;
        for (size_t j = 0; j != patterns[i]->path.len; ++j)
            segments += patterns[i]->path.base[j] == '/';
        entries += hosts;
        nodes += hosts * (segments + 1);
    }
    while (edges < 2 * nodes)
        edges *= 2;
    table->nodes = allocate(nodes, sizeof(node_t));
    table->entries = allocate(entries, sizeof(entry_t));
    table->edges = allocate(edges, sizeof(edge_t));
    table->edge_mask = edges - 1;
    table->node_count = NODE_FIRST;

    for (size_t i = 0; i != count; ++i)
        add_pattern(table, patterns[i], (int)i);
    return table;
}

void sl_route_table_destroy(sl_route_table_t *table)
{
    if (table == NULL)
        return;
    free(table->nodes);
    free(table->entries);
    free(table->edges);
    free(table);
}

/* --- asking --- */

/* Visits the routes that host and path lead to, the most specific place first; `visit` gets the routes of one place and
 * returns true to end the walk. */
typedef struct walk_t {
    const sl_route_table_t *table;
    const sl_request_line_t *request;
    bool (*visit)(struct walk_t *walk, const entry_t *entries);
    void *data;
    h2o_iovec_t *parameters;
    size_t parameter_count;
} walk_t;

static bool descend(walk_t *walk, const node_t *node, h2o_iovec_t rest)
{
    h2o_iovec_t segment;

    if (sl_segment_next(&rest, &segment)) {
        const node_t *child = child_of(walk->table, node, segment);
        if (child != NULL && descend(walk, child, rest))
            return true;
        if (node->parameter != NULL && segment.len != 0) {
            walk->parameters[walk->parameter_count++] = segment;
            if (descend(walk, node->parameter, rest))
                return true;
            --walk->parameter_count;
        }
    } else if (node->exact != NULL && walk->visit(walk, node->exact)) {
        return true;
    }
    return node->rest != NULL && walk->visit(walk, node->rest);
}

static bool walk_suffixes(walk_t *walk, h2o_iovec_t host)
{
    if (walk->table->suffix_count == 0 || host.len > HOST_LEN_MAX)
        return false;
    for (size_t i = 1; i < host.len; ++i) {
        if (host.base[i] != '.')
            continue;
        h2o_iovec_t suffix = sl_bytes(host.base + i, host.len - i);
        const node_t *root = child_of(walk->table, &walk->table->nodes[NODE_SUFFIXES], suffix);
        if (root != NULL && descend(walk, root, walk->request->path))
            return true;
    }
    return false;
}

static void walk_hosts(walk_t *walk)
{
    const sl_request_line_t *request = walk->request;
    const node_t *nodes = walk->table->nodes;

    if (request->path.len == 0 || request->path.base[0] != '/')
        return;
    const node_t *root = child_of(walk->table, &nodes[NODE_EXACT_HOSTS], request->host);
    if (root != NULL && descend(walk, root, request->path))
        return;
    if (!walk_suffixes(walk, request->host))
        descend(walk, &nodes[NODE_ANY_HOST], request->path);
}

static bool names_method(const sl_pattern_t *pattern, h2o_iovec_t method)
{
    for (size_t i = 0; i != pattern->method_count; ++i)
        if (sl_bytes_equal(pattern->methods[i], method))
            return true;
    return false;
}

static bool has_headers(const sl_request_line_t *request, const sl_pattern_t *pattern)
{
    for (size_t i = 0; i != pattern->header_count; ++i) {
        const sl_header_condition_t *condition = &pattern->headers[i];
        h2o_iovec_t value = request->find_header(request->data, condition->name);
        if (value.base == NULL || (condition->value.base != NULL && !sl_bytes_equal(value, condition->value)))
            return false;
    }
    return true;
}

/* Entries stand in order of precedence; only HEAD has a second choice, the route of GET, before those that take every
 * method. */
static bool choose(walk_t *walk, const entry_t *entries)
{
    sl_route_match_t *match = walk->data;
    h2o_iovec_t method = walk->request->method;
    bool is_head = sl_bytes_equal(method, method_head);
    const entry_t *chosen = NULL, *by_get = NULL;

    for (const entry_t *entry = entries; entry != NULL && chosen == NULL; entry = entry->next) {
        if (!has_headers(walk->request, entry->pattern))
            continue;
        match->path_known = true;
        if (entry->pattern->method_count == 0)
            chosen = by_get != NULL ? by_get : entry;
        else if (names_method(entry->pattern, method))
            chosen = entry;
        else if (is_head && by_get == NULL && names_method(entry->pattern, method_get))
            by_get = entry;
    }
    if (chosen == NULL)
        chosen = by_get;
    if (chosen != NULL)
        match->index = chosen->index;
    return chosen != NULL;
}

void sl_route_table_find(const sl_route_table_t *table, const sl_request_line_t *request, sl_route_match_t *match)
{
    walk_t walk = {table, request, choose, match, match->parameters, 0};

    match->index = -1;
    match->path_known = false;
    walk_hosts(&walk);
    match->parameter_count = walk.parameter_count;
}

/* The alphabetically next method after the last one written: gathered without memory, whatever the routes name. */
typedef struct next_method_t {
    h2o_iovec_t after, best; /* base NULL: none */
} next_method_t;

static int compare(h2o_iovec_t a, h2o_iovec_t b)
{
    int order = memcmp(a.base, b.base, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static void propose(next_method_t *next, h2o_iovec_t method)
{
    if ((next->after.base == NULL || compare(method, next->after) > 0) &&
        (next->best.base == NULL || compare(method, next->best) < 0))
        next->best = method;
}

static bool propose_all(walk_t *walk, const entry_t *entries)
{
    /* for a route that takes every method, those that clients know to ask for (RFC 9110 §9.3, RFC 5789) */
    static const h2o_iovec_t usual[] = {{(char *)"DELETE", 6},  {(char *)"GET", 3},   {(char *)"HEAD", 4},
                                        {(char *)"OPTIONS", 7}, {(char *)"PATCH", 5}, {(char *)"POST", 4},
                                        {(char *)"PUT", 3}};

    for (const entry_t *entry = entries; entry != NULL; entry = entry->next) {
        const sl_pattern_t *pattern = entry->pattern;
        if (!has_headers(walk->request, pattern))
            continue;
        const h2o_iovec_t *methods = pattern->method_count == 0 ? usual : pattern->methods;
        size_t count = pattern->method_count == 0 ? sizeof(usual) / sizeof(usual[0]) : pattern->method_count;
        for (size_t i = 0; i != count; ++i)
            propose(walk->data, methods[i]);
        if (names_method(pattern, method_get))
            propose(walk->data, method_head);
    }
    return false;
}

size_t sl_route_table_allow(const sl_route_table_t *table, const sl_request_line_t *request, char *text, size_t size)
{
    sl_route_match_t scratch;
    next_method_t next = {{NULL, 0}, {NULL, 0}};
    walk_t walk = {table, request, propose_all, &next, scratch.parameters, 0};
    size_t len = 0;

    for (;;) {
        walk_hosts(&walk);
        size_t separator = len == 0 ? 0 : 2;
        if (next.best.base == NULL || next.best.len + separator > size - len)
            return len;
        memcpy(text + len, ", ", separator);
        memcpy(text + len + separator, next.best.base, next.best.len);
        len += separator + next.best.len;
        next = (next_method_t){next.best, {NULL, 0}};
    }
}
