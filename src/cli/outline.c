/* outline: one telling, two forms (outline.h). */
#include "outline.h"
#include <assert.h>

static void indent(sl_outline_t *outline)
{
    for (unsigned i = 1; i < outline->depth; ++i)
        sl_text_put(&outline->text, "  ");
}

/* Everything in front of a value: comma or line, dash, name. */
static void put_name(sl_outline_t *outline, const char *name)
{
    unsigned level = outline->depth - 1;
    bool is_first = !outline->has_member[level];

    assert((name == NULL) == outline->is_list[level]);
    outline->has_member[level] = true;
    if (outline->as_json) {
        sl_text_put(&outline->text, is_first ? "" : ",");
        if (name != NULL) {
            sl_text_json(&outline->text, sl_bytes_of(name));
            sl_text_put(&outline->text, ":");
        }
        return;
    }
    if (!outline->begins_item)
        indent(outline);
    outline->begins_item = false;
    if (name != NULL)
        sl_text_format(&outline->text, "%s:", name);
    else
        sl_text_put(&outline->text, "- ");
}

static void open_level(sl_outline_t *outline, const char *name, bool is_list)
{
    bool is_item = outline->depth != 0 && outline->is_list[outline->depth - 1];

    assert(outline->depth < SL_OUTLINE_DEPTH_MAX);
    if (outline->depth != 0)
        put_name(outline, name);
    if (outline->as_json)
        sl_text_put(&outline->text, is_list ? "[" : "{");
    else if (is_item)
        outline->begins_item = true;
    else if (outline->depth != 0)
        sl_text_put(&outline->text, "\n");
    outline->is_list[outline->depth] = is_list;
    outline->has_member[outline->depth++] = false;
}

void sl_outline_begin(sl_outline_t *outline, bool as_json)
{
    *outline = (sl_outline_t){.as_json = as_json};
    open_level(outline, NULL, false);
}

void sl_outline_map(sl_outline_t *outline, const char *name)
{
    open_level(outline, name, false);
}

void sl_outline_list(sl_outline_t *outline, const char *name)
{
    open_level(outline, name, true);
}

void sl_outline_close(sl_outline_t *outline)
{
    --outline->depth;
    if (outline->as_json)
        sl_text_put(&outline->text, outline->is_list[outline->depth] ? "]" : "}");
    else if (!outline->has_member[outline->depth] && outline->depth != 0) {
        outline->begins_item = false;
        if (outline->text.base[outline->text.size - 1] == '\n')
            --outline->text.size;
        sl_text_put(&outline->text, " none\n");
    }
}

void sl_outline_end(sl_outline_t *outline)
{
    sl_outline_close(outline);
    if (outline->as_json)
        sl_text_put(&outline->text, "\n");
}

void sl_outline_put_first(sl_outline_t *outline, const sl_outline_t *first)
{
    sl_text_t joined = {0};
    h2o_iovec_t front = sl_bytes(first->text.base, first->text.size);
    h2o_iovec_t back = sl_bytes(outline->text.base, outline->text.size);

    assert(outline->as_json == first->as_json && first->has_member[0] && outline->has_member[0]);
    if (outline->as_json) { /* "{...}\n" and "{...}\n" */
        front.len -= 2;
        back = sl_bytes(back.base + 1, back.len - 1);
    }
    sl_text_append(&joined, front.base, front.len);
    sl_text_put(&joined, outline->as_json ? "," : "");
    sl_text_append(&joined, back.base, back.len);
    sl_text_dispose(&outline->text);
    outline->text = joined;
}

void sl_outline_dispose(sl_outline_t *outline)
{
    sl_text_dispose(&outline->text);
}

/* --- values --- */

/* Keys, headers and records were written by anybody: nothing of them may steer the terminal. */
static void put_line(sl_outline_t *outline, h2o_iovec_t value)
{
    if (outline->text.base[outline->text.size - 1] == ':')
        sl_text_put(&outline->text, " ");
    size_t begin = outline->text.size;
    sl_text_append(&outline->text, value.base, value.len);
    for (size_t i = begin; i != outline->text.size; ++i)
        if ((unsigned char)outline->text.base[i] < ' ' || outline->text.base[i] == 0x7f)
            outline->text.base[i] = '?';
    sl_text_put(&outline->text, "\n");
}

void sl_outline_text(sl_outline_t *outline, const char *name, h2o_iovec_t value)
{
    put_name(outline, name);
    if (outline->as_json)
        sl_text_json(&outline->text, value);
    else
        put_line(outline, value);
}

void sl_outline_pair(sl_outline_t *outline, const char *name_label, h2o_iovec_t name, const char *value_label,
                     h2o_iovec_t value)
{
    if (!outline->as_json) {
        sl_outline_format(outline, NULL, "%.*s: %.*s", (int)name.len, name.base, (int)value.len, value.base);
        return;
    }
    sl_outline_map(outline, NULL);
    sl_outline_text(outline, name_label, name);
    sl_outline_text(outline, value_label, value);
    sl_outline_close(outline);
}

void sl_outline_format(sl_outline_t *outline, const char *name, const char *format, ...)
{
    sl_text_t text = {0};
    va_list arguments;

    va_start(arguments, format);
    sl_text_vformat(&text, format, arguments);
    va_end(arguments);
    sl_outline_text(outline, name, sl_bytes(text.base, text.size));
    sl_text_dispose(&text);
}

void sl_outline_json(sl_outline_t *outline, const char *name, h2o_iovec_t value)
{
    put_name(outline, name);
    if (outline->as_json)
        sl_text_append(&outline->text, value.base, value.len);
    else
        put_line(outline, value);
}

void sl_outline_number(sl_outline_t *outline, const char *name, uint64_t value)
{
    char digits[SL_NUMBER_DIGITS];
    sl_outline_json(outline, name, sl_bytes(digits, (size_t)(sl_put_number(digits, value) - digits)));
}

void sl_outline_flag(sl_outline_t *outline, const char *name, bool value)
{
    sl_outline_json(outline, name, value ? SL_LIT("true") : SL_LIT("false"));
}
