/* tree: one YAML document as nodes that know their place. Aliases and merge keys ("<<") are followed, environment
 * variables put in, duplicate names reported. A template takes its nodes raw, since ${...} means something else there.
 */
#ifndef SLUICE_CONFIG_TREE_H
#define SLUICE_CONFIG_TREE_H

#include "report.h"

typedef enum { SL_NODE_SCALAR, SL_NODE_LIST, SL_NODE_MAP } sl_node_kind_t;

typedef struct sl_node_t sl_node_t;

typedef struct sl_pair_t {
    h2o_iovec_t name; /* zero-terminated */
    sl_place_t place; /* of the name */
    const sl_node_t *value;
} sl_pair_t;

struct sl_node_t {
    sl_node_kind_t kind;
    sl_place_t place;
    h2o_iovec_t text;        /* zero-terminated, without NUL inside */
    h2o_iovec_t raw;         /* the same before variables were put in; base NULL: it cannot be used */
    bool is_plain;           /* unquoted */
    bool is_faithful;        /* in one line, and each character of `raw` stands in the file as it is */
    bool is_null;            /* nothing, "~" or "null", unquoted */
    bool is_expanded;        /* the environment had a part in it */
    bool is_broken;          /* reported already: no use in saying more about it */
    bool is_raw;             /* taken as it is in the file: what the environment lacks for it does not matter */
    const char *problem;     /* with variables; NULL: none */
    sl_node_t *next_problem; /* the list of them */
    size_t count;
    const sl_node_t **items; /* of a list */
    sl_pair_t *pairs;        /* of a map */
};

typedef struct sl_tree_t {
    const sl_node_t *root; /* NULL when there is none to go on with; the reason is in the report */
    sl_node_t *problems;
} sl_tree_t;

/* All in `pool`. */
sl_tree_t sl_tree_read(h2o_mem_pool_t *pool, h2o_iovec_t yaml, sl_report_t *report);
/* Once all is read: what was wrong with variables, except in what was taken raw. */
void sl_tree_tell(const sl_tree_t *tree, sl_report_t *report);
/* This node and all below it are templates: ${...} in them is not the environment's. */
void sl_node_take_raw(const sl_node_t *node);
/* NULL when the map has no such name. */
const sl_node_t *sl_node_find(const sl_node_t *map, const char *name);
/* "off", or "false", which is what some editors make of it. */
bool sl_node_is_off(const sl_node_t *node);

#endif
