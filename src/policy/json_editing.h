/* json_editing: one edit in the making, shared by the files that do the single kinds. */
#ifndef SLUICE_POLICY_JSON_EDITING_H
#define SLUICE_POLICY_JSON_EDITING_H

#include "json_path.h"
#include "json_splice.h"
#include "sluice/json_edit.h"

typedef struct sl_piece_t {
    size_t from, len;
    bool is_there;
} sl_piece_t;

typedef struct sl_editing_t {
    const sl_edit_t *edit;
    const sl_json_t *json;
    sl_splices_t splices;
    sl_text_t value; /* of set and default, filled in */
    struct {         /* of move: what was taken out, in the order of the places that it was taken from */
        sl_text_t bytes;
        sl_piece_t *list;
        size_t count, capacity, next;
        bool is_lost; /* one of them has no place any more: the whole edit is not done */
    } moved;
} sl_editing_t;

/* Calls back for every value that the first `count` steps lead to from `value`, in the order of the document. */
typedef void (*sl_json_found_t)(sl_editing_t *editing, uint32_t value);
void sl_json_each(sl_editing_t *editing, uint32_t value, const sl_json_step_t *steps, size_t count,
                  sl_json_found_t found);

/* json_edit_place.c */
void sl_edit_set(sl_editing_t *editing);
void sl_edit_default(sl_editing_t *editing);
void sl_edit_take(sl_editing_t *editing); /* move, before and ... */
void sl_edit_put(sl_editing_t *editing);  /* ... after what it moves was taken out */
void sl_edit_unwrap(sl_editing_t *editing);
/* json_edit_members.c */
void sl_edit_rename(sl_editing_t *editing);
void sl_edit_remove(sl_editing_t *editing);
void sl_edit_wrap(sl_editing_t *editing);
void sl_edit_flatten(sl_editing_t *editing);
void sl_edit_limit(sl_editing_t *editing);
/* json_edit_keep.c */
void sl_edit_keep(sl_editing_t *editing);

#endif
