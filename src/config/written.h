/*
 * written: a part of the file as the JSON text from which a template is made, with the way back from an offset in that
 * text to a line and a column.
 */
#ifndef SLUICE_CONFIG_WRITTEN_H
#define SLUICE_CONFIG_WRITTEN_H

#include "settings.h"

typedef struct sl_mark_t {
    size_t offset; /* in the JSON text: a value or a name begins there */
    sl_place_t place;
    bool is_faithful; /* its characters stand in the file as they are in the text */
    size_t quotes;    /* in front of it in the text and not in the file: 1 when the file has it bare */
} sl_mark_t;

typedef struct sl_written_t {
    h2o_iovec_t json; /* in the snapshot */
    H2O_VECTOR(sl_mark_t) marks;
} sl_written_t;

/* Unquoted scalars are read by YAML 1.2's core rules, and numbers keep their text. False when a number is none of
 * JSON's; that has been reported. */
bool sl_written_make(sl_reader_t *reader, const sl_node_t *node, sl_written_t *written);
sl_place_t sl_written_place(const sl_written_t *written, size_t offset);
/* Of an offset in a scalar that was taken as plain text. */
sl_place_t sl_node_place(const sl_node_t *node, size_t offset);

/* "name" as a scalar at the place of the pair, for messages about names. */
sl_node_t sl_name_node(const sl_pair_t *pair);

/* --- templates.c --- */

/* Compiles, and checks that every source is known where it stands; NULL when it was reported. */
sl_template_t *sl_template_take(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node,
                                h2o_iovec_t *written);

/* --- edits.c --- */

/* Adds one operation to the list that the row's field and its count mean. */
void sl_edit_add(sl_reader_t *reader, const sl_setting_t *setting, void *target, sl_edit_t edit);
/* A path into a document, as text; NULL when it was reported. */
sl_json_path_t *sl_edit_path(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node);
/* One scalar, or a list of them; reports anything else. */
bool sl_edit_items(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, sl_items_t *items);

/* Rows of which `written` keeps JSON. */
bool sl_written_is_set(const sl_setting_t *setting, const void *target);
void sl_written_print(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target);

#endif
