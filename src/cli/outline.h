/*
 * outline: facts in order, told to people as an indented outline or to programs as one JSON document. Whoever tells
 * them says each once.
 */
#ifndef SLUICE_CLI_OUTLINE_H
#define SLUICE_CLI_OUTLINE_H

#include "sluice/bytes.h"
#include <stdint.h>

#define SL_OUTLINE_DEPTH_MAX 16

typedef struct sl_outline_t {
    sl_text_t text;
    bool as_json;
    bool is_list[SL_OUTLINE_DEPTH_MAX]; /* of each level that is open */
    bool has_member[SL_OUTLINE_DEPTH_MAX];
    bool begins_item; /* the "- " of a mapping in a list is out, its first member is not */
    unsigned depth;
} sl_outline_t;

void sl_outline_begin(sl_outline_t *outline, bool as_json);
/* The document is then in `text`. */
void sl_outline_end(sl_outline_t *outline);
/* Puts the members of `first` in front; both have ended, in the same form. */
void sl_outline_put_first(sl_outline_t *outline, const sl_outline_t *first);
void sl_outline_dispose(sl_outline_t *outline);

/* Mappings and lists; `name` is NULL inside a list. Each is closed. */
void sl_outline_map(sl_outline_t *outline, const char *name);
void sl_outline_list(sl_outline_t *outline, const char *name);
void sl_outline_close(sl_outline_t *outline);

void sl_outline_text(sl_outline_t *outline, const char *name, h2o_iovec_t value);
/* An item of two texts: a mapping for programs, "name: value" in one line for people. */
void sl_outline_pair(sl_outline_t *outline, const char *name_label, h2o_iovec_t name, const char *value_label,
                     h2o_iovec_t value);
void sl_outline_format(sl_outline_t *outline, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sl_outline_number(sl_outline_t *outline, const char *name, uint64_t value);
void sl_outline_flag(sl_outline_t *outline, const char *name, bool value);
/* A value that is JSON already. */
void sl_outline_json(sl_outline_t *outline, const char *name, h2o_iovec_t value);

#endif
