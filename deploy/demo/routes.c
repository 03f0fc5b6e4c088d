/* routes: what the demo services answer. The table is read twice: here for each request, in openapi.c for the document.
 */
#include "demo.h"

static void health(demo_call_t *call);
static void status(demo_call_t *call);

const char *const demo_method_names[DEMO_METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

#define BASE "/api/v1/{service}"

/* clang-format off */
const demo_route_t demo_routes[] = {
    {"search",   BASE,                       DEMO_GET | DEMO_POST, demo_search,   "find",     "Results for a query, best first", "Query",   "Answer"},
    {"scrape",   BASE,                       DEMO_GET | DEMO_POST, demo_scrape,   "fetch",    "Text and links of a page",        "Address", "Answer"},
    {"research", BASE,                       DEMO_GET | DEMO_POST, demo_research, "find",     "Findings with their sources",     "Query",   "Answer"},
    {NULL,       BASE "/status/{code}",      DEMO_ANY,             status,        "status",   "Answers with this status: 500 five times in a row opens the breaker", NULL, "Error"},
    {NULL,       BASE "/delay/{ms}",         DEMO_ANY,             demo_delay,    "delay",    "Answers after so many milliseconds", NULL,  "Waited"},
    {NULL,       BASE "/bytes/{count}",      DEMO_GET,             demo_bytes,    "bytes",    "Answers with so many bytes",      NULL,      NULL},
    {NULL,       BASE "/echo",               DEMO_ANY,             demo_echo,     "echo",     "What reached the service",        "Anything", "Echo"},
    {NULL,       BASE "/echo/{rest}",        DEMO_ANY,             demo_echo,     "echoPath", "What reached the service",        "Anything", "Echo"},
    {NULL,       "/openapi.json",            DEMO_GET,             demo_openapi,  "document", "This document",                   NULL,      "Anything"},
    {NULL,       "/health",                  DEMO_GET,             health,        "health",   "Whether the service is well",     NULL,      "Health"},
    {NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL},
};
/* clang-format on */

const char *const *demo_services(void)
{
    static const char *const names[] = {"search", "scrape", "research", NULL};
    return names;
}

static bool take_parameter(const char **pattern, h2o_iovec_t *rest, const char *service, h2o_iovec_t *argument)
{
    const char *name = *pattern + 1, *close = strchr(name, '}');
    size_t name_len = (size_t)(close - name), len = rest->len;

    if (name_len == 4 && memcmp(name, "rest", 4) == 0) {
        *argument = *rest;
    } else {
        const char *slash = memchr(rest->base, '/', rest->len);
        if (slash != NULL)
            len = (size_t)(slash - rest->base);
        *argument = sl_bytes(rest->base, len);
        if (name_len == 7 && memcmp(name, "service", 7) == 0 && !sl_bytes_equal(*argument, sl_bytes_of(service)))
            return false;
    }
    *pattern = close + 1;
    *rest = sl_bytes(rest->base + len, rest->len - len);
    return true;
}

static bool match(const char *pattern, h2o_iovec_t rest, const char *service, h2o_iovec_t *argument)
{
    while (*pattern != '\0') {
        if (*pattern == '{') {
            if (!take_parameter(&pattern, &rest, service, argument))
                return false;
        } else {
            if (rest.len == 0 || *rest.base != *pattern)
                return false;
            ++pattern;
            rest = sl_bytes(rest.base + 1, rest.len - 1);
        }
    }
    return rest.len == 0 || (rest.len == 1 && *rest.base == '/');
}

static unsigned method_bit(h2o_iovec_t method)
{
    if (sl_bytes_equal(method, SL_LIT("HEAD")))
        return DEMO_GET;
    for (unsigned i = 0; i != DEMO_METHODS; ++i)
        if (sl_bytes_equal(method, sl_bytes_of(demo_method_names[i])))
            return 1u << i;
    return 0;
}

static void refuse_method(demo_call_t *call, unsigned methods)
{
    h2o_mem_pool_t *pool = &call->req->pool;
    h2o_iovec_t allow = {NULL, 0};

    for (unsigned i = 0; i != DEMO_METHODS; ++i)
        if ((methods & 1u << i) != 0)
            allow =
                h2o_concat(pool, allow, allow.len != 0 ? SL_LIT(", ") : SL_LIT(""), sl_bytes_of(demo_method_names[i]));
    h2o_add_header_by_str(pool, &call->req->res.headers, H2O_STRLIT("allow"), 0, NULL, allow.base, allow.len);
    demo_refuse(call, 405, "this path does not know the method");
}

void demo_dispatch(demo_t *demo, h2o_req_t *req)
{
    demo_call_t *call = h2o_mem_alloc_pool(&req->pool, sizeof(*call));
    *call = (demo_call_t){.demo = demo, .req = req, .path = req->path};
    if (req->query_at != SIZE_MAX) {
        call->path.len = req->query_at;
        call->query = sl_bytes(req->path.base + req->query_at + 1, req->path.len - req->query_at - 1);
    }

    for (const demo_route_t *route = demo_routes; route->pattern != NULL; ++route) {
        if (route->service != NULL && strcmp(route->service, demo->service) != 0)
            continue;
        if (!match(route->pattern, call->path, demo->service, &call->argument))
            continue;
        if ((route->methods & method_bit(req->method)) == 0)
            refuse_method(call, route->methods);
        else
            route->serve(call);
        return;
    }
    demo_refuse(call, 404, "this service has no such path");
}

static void health(demo_call_t *call)
{
    struct json_object *json = json_object_new_object();
    json_object_object_add(json, "status", json_object_new_string("ok"));
    demo_answer(call, 200, json);
}

static void status(demo_call_t *call)
{
    uint64_t code;

    if (!demo_parse_number(call->argument, 599, &code) || code < 200) {
        demo_refuse(call, 400, "a final status is a number from 200 to 599");
        return;
    }
    struct json_object *json = json_object_new_object();
    json_object_object_add(json, "status", json_object_new_int((int)code));
    demo_answer(call, (int)code, json);
}
