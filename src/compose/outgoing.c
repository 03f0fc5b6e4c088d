/*
 * outgoing: what a call sends, made from its templates.
 *
 * Target: the path with every value encoded as part of one segment, then the query, its values encoded as a whole; a
 * parameter without a value is left away. A path with a hole in it, or with a value that would climb out of its place
 * ("..", nothing), is no path: the call is not made. Fields: those of the request that go on, without those that the
 * call names itself, then the call's own; one without a value is left away. No value ever brings a line of its own.
 */
#include "inside.h"
#include "sluice/digest.h"

#define TARGET_BYTES_MAX 16384
#define FIELD_BYTES_MAX 8192

static h2o_iovec_t keep(sl_compose_t *compose, const sl_text_t *text)
{
    return h2o_strdup(&compose->pool, text->base != NULL ? text->base : "", text->size);
}

/* What a call asks with is kept to the end, for others that ask the same. A client can make it long and much. */
static bool may_keep(sl_fetch_t *fetch, size_t bytes)
{
    fetch->owner->asked_bytes += bytes;
    return fetch->owner->asked_bytes <= fetch->compose->request.aggregate->bytes_max;
}

/* --- target --- */

static bool is_dots(h2o_iovec_t segment)
{
    return segment.len >= 1 && segment.len <= 2 && memcmp(segment.base, "..", segment.len) == 0;
}

static bool has_dot_segment(h2o_iovec_t path)
{
    size_t begin = 0;

    for (size_t i = 0; i <= path.len; ++i) {
        if (i != path.len && path.base[i] != '/' && path.base[i] != '?')
            continue;
        if (is_dots(sl_bytes(path.base + begin, i - begin)))
            return true;
        if (i != path.len && path.base[i] == '?')
            return false;
        begin = i + 1;
    }
    return false;
}

static void put_encoded(sl_text_t *target, h2o_iovec_t name)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i != name.len; ++i) {
        unsigned char c = (unsigned char)name.base[i];
        bool is_plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                        (c != '\0' && strchr("-._~[]", c) != NULL);
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
        sl_text_append(target, is_plain ? name.base + i : escape, is_plain ? 1 : 3);
    }
}

static bool put_query(sl_compose_t *compose, const sl_call_plan_t *plan, sl_text_t *target)
{
    bool has_query = memchr(target->base, '?', target->size) != NULL;

    for (size_t i = 0; i != plan->query_count; ++i) {
        const sl_named_template_t *query = &plan->query[i];
        if (sl_template_lacks(query->value, sl_compose_resolve, compose))
            continue;
        sl_text_put(target, has_query ? "&" : "?");
        has_query = true;
        put_encoded(target, query->name);
        sl_text_put(target, "=");
        if (!sl_template_fill_text(query->value, sl_compose_resolve, compose, SL_ENCODE_ALL, TARGET_BYTES_MAX, target))
            return false;
    }
    return target->size <= TARGET_BYTES_MAX;
}

static bool make_target(sl_fetch_t *fetch)
{
    sl_compose_t *compose = fetch->compose;
    const sl_call_plan_t *plan = fetch->owner->plan;
    sl_text_t *target = &compose->scratch;

    sl_text_clear(target);
    if (sl_template_lacks(plan->path, sl_compose_resolve, compose) ||
        !sl_template_fill_text(plan->path, sl_compose_resolve, compose, SL_ENCODE_VALUES, TARGET_BYTES_MAX, target) ||
        target->size == 0 || target->base[0] != '/' || has_dot_segment(sl_bytes(target->base, target->size)) ||
        !put_query(compose, plan, target) || !may_keep(fetch, target->size))
        return false;
    fetch->request.target = keep(compose, target);
    return true;
}

/* --- fields --- */

static h2o_iovec_t name_of(h2o_iovec_t line)
{
    const char *colon = line.len != 0 ? memchr(line.base, ':', line.len) : NULL;
    return sl_bytes(line.base, colon != NULL ? (size_t)(colon - line.base) : line.len);
}

/* Cuts the first line off, with its end. */
static h2o_iovec_t next_line(h2o_iovec_t *lines)
{
    const char *feed = memchr(lines->base, '\n', lines->len);
    h2o_iovec_t line = sl_bytes(lines->base, feed != NULL ? (size_t)(feed - lines->base) + 1 : lines->len);

    *lines = sl_bytes(lines->base + line.len, lines->len - line.len);
    return line;
}

static bool is_named_by_call(const sl_call_plan_t *plan, h2o_iovec_t name)
{
    for (size_t i = 0; i != plan->header_count; ++i)
        if (sl_bytes_equal_fold(plan->headers[i].name, name))
            return true;
    return false;
}

static void put_common(const sl_compose_t *compose, const sl_call_plan_t *plan, sl_text_t *lines)
{
    h2o_iovec_t rest = compose->request.headers;

    if (plan->header_count == 0) {
        sl_text_append(lines, rest.base, rest.len);
        return;
    }
    while (rest.len != 0) {
        h2o_iovec_t line = next_line(&rest);
        if (!is_named_by_call(plan, name_of(line)))
            sl_text_append(lines, line.base, line.len);
    }
}

static bool is_field_value(const char *value, size_t len)
{
    for (size_t i = 0; i != len; ++i)
        if (((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f)
            return false;
    return true;
}

static bool put_own(sl_compose_t *compose, const sl_named_template_t *header, sl_text_t *lines)
{
    if (sl_template_lacks(header->value, sl_compose_resolve, compose))
        return true;
    sl_text_append(lines, header->name.base, header->name.len);
    sl_text_put(lines, ": ");
    size_t begin = lines->size;
    if (!sl_template_fill_text(header->value, sl_compose_resolve, compose, SL_ENCODE_NOTHING, FIELD_BYTES_MAX, lines) ||
        !is_field_value(lines->base + begin, lines->size - begin))
        return false;
    sl_text_put(lines, "\r\n");
    return true;
}

static bool make_fields(sl_fetch_t *fetch)
{
    sl_compose_t *compose = fetch->compose;
    const sl_call_plan_t *plan = fetch->owner->plan;
    sl_text_t *lines = &compose->scratch;

    sl_text_clear(lines);
    put_common(compose, plan, lines);
    if (fetch->request.has_body && !is_named_by_call(plan, SL_LIT("content-type")))
        sl_text_put(lines, "Content-Type: application/json\r\n");
    for (size_t i = 0; i != plan->header_count; ++i)
        if (!put_own(compose, &plan->headers[i], lines))
            return false;
    /* Elements of a for_each mostly send the same, and a client can make it much. */
    const sl_fetch_t *before = compose->fetches;
    h2o_iovec_t made = sl_bytes(lines->base, lines->size);
    bool is_known = before != NULL && sl_bytes_equal(before->identity, made);
    if (!may_keep(fetch, is_known ? 0 : made.len))
        return false;
    fetch->identity = is_known ? before->identity : keep(compose, lines);
    return true;
}

static bool make_body(sl_fetch_t *fetch)
{
    sl_compose_t *compose = fetch->compose;
    const sl_template_t *body = fetch->owner->plan->body;

    if (body == NULL)
        return true;
    if (!sl_template_fill(body, sl_compose_resolve, compose, compose->request.aggregate->bytes_max, &fetch->sent_body))
        return false;
    fetch->request.has_body = true;
    fetch->request.body = sl_bytes(fetch->sent_body.base, fetch->sent_body.size);
    return true;
}

bool sl_outgoing_make(sl_fetch_t *fetch)
{
    return make_target(fetch) && make_body(fetch) && make_fields(fetch);
}

/* --- what differs from call to call --- */

static void put_trace(const sl_compose_t *compose, sl_text_t *lines)
{
    const sl_compose_request_t *request = &compose->request;
    char span[16];

    if (request->trace_id.len == 0)
        return;
    sl_random_hex(span, sizeof(span) / 2);
    sl_text_put(lines, "traceparent: 00-");
    sl_text_append(lines, request->trace_id.base, request->trace_id.len);
    sl_text_put(lines, "-");
    sl_text_append(lines, span, sizeof(span));
    sl_text_put(lines, "-");
    sl_text_append(lines, request->trace_flags.base, request->trace_flags.len);
    sl_text_put(lines, "\r\n");
}

void sl_outgoing_finish(sl_fetch_t *fetch, uint64_t given_ms)
{
    sl_compose_t *compose = fetch->compose;
    sl_text_t *lines = &fetch->lines;

    sl_text_append(lines, fetch->identity.base, fetch->identity.len);
    put_trace(compose, lines);
    sl_text_put(lines, "X-Request-Deadline-Ms: ");
    sl_text_number(lines, given_ms);
    sl_text_put(lines, "\r\n");
    fetch->request.headers = sl_bytes(lines->base, lines->size);
}
