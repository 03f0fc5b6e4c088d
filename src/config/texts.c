/* texts: settings that are words of the operator's own, secrets and the files they may stand in, and what such words
 * may look like. */
#include "file.h"
#include "settings.h"
#include <ctype.h>

enum { SECRET_BYTES_MAX = 64 * 1024 };

static bool is_well(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node)
{
    if (!sl_take_scalar(reader, setting, node))
        return false;
    const char *why = setting->check != NULL ? setting->check(node->text) : NULL;
    if (why != NULL)
        sl_reject_because(reader, setting, node, why);
    return why == NULL;
}

/* --- zero-terminated --- */

static void read_text(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (is_well(reader, setting, node))
        *(char **)sl_field(setting, target) = sl_keep(reader, node->text).base;
}

static bool text_is_set(const sl_setting_t *setting, const void *target)
{
    return *(char *const *)sl_field_const(setting, target) != NULL;
}

static void print_text(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    h2o_iovec_t text = sl_bytes_of(*(char *const *)sl_field_const(setting, target));
    if (setting->is_secret)
        sl_emit_secret(emitter, text);
    else
        sl_emit_text(emitter, text);
}

#define TEXT_SCHEMA "\"type\":[\"string\",\"number\"]"

const sl_type_t sl_type_text = {
    .noun = "a text", .schema = TEXT_SCHEMA, .read = read_text, .print = print_text, .is_set = text_is_set};

/* --- pointer and length --- */

static void read_bytes(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (is_well(reader, setting, node))
        *(h2o_iovec_t *)sl_field(setting, target) = sl_keep(reader, node->text);
}

static bool bytes_are_set(const sl_setting_t *setting, const void *target)
{
    return ((const h2o_iovec_t *)sl_field_const(setting, target))->len != 0;
}

static void print_bytes(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const h2o_iovec_t *bytes = sl_field_const(setting, target);
    if (setting->is_secret)
        sl_emit_secret(emitter, *bytes);
    else
        sl_emit_text(emitter, *bytes);
}

const sl_type_t sl_type_bytes = {
    .noun = "a text", .schema = TEXT_SCHEMA, .read = read_bytes, .print = print_bytes, .is_set = bytes_are_set};

/* --- secrets in files: the field is that of the row that takes the secret itself --- */

/* The last line end is an editor's, not the secret's. */
static const char *read_secret(const char *path, char *bytes, size_t *len)
{
    const char *error = sl_file_read(path, bytes, SECRET_BYTES_MAX, len);
    if (*len > 0 && bytes[*len - 1] == '\n')
        --*len;
    if (*len > 0 && bytes[*len - 1] == '\r')
        --*len;
    if (error == NULL && *len == 0)
        error = "nothing in it";
    return error == NULL && memchr(bytes, 0, *len) != NULL ? "a NUL character in it" : error;
}

/* base NULL when it was reported. */
static h2o_iovec_t take_secret(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, bool is_given)
{
    h2o_iovec_t secret = {NULL, 0};
    if (!sl_take_scalar(reader, setting, node))
        return secret;
    if (is_given) {
        sl_report_add(reader->report, node->place, "'%s' gives what is given already", setting->name);
        return secret;
    }
    size_t len;
    char *bytes = h2o_mem_alloc(SECRET_BYTES_MAX + 1);
    const char *error = read_secret(node->text.base, bytes, &len);
    if (error != NULL)
        sl_report_add(reader->report, node->place, "'%s' cannot be read from '%.*s': %s", setting->name,
                      sl_shown(node->text), node->text.base, error);
    else
        secret = sl_keep(reader, sl_bytes(bytes, len));
    free(bytes);
    return secret;
}

static void read_text_file(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    char **text = sl_field(setting, target);
    h2o_iovec_t secret = take_secret(reader, setting, node, *text != NULL);
    if (secret.base != NULL)
        *text = secret.base;
}

static void read_bytes_file(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    h2o_iovec_t *bytes = sl_field(setting, target);
    h2o_iovec_t secret = take_secret(reader, setting, node, bytes->len != 0);
    if (secret.base != NULL)
        *bytes = secret;
}

const sl_type_t sl_type_text_file = {
    .noun = "the path of a file", .schema = "\"type\":\"string\"", .read = read_text_file};
const sl_type_t sl_type_bytes_file = {
    .noun = "the path of a file", .schema = "\"type\":\"string\"", .read = read_bytes_file};

/* --- what words may look like --- */

static bool is_made_of(h2o_iovec_t text, const char *others)
{
    for (size_t i = 0; i < text.len; ++i)
        if (!isalnum((unsigned char)text.base[i]) && strchr(others, text.base[i]) == NULL)
            return false;
    return text.len != 0;
}

const char *sl_check_name(h2o_iovec_t text)
{
    return text.len <= 64 && is_made_of(text, "-_.") ? NULL : "takes up to 64 letters, digits, '-', '_' and '.'";
}

const char *sl_check_prefix(h2o_iovec_t text)
{
    return text.len <= 64 && is_made_of(text, "-_.:") ? NULL : "takes up to 64 letters, digits, '-', '_', '.' and ':'";
}

static bool is_printable(h2o_iovec_t text, const char *except)
{
    for (size_t i = 0; i < text.len; ++i)
        if (text.base[i] < 0x20 || text.base[i] == 0x7f || strchr(except, text.base[i]) != NULL)
            return false;
    return true;
}

/* A label of metrics: it must fit into the segment's table of names. */
const char *sl_check_route_name(h2o_iovec_t text)
{
    return text.len < 100 && is_printable(text, "\"\\")
               ? NULL
               : "takes up to 99 printable ASCII characters without '\"' and '\\'";
}

const char *sl_check_realm(h2o_iovec_t text)
{
    return is_printable(text, "\"\\") ? NULL : "takes printable ASCII characters without '\"' and '\\'";
}

/* It stands between < and > in Link (RFC 8288 §3). */
const char *sl_check_url_reference(h2o_iovec_t text)
{
    return is_printable(text, " <>\"\\") && text.len != 0 ? NULL : "takes a URL, absolute or beginning with '/'";
}

const char *sl_check_absolute_path(h2o_iovec_t text)
{
    return text.base[0] == '/' ? NULL : "takes an absolute path";
}

const char *sl_check_output(h2o_iovec_t text)
{
    return text.base[0] == '/' || sl_bytes_equal(text, SL_LIT("-"))
               ? NULL
               : "takes an absolute path, or - for standard output";
}
