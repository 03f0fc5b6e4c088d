/*
 * path: one spelling for each path (RFC 3986 §6.2), so that no policy can be walked around by spelling.
 *
 * Normalised: percent-encoded unreserved characters decoded (%2e, %41), hex of what stays encoded in upper case, dot
 * segments removed (§5.2.4), duplicate slashes made one. "%2F" stays encoded: it is data, not a border. Characters that
 * may not stand in a path raw ("<>[]\"{}|\\^`?", blank, bytes >= 0x80) are encoded. Slashes are merged before dot
 * segments are resolved: "/a//../b" is "/b". What is matched is what is forwarded.
 */
#ifndef SLUICE_PATH_H
#define SLUICE_PATH_H

#include "sluice/bytes.h"

typedef enum {
    SL_PATH_OK,
    SL_PATH_NOT_ABSOLUTE, /* does not begin with '/' */
    SL_PATH_BAD_ESCAPE,   /* '%' without two hex digits */
    SL_PATH_CONTROL,      /* a control character, raw or encoded (NUL, CR, LF ...), or '#' */
    SL_PATH_HIDDEN_DOTS,  /* "..;x" "..%2Fx" "..%5Cx": a dot segment to services more lenient than we are */
} sl_path_error_t;

/* Normalises `path` (no query) into `out`, which must hold 3 x path.len + 1 bytes. `*len` is the result's length,
 * without final zero. */
sl_path_error_t sl_path_normalise(h2o_iovec_t path, char *out, size_t *len);
/* For problem bodies; a static text. */
const char *sl_path_error_text(sl_path_error_t error);

/* Splits a request target at the first '?'. query.base is NULL when there is none; the '?' belongs to neither. */
void sl_path_split(h2o_iovec_t target, h2o_iovec_t *path, h2o_iovec_t *query);

/* Value of the first query parameter `name`, still encoded; base NULL when absent. Names are compared decoded
 * ("api%5Fkey" is "api_key"). */
h2o_iovec_t sl_query_find(h2o_iovec_t query, h2o_iovec_t name);
/* The query without any parameter `name`, into `out` (query.len bytes); returns the length. */
size_t sl_query_remove(h2o_iovec_t query, h2o_iovec_t name, char *out);
/* Appends the query with every parameter `from` called `to` (plain text, written encoded); values stay as they are. */
void sl_query_rename(h2o_iovec_t query, h2o_iovec_t from, h2o_iovec_t to, sl_text_t *out);
/* Appends a name or value as it may stand in a query (RFC 3986: all but unreserved characters are encoded). */
void sl_query_encode(h2o_iovec_t plain, sl_text_t *out);
/* Percent-decodes ('+' becomes a blank) into `out` (in.len bytes); false on a bad escape or a control character. */
bool sl_query_decode(h2o_iovec_t in, char *out, size_t *len);
/* The same for text that is passed on as a value, where every character is one and an escape that is none stands for
 * itself. Returns the length. */
size_t sl_query_text(h2o_iovec_t in, char *out);

#endif
