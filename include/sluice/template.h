/*
 * template: JSON with holes. Compiled once from the configuration, filled in for each request. Pure.
 *
 * Written as JSON (the configuration's YAML subtree turned into JSON text); inside it, strings are special:
 *
 *   "$request.body.query"          the whole string is a reference: the value's bytes are put there, whatever their
 * type
 *   "$search.body.results ?? []"   with a default: any JSON, or "$another.reference" and so on from left to right;
 *                                  used when the value is unknown, missing or null
 *   "item ${request.path.id}"      inside text: the value's text (strings unquoted, other values as their bytes);
 *                                  defaults as above; "$$" is a dollar, any other dollar is a mistake
 *   {"...": "$user.body"}          spread: the members of that object; a list of references spreads several. A name
 * that the template writes itself is left out of what is spread, and so is one that a later spread has: no collision is
 * left to chance
 *   ["...$a.body.items"]           spread of an array's elements; a value that is no array is one element
 *   {"name?": "$a.body.x"}         the member is left away when a value in its string is missing ("name??": a name that
 *                                  ends with a question mark)
 *
 * A reference names a source, then what of it, then a JSON path:
 *   request.{method,id,path.<name>,query.<name>,headers.<name>,body...}, caller.{owner,name}, item... and index (in
 *   for_each), <call>.{status,headers.<name>,body...}; names with dots and such are written ['...'].
 * Without a value and without a default, null stands for a whole value, nothing for text and for a spread.
 */
#ifndef SLUICE_TEMPLATE_H
#define SLUICE_TEMPLATE_H

#include "sluice/json.h"

typedef struct sl_template_t sl_template_t;

/* NULL with *error (text from the pool) and *offset into `json`, where it is wrong. */
sl_template_t *sl_template_compile(h2o_mem_pool_t *pool, h2o_iovec_t json, const char **error, size_t *offset);
/* The same for one bare string, e.g. a path or header value: only interpolation and whole references, result is text.
 */
sl_template_t *sl_template_compile_text(h2o_mem_pool_t *pool, h2o_iovec_t text, const char **error, size_t *offset);

/* Every source that it refers to ("request", "search" ...), each once, at most `room` of them; for the graph and for
 * dangling references. */
size_t sl_template_sources(const sl_template_t *given, h2o_iovec_t *names, size_t room);
/* Offset of the first reference to a source; SIZE_MAX when there is none. */
size_t sl_template_source_offset(const sl_template_t *given, h2o_iovec_t name);
/* The name behind the index-th reference to a part that has names ("request", "path"), and where the reference stands;
 * false when there are not so many. */
bool sl_template_name(const sl_template_t *given, h2o_iovec_t source, h2o_iovec_t first, size_t index,
                      h2o_iovec_t *name, size_t *offset);
/* Does anything in it refer to this part of a source ("request", "body")? */
bool sl_template_refers(const sl_template_t *given, h2o_iovec_t source, h2o_iovec_t first);

/* What a reference stands for, answered by whoever fills in. */
typedef struct sl_template_value_t {
    bool is_known;
    const sl_json_t *document; /* with `value`: a JSON value ... */
    uint32_t value;
    h2o_iovec_t text; /* ... or, with document NULL, plain text (becomes a JSON string when a value is wanted), */
    bool is_json;     /* or, with this set, bytes that are JSON already (a number, true) */
} sl_template_value_t;
typedef sl_template_value_t (*sl_template_resolve_t)(void *data, h2o_iovec_t source, h2o_iovec_t first,
                                                     const sl_json_path_t *rest);
/* `first` is what stands behind the source ("body", "status", "query"), `rest` the path behind that (NULL: none); for
 * query, headers and path it is one name, see sl_json_path_name. Of `item` and `index` all of the path is `rest`, and
 * `first` is empty. */

/* Appends the filled-in JSON. False when it grew beyond `bytes_max`; `out` is then as before. */
bool sl_template_fill(const sl_template_t *given, sl_template_resolve_t resolve, void *data, size_t bytes_max,
                      sl_text_t *out);
/* What is percent-encoded (RFC 3986) of a text: in a path the values, since its slashes are written; in the value of a
 * query parameter all, since a blank or an ampersand that is written there belongs to it. */
typedef enum { SL_ENCODE_NOTHING, SL_ENCODE_VALUES, SL_ENCODE_ALL } sl_template_encode_t;
/* Appends plain text. What only the caller can know stays with it: "." and ".." are encoded as themselves, and without
 * encoding line breaks come through. */
bool sl_template_fill_text(const sl_template_t *given, sl_template_resolve_t resolve, void *data,
                           sl_template_encode_t encode, size_t bytes_max, sl_text_t *out);
/* Does a reference lead nowhere (unknown, null or empty text) and have no default? A path with such a hole would be
 * another path. */
bool sl_template_lacks(const sl_template_t *given, sl_template_resolve_t resolve, void *data);
/* Is the value of a `when` true: known, and not null, false, "", 0; of plain text (query, headers) also not the texts
 * "false" and "0". */
bool sl_template_holds(const sl_template_t *given, sl_template_resolve_t resolve, void *data);

#endif
