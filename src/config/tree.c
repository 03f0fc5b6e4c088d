/*
 * tree: from libyaml's document to our nodes.
 *
 * libyaml knows the syntax and the marks. What it leaves open is decided here: one document, names are scalars and
 * stand once, aliases cannot make a small file large (a budget of nodes) or endless (a depth).
 */
#include "tree.h"
#include "environment.h"
#include "flow.h"
#include <yaml.h>

enum { NODES_MAX = 100000, DEPTH_MAX = 24 };

typedef struct builder_t {
    h2o_mem_pool_t *pool;
    sl_report_t *report;
    yaml_document_t *document;
    size_t nodes;
    bool has_given_up; /* told once, then nothing more is built */
    bool has_hidden;   /* by flow.c */
    sl_node_t *problems;
} builder_t;

static const sl_node_t *build(builder_t *builder, int id, unsigned depth);

static sl_place_t place_of(yaml_mark_t mark)
{
    return (sl_place_t){mark.line + 1, mark.column + 1};
}

/* Changed in libyaml's own memory: what flow.c hid is shown. */
static h2o_iovec_t bytes_of(const builder_t *builder, const yaml_node_t *node)
{
    h2o_iovec_t bytes = sl_bytes((const char *)node->data.scalar.value, node->data.scalar.length);
    if (builder->has_hidden)
        bytes.len = sl_flow_show(bytes.base, bytes.len);
    return bytes;
}

/* --- what libyaml refuses --- */

/* Without its line end. */
static h2o_iovec_t line_of(h2o_iovec_t yaml, size_t number)
{
    size_t start = 0, end;
    for (; number > 0 && start < yaml.len; ++start)
        number -= yaml.base[start] == '\n';
    for (end = start; end < yaml.len && yaml.base[end] != '\n';)
        ++end;
    return sl_bytes(yaml.base + start, end - start);
}

/* The two mistakes of which libyaml's own words tell the least. */
static const char *hint(h2o_iovec_t line)
{
    size_t blanks = 0;
    while (blanks < line.len && line.base[blanks] == ' ')
        ++blanks;
    if (blanks < line.len && line.base[blanks] == '\t')
        return " (a tab cannot indent, use blanks)";
    return line.len != 0 && memmem(line.base, line.len, "${", 2) != NULL ? " (does a ${ lack its '}'?)" : "";
}

/* Errors of the byte reader have an offset instead of a mark. */
static sl_place_t place_of_offset(h2o_iovec_t yaml, size_t offset)
{
    sl_place_t place = {1, 1};
    for (size_t i = 0; i < offset && i < yaml.len; ++i) {
        if (yaml.base[i] == '\n')
            place = (sl_place_t){place.line + 1, 1};
        else if (((unsigned char)yaml.base[i] & 0xc0) != 0x80)
            ++place.column;
    }
    return place;
}

static void report_syntax(const yaml_parser_t *parser, h2o_iovec_t yaml, sl_report_t *report)
{
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    if (parser->error == YAML_READER_ERROR) {
        sl_report_add(report, place_of_offset(yaml, parser->problem_offset), "not YAML: %s", problem);
        return;
    }
    const char *more = hint(line_of(yaml, parser->problem_mark.line));
    if (parser->context != NULL)
        sl_report_add(report, place_of(parser->problem_mark), "not YAML: %s %s of line %zu%s", problem, parser->context,
                      parser->context_mark.line + 1, more);
    else
        sl_report_add(report, place_of(parser->problem_mark), "not YAML: %s%s", problem, more);
}

/* --- nodes --- */

static size_t count_characters(h2o_iovec_t text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; ++i)
        count += ((unsigned char)text.base[i] & 0xc0) != 0x80;
    return count;
}

static bool is_faithful(const yaml_node_t *from, h2o_iovec_t text)
{
    size_t width = from->end_mark.column - from->start_mark.column;
    size_t quotes = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 2;
    return from->start_mark.line == from->end_mark.line && width == count_characters(text) + quotes;
}

/* Told later, and only where the node turns out to be read as a setting. */
static void note_problem(builder_t *builder, sl_node_t *node, const sl_text_t *problem)
{
    node->problem = h2o_strdup(builder->pool, problem->base, problem->size).base;
    node->is_broken = true;
    node->next_problem = builder->problems;
    builder->problems = node;
}

static void build_scalar(builder_t *builder, const yaml_node_t *from, sl_node_t *node)
{
    h2o_iovec_t text = bytes_of(builder, from);
    node->kind = SL_NODE_SCALAR;
    node->is_plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->is_null =
        node->is_plain && (text.len == 0 || sl_bytes_equal(text, SL_LIT("~")) || sl_bytes_equal(text, SL_LIT("null")));
    node->is_expanded = memchr(text.base, '$', text.len) != NULL;
    node->is_faithful = is_faithful(from, text);
    if (memchr(text.base, 0, text.len) != NULL) {
        sl_report_add(builder->report, node->place, "a NUL character cannot stand in a value");
        node->is_broken = true;
        text.len = 0;
    } else {
        node->raw = h2o_strdup(builder->pool, text.base, text.len);
    }

    sl_text_t expanded = {0}, problem = {0};
    if (!sl_environment_expand(text, &expanded, &problem))
        note_problem(builder, node, &problem);
    node->text = h2o_strdup(builder->pool, expanded.base != NULL ? expanded.base : "", expanded.size);
    sl_text_dispose(&expanded);
    sl_text_dispose(&problem);
}

static void build_list(builder_t *builder, const yaml_node_t *from, sl_node_t *node, unsigned depth)
{
    const yaml_node_item_t *start = from->data.sequence.items.start;
    size_t count = (size_t)(from->data.sequence.items.top - start);
    node->kind = SL_NODE_LIST;
    node->items = h2o_mem_alloc_pool(builder->pool, (count + 1) * sizeof(const sl_node_t *));
    for (size_t i = 0; i < count && !builder->has_given_up; ++i)
        if ((node->items[node->count] = build(builder, start[i], depth)) != NULL)
            ++node->count;
}

static const sl_pair_t *find_pair(const sl_node_t *map, h2o_iovec_t name)
{
    for (size_t i = 0; i < map->count; ++i)
        if (sl_bytes_equal(map->pairs[i].name, name))
            return &map->pairs[i];
    return NULL;
}

static bool is_merge(const builder_t *builder, const yaml_node_t *key)
{
    return key->type == YAML_SCALAR_NODE && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           sl_bytes_equal(bytes_of(builder, key), SL_LIT("<<"));
}

static void add_pair(builder_t *builder, const yaml_node_pair_t *pair, sl_node_t *node, unsigned depth)
{
    const yaml_node_t *key = yaml_document_get_node(builder->document, pair->key);
    if (key->type != YAML_SCALAR_NODE || memchr(key->data.scalar.value, 0, key->data.scalar.length) != NULL) {
        sl_report_add(builder->report, place_of(key->start_mark), "a name is expected here, then a colon");
        return;
    }
    h2o_iovec_t text = bytes_of(builder, key);
    const sl_pair_t *first = find_pair(node, text);
    if (first != NULL) {
        sl_report_add(builder->report, place_of(key->start_mark), "'%.*s' is given twice, first in line %zu",
                      sl_shown(first->name), first->name.base, first->place.line);
        return;
    }
    const sl_node_t *value = build(builder, pair->value, depth);
    if (value == NULL)
        return;
    h2o_iovec_t name = h2o_strdup(builder->pool, text.base, text.len);
    node->pairs[node->count++] = (sl_pair_t){name, place_of(key->start_mark), value};
}

/* What stands in the map itself wins over what it merges (https://yaml.org/type/merge.html). */
static void merge(builder_t *builder, const sl_node_t *from, sl_node_t *node)
{
    if (from->kind == SL_NODE_LIST) {
        for (size_t i = 0; i < from->count; ++i)
            merge(builder, from->items[i], node);
        return;
    }
    if (from->kind != SL_NODE_MAP) {
        sl_report_add(builder->report, from->place, "'<<' takes a mapping (an alias such as *name) or a list of them");
        return;
    }
    sl_pair_t *pairs = h2o_mem_alloc_pool(builder->pool, (node->count + from->count) * sizeof(*pairs) + 1);
    memcpy(pairs, node->pairs, node->count * sizeof(*pairs));
    node->pairs = pairs;
    for (size_t i = 0; i < from->count; ++i)
        if (find_pair(node, from->pairs[i].name) == NULL)
            node->pairs[node->count++] = from->pairs[i];
}

static void build_map(builder_t *builder, const yaml_node_t *from, sl_node_t *node, unsigned depth)
{
    const yaml_node_pair_t *start = from->data.mapping.pairs.start, *end = from->data.mapping.pairs.top;
    node->kind = SL_NODE_MAP;
    node->pairs = h2o_mem_alloc_pool(builder->pool, (size_t)(end - start + 1) * sizeof(*node->pairs));
    for (const yaml_node_pair_t *pair = start; pair != end && !builder->has_given_up; ++pair)
        if (!is_merge(builder, yaml_document_get_node(builder->document, pair->key)))
            add_pair(builder, pair, node, depth);
    for (const yaml_node_pair_t *pair = start; pair != end && !builder->has_given_up; ++pair) {
        if (!is_merge(builder, yaml_document_get_node(builder->document, pair->key)))
            continue;
        const sl_node_t *merged = build(builder, pair->value, depth);
        if (merged != NULL)
            merge(builder, merged, node);
    }
}

static const sl_node_t *build(builder_t *builder, int id, unsigned depth)
{
    const yaml_node_t *from = yaml_document_get_node(builder->document, id);
    if (builder->has_given_up)
        return NULL;
    if (depth > DEPTH_MAX || ++builder->nodes > NODES_MAX) {
        sl_report_add(builder->report, place_of(from->start_mark),
                      depth > DEPTH_MAX ? "nested too deep (does an alias contain itself?)"
                                        : "too many values (do aliases multiply?)");
        builder->has_given_up = true;
        return NULL;
    }

    sl_node_t *node = h2o_mem_alloc_pool(builder->pool, sizeof(*node));
    *node = (sl_node_t){.place = place_of(from->start_mark)};
    if (from->type == YAML_SCALAR_NODE)
        build_scalar(builder, from, node);
    else if (from->type == YAML_SEQUENCE_NODE)
        build_list(builder, from, node, depth + 1);
    else
        build_map(builder, from, node, depth + 1);
    return node;
}

/* --- the document --- */

static sl_tree_t read_first(yaml_parser_t *parser, builder_t *builder, h2o_iovec_t yaml)
{
    if (!yaml_parser_load(parser, builder->document)) {
        report_syntax(parser, yaml, builder->report);
        return (sl_tree_t){NULL, NULL};
    }
    const sl_node_t *root = NULL;
    if (yaml_document_get_root_node(builder->document) == NULL)
        sl_report_add(builder->report, (sl_place_t){1, 1}, "the configuration is empty");
    else
        root = build(builder, 1, 0);
    yaml_document_delete(builder->document);
    return (sl_tree_t){builder->has_given_up ? NULL : root, builder->problems};
}

/* Whatever follows the first document is a mistake: settings that nobody would read. */
static void refuse_second(yaml_parser_t *parser, h2o_iovec_t yaml, sl_report_t *report)
{
    yaml_document_t document;
    if (!yaml_parser_load(parser, &document)) {
        report_syntax(parser, yaml, report);
        return;
    }
    if (yaml_document_get_root_node(&document) != NULL)
        sl_report_add(report, place_of(document.start_mark),
                      "a second document begins here; the configuration is one document");
    yaml_document_delete(&document);
}

sl_tree_t sl_tree_read(h2o_mem_pool_t *pool, h2o_iovec_t yaml, sl_report_t *report)
{
    yaml_parser_t parser;
    yaml_document_t document;
    sl_text_t hidden = {0};
    builder_t builder = {
        .pool = pool, .report = report, .document = &document, .has_hidden = sl_flow_hide(yaml, &hidden)};
    if (!yaml_parser_initialize(&parser))
        h2o_fatal("no memory");
    yaml = sl_bytes(hidden.size != 0 ? hidden.base : "", hidden.size);
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.base, yaml.len);
    sl_tree_t tree = read_first(&parser, &builder, yaml);
    if (tree.root != NULL)
        refuse_second(&parser, yaml, report);
    yaml_parser_delete(&parser);
    sl_text_dispose(&hidden);
    return tree;
}

void sl_tree_tell(const sl_tree_t *tree, sl_report_t *report)
{
    for (const sl_node_t *node = tree->problems; node != NULL; node = node->next_problem)
        if (!node->is_raw)
            sl_report_add(report, node->place, "%s", node->problem);
}

/* Nodes are this file's; to everybody else they are constant. */
void sl_node_take_raw(const sl_node_t *node)
{
    ((sl_node_t *)(uintptr_t)node)->is_raw = true;
    for (size_t i = 0; i < node->count; ++i)
        sl_node_take_raw(node->kind == SL_NODE_LIST ? node->items[i] : node->pairs[i].value);
}

const sl_node_t *sl_node_find(const sl_node_t *map, const char *name)
{
    if (map->kind != SL_NODE_MAP)
        return NULL;
    const sl_pair_t *pair = find_pair(map, sl_bytes_of(name));
    return pair != NULL ? pair->value : NULL;
}

bool sl_node_is_off(const sl_node_t *node)
{
    return node->kind == SL_NODE_SCALAR &&
           (sl_bytes_equal(node->text, SL_LIT("off")) || sl_bytes_equal(node->text, SL_LIT("false")));
}
