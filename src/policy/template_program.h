/*
 * template_program: what a template is compiled into: a list of operations that append to the output one after the
 * other. Bytes that are always the same are one operation however much JSON they are.
 */
#ifndef SLUICE_POLICY_TEMPLATE_PROGRAM_H
#define SLUICE_POLICY_TEMPLATE_PROGRAM_H

#include "sluice/template.h"

#define SL_SPREADS_MAX 16 /* into one object */

typedef struct sl_reference_t {
    h2o_iovec_t source, first;
    sl_json_path_t *rest; /* NULL: nothing behind */
    size_t offset;
} sl_reference_t;

/* "$a.body.x ?? $b.body.y ?? 0" */
typedef struct sl_chain_t {
    sl_reference_t *references;
    size_t count;
    sl_json_t *fallback; /* NULL: none */
} sl_chain_t;

typedef enum {
    SL_OP_BYTES,
    SL_OP_SEPARATOR, /* a comma, unless the container has only just begun */
    SL_OP_VALUE,     /* the value's bytes, or null */
    SL_OP_TEXT,      /* inside a string: the value's text, or nothing */
    SL_OP_MEMBERS,   /* spread of an object */
    SL_OP_ELEMENTS,  /* spread of an array */
    SL_OP_OPTIONAL   /* everything up to `end` is taken back when a value on the way is missing */
} sl_op_kind_t;

typedef struct sl_op_t {
    sl_op_kind_t kind;
    h2o_iovec_t bytes;
    sl_chain_t chain;
    h2o_iovec_t *taken; /* of MEMBERS: names that the template writes itself, decoded */
    size_t taken_count;
    size_t later; /* of MEMBERS: the next spread into the same object, which wins; 0: none */
    size_t end;
} sl_op_t;

struct sl_template_t {
    sl_op_t *ops;
    size_t count;
    bool is_text;
};

/* Reads a chain that begins at text[*at] (behind the dollar); with `in_braces` it ends at '}', which stays. Offsets of
 * references, and *at when it fails, are places in `text`. Everything points into `text` or the pool. */
const char *sl_chain_read(h2o_mem_pool_t *pool, h2o_iovec_t text, bool in_braces, sl_chain_t *chain, size_t *at);

#endif
