/*
 * meant: what is legal and was hardly meant, told as warnings: a file that a node takes and that does not do what its
 * writer expects costs more time than one that is refused.
 */
#include "meant.h"
#include "sluice/clock.h"
#include "sluice/method.h"
#include "sluice/parse.h"
#include <time.h>

/* --- bodies where there are none --- */

static bool has_body(h2o_iovec_t method)
{
    return !sl_is_get_or_head(method);
}

static bool takes_bodies(const sl_pattern_t *pattern)
{
    bool takes = pattern->method_count == 0;

    for (size_t i = 0; i < pattern->method_count; ++i)
        takes |= has_body(pattern->methods[i]);
    return takes;
}

void sl_note_body_use(sl_reader_t *reader, const sl_template_t *made, const sl_node_t *node,
                      const sl_written_t *written)
{
    static const char words[] = "request.body";
    h2o_iovec_t text = written != NULL ? written->json : node->raw;

    if (reader->scope.body_use.line != 0 || !sl_template_refers(made, SL_LIT("request"), SL_LIT("body")))
        return;
    const char *at = memmem(text.base, text.len, words, sizeof(words) - 1);
    size_t offset = at != NULL ? (size_t)(at - text.base) : 0;
    offset -= offset != 0 && text.base[offset - 1] == '{'; /* "${request.body}" */
    offset -= offset != 0 && text.base[offset - 1] == '$';
    reader->scope.body_use = written != NULL ? sl_written_place(written, offset) : sl_node_place(node, offset);
}

void sl_warn_of_body_use(sl_reader_t *reader, const sl_route_t *route)
{
    if (reader->scope.body_use.line == 0 || takes_bodies(&route->pattern))
        return;
    sl_report_warn(reader->report, reader->scope.body_use,
                   "no method of this route has a body: $request.body is never there");
}

void sl_warn_of_call_body(sl_reader_t *reader, const sl_node_t *node)
{
    const sl_node_t *body = sl_node_find(node, "body");
    bool is_get = sl_node_find(node, "get") != NULL;

    if (body != NULL && (is_get || sl_node_find(node, "head") != NULL))
        sl_report_warn(reader->report, body->place,
                       "a service need not look at the body of a %s: use 'query', or 'post' instead of '%s'",
                       is_get ? "GET" : "HEAD", is_get ? "get" : "head");
}

/* --- limits that contradict each other --- */

static void warn_of_size(sl_reader_t *reader, sl_place_t place, uint64_t body)
{
    char largest[32], held[32];
    uint64_t bodies = reader->config->limits.bodies;

    if (body <= bodies)
        return;
    largest[sl_print_size(largest, body)] = '\0';
    held[sl_print_size(held, bodies)] = '\0';
    sl_report_warn(reader->report, place,
                   "a body of %s is never taken: all bodies together have %s of memory (limits.bodies)", largest, held);
}

void sl_finish_limits(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    const sl_config_t *config = target;
    const sl_node_t *body = sl_node_find(node, "body"), *bodies = sl_node_find(node, "bodies");

    if (body != NULL || bodies != NULL)
        warn_of_size(reader, body != NULL ? body->place : bodies->place, config->limits.body_max);
}

void sl_warn_of_route_body(sl_reader_t *reader, const sl_node_t *node, const sl_route_t *route)
{
    const sl_node_t *body = sl_node_find(node, "body");

    if (body != NULL && route->body_max != reader->config->limits.body_max) /* else it is told there */
        warn_of_size(reader, body->place, route->body_max);
}

/* --- lives that are over --- */

void sl_warn_of_ended_version(sl_reader_t *reader, const sl_node_t *node, const sl_version_t *version)
{
    char date[16];
    struct tm utc;
    time_t sunset = (time_t)version->life.sunset_s;
    const sl_node_t *place = sl_node_find(node, "sunset");

    if (place == NULL || sunset == 0 || version->life.sunset_s * 1000 > sl_clock_wall_ms())
        return;
    if (gmtime_r(&sunset, &utc) != NULL && strftime(date, sizeof(date), "%F", &utc) != 0)
        sl_report_warn(reader->report, place->place, "version '%s' ended on %s: all its requests are answered 410",
                       version->name, date);
}
