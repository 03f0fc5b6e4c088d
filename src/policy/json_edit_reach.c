/*
 * json_edit_reach: which sources does a template still need, when what it makes is then edited?
 *
 * What the first edits take away again needs nobody's answer. Only edits that take away are looked at, and only those
 * in front of any other: behind a move or a rename a path no longer means what the template has there. In doubt a
 * source is needed: of a spread nobody knows the members, and of an array with spreads nobody knows the places.
 */
#include "json_path.h"
#include "sluice/json_edit.h"
#include <h2o/string_.h>

enum { DEPTH_MAX = 64, SOURCES_MAX = 80 };

typedef struct place_t {
    enum { PLACE_NAME, PLACE_ELEMENT, PLACE_ANY } kind;
    h2o_iovec_t name;
} place_t;

typedef struct walk_t {
    h2o_mem_pool_t *pool;
    sl_json_t json;
    const sl_edit_t *edits;
    size_t edit_count; /* of those that only take away */
    place_t places[DEPTH_MAX + 1];
    size_t depth;
    h2o_iovec_t *names;
    size_t count, room;
} walk_t;

/* --- does an edit leave anything of a place? --- */

static bool leads_surely(const sl_json_step_t *step, const place_t *place)
{
    if (step->kind == SL_STEP_NAME)
        return place->kind == PLACE_NAME && sl_bytes_equal(step->name, place->name);
    return step->kind == SL_STEP_EVERY && place->kind == PLACE_ELEMENT;
}

static bool may_lead(const sl_json_step_t *step, const place_t *place)
{
    if (place->kind == PLACE_ANY)
        return true;
    return step->kind == SL_STEP_INDEX ? place->kind == PLACE_ELEMENT : leads_surely(step, place);
}

static bool is_removed(const walk_t *walk, const sl_json_path_t *path)
{
    if (path->count == 0 || path->count > walk->depth)
        return false;
    for (size_t i = 0; i != path->count; ++i)
        if (!leads_surely(&path->steps[i], &walk->places[i]))
            return false;
    return true;
}

/* The path leads to what holds the place, to the place itself, or into it. */
static bool may_be_kept(const walk_t *walk, const sl_json_path_t *path)
{
    for (size_t i = 0; i != path->count && i != walk->depth; ++i)
        if (!may_lead(&path->steps[i], &walk->places[i]))
            return false;
    return true;
}

static bool stays(const walk_t *walk, const sl_edit_t *edit)
{
    if (edit->kind == SL_EDIT_REMOVE)
        return !is_removed(walk, edit->path);
    for (size_t i = 0; i != edit->path_count; ++i)
        if (may_be_kept(walk, edit->paths[i]))
            return true;
    return false;
}

static bool stays_by_all(const walk_t *walk)
{
    for (size_t i = 0; i != walk->edit_count; ++i)
        if (!stays(walk, &walk->edits[i]))
            return false;
    return true;
}

/* --- the walk --- */

static void add(walk_t *walk, h2o_iovec_t name)
{
    for (size_t i = 0; i != walk->count; ++i)
        if (sl_bytes_equal(walk->names[i], name))
            return;
    if (walk->count != walk->room)
        walk->names[walk->count++] = name;
}

static void add_sources(walk_t *walk, const sl_template_t *given)
{
    h2o_iovec_t names[SOURCES_MAX];
    size_t count = given != NULL ? sl_template_sources(given, names, SOURCES_MAX) : 0;

    for (size_t i = 0; i != count; ++i)
        add(walk, names[i]);
}

/* An element that is spread is written "...$a.body", and is a template only where it stands: in an array. */
static void add_string(walk_t *walk, uint32_t value)
{
    h2o_iovec_t bytes = sl_json_bytes(&walk->json, value), parts[] = {SL_LIT("["), bytes, SL_LIT("]")};
    const char *error;
    size_t offset;

    if (stays_by_all(walk))
        add_sources(walk, sl_template_compile(walk->pool, h2o_concat_list(walk->pool, parts, 3), &error, &offset));
}

static place_t place_of(walk_t *walk, const sl_json_value_t *parent, uint32_t child)
{
    sl_text_t name = {0};

    if (walk->depth != 0 && walk->places[walk->depth - 1].kind == PLACE_ANY)
        return (place_t){.kind = PLACE_ANY};
    if (parent->type == SL_JSON_ARRAY)
        return (place_t){.kind = PLACE_ELEMENT};
    sl_json_unescape(&walk->json, child, true, &name);
    place_t place = {PLACE_NAME, h2o_strdup(walk->pool, name.base, name.size)};
    sl_text_dispose(&name);
    if (sl_bytes_equal(place.name, SL_LIT("...")))
        place.kind = PLACE_ANY;
    else if (place.name.len > 1 &&
             place.name.base[place.name.len - 1] == '?') /* "name?" is left away without a value */
        --place.name.len;
    return place;
}

/* As deep as the document is, which its index bounds. */
static void visit(walk_t *walk, uint32_t value)
{
    const sl_json_value_t *given = &walk->json.values[value];

    if (given->type == SL_JSON_STRING) {
        add_string(walk, value);
        return;
    }
    for (uint32_t child = value + 1, left = given->count; left != 0; --left) {
        place_t place = place_of(walk, given, child);
        walk->places[walk->depth++] = place;
        visit(walk, child);
        --walk->depth;
        child = walk->json.values[child].next;
    }
}

size_t sl_edits_sources(h2o_mem_pool_t *pool, h2o_iovec_t written, const sl_edit_t *edits, size_t count,
                        h2o_iovec_t *names, size_t room)
{
    walk_t walk = {.pool = pool, .edits = edits, .names = names, .room = room};
    size_t offset;

    while (walk.edit_count != count &&
           (edits[walk.edit_count].kind == SL_EDIT_REMOVE ||
            (edits[walk.edit_count].kind == SL_EDIT_KEEP && edits[walk.edit_count].path == NULL)))
        ++walk.edit_count;
    if (sl_json_index(&walk.json, written, &(sl_json_limits_t){DEPTH_MAX, 1000000}, &offset) == NULL)
        visit(&walk, 0);
    for (size_t i = 0; i != count; ++i)
        add_sources(&walk, edits[i].value);
    sl_json_dispose(&walk.json);
    return walk.count;
}
