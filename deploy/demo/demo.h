/*
 * demo: what the files of the demo service share.
 *
 * One process plays one service: `search`, `scrape` or `research`. It is what stands behind the gateway in the worked
 * example, so it is deterministic (the same question has the same answer) and shows what reached it.
 *
 *   main      options, signals, end
 *   server    listener, connections, libh2o's set-up
 *   routes    the table of routes and the walk through it; openapi makes the document from the same table
 *   content   search, scrape, research     echo     what reached us
 *   waiting   answers that take their time flow     answers of many bytes
 *   answer    how an answer is sent        text     bytes to JSON and back
 */
#ifndef SLUICE_DEMO_H
#define SLUICE_DEMO_H

#include "sluice/bytes.h"
#include <h2o.h>
#include <json-c/json.h>
#include <stdint.h>

typedef struct demo_t demo_t;

/* One list per power of two milliseconds: libh2o's timer lists hold one duration each (waiting.c). */
#define DEMO_WAIT_LISTS 17

struct demo_t {
    const char *service;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener;
    h2o_linklist_t connections;
    size_t connection_count;
    bool is_leaving; /* SIGTERM came: no further requests on kept connections */
    h2o_timeout_t waits[DEMO_WAIT_LISTS];
};

/* Methods are bits, so that a row of the route table can name several. */
enum {
    DEMO_GET = 1, /* HEAD too */
    DEMO_POST = 2,
    DEMO_PUT = 4,
    DEMO_PATCH = 8,
    DEMO_DELETE = 16,
    DEMO_OPTIONS = 32,
    DEMO_ANY = 63,
};
#define DEMO_METHODS 6
extern const char *const demo_method_names[DEMO_METHODS];

/* A request on its way through one route; lives in the request's pool. */
typedef struct demo_call_t {
    demo_t *demo;
    h2o_req_t *req;
    h2o_iovec_t path, query; /* raw; query.base NULL when there is none */
    h2o_iovec_t argument;    /* what stood for the last {parameter} of the pattern */
} demo_call_t;

typedef struct demo_route_t {
    const char *service; /* NULL: all three */
    const char *pattern; /* "{service}" is ours; {rest} takes slashes, every other parameter one segment */
    unsigned methods;
    void (*serve)(demo_call_t *call);
    const char *operation, *summary;
    const char *takes, *gives; /* schemas of the document; takes NULL: no body */
} demo_route_t;

/* routes.c; ends with a row without pattern */
extern const demo_route_t demo_routes[];
const char *const *demo_services(void); /* NULL-terminated */
void demo_dispatch(demo_t *demo, h2o_req_t *req);

/* server.c */
const char *demo_server_open(demo_t *demo, const char *listen_text);
void demo_server_leave(demo_t *demo); /* no new connections, idle ones closed */
void demo_server_close(demo_t *demo); /* once connection_count is 0 */

/* content.c */
void demo_search(demo_call_t *call);
void demo_scrape(demo_call_t *call);
void demo_research(demo_call_t *call);
/* echo.c */
void demo_echo(demo_call_t *call);
/* waiting.c */
void demo_delay(demo_call_t *call);
void demo_waits_init(demo_t *demo);
void demo_waits_dispose(demo_t *demo);
/* flow.c */
void demo_bytes(demo_call_t *call);
/* openapi.c */
void demo_openapi(demo_call_t *call);

/* answer.c: each takes over `json`, adds the service's name to objects that lack it, and ends the call. */
void demo_answer(demo_call_t *call, int status, struct json_object *json);
void demo_refuse(demo_call_t *call, int status, const char *detail);
void demo_begin(demo_call_t *call, int status, const char *content_type); /* status and headers that all answers have */

/* text.c */
/* A JSON string; what is not UTF-8 becomes U+FFFD. */
struct json_object *demo_json_text(h2o_iovec_t bytes);
bool demo_is_text(h2o_iovec_t bytes); /* UTF-8 without controls but tab, CR and LF */
/* An object, NULL when the bytes are anything else. */
struct json_object *demo_parse_object(h2o_iovec_t bytes);
/* Decimal digits only, at most `max`. */
bool demo_parse_number(h2o_iovec_t text, uint64_t max, uint64_t *number);
/* Decoded value of a query parameter, in the request's pool; base NULL when absent or badly escaped. */
h2o_iovec_t demo_query_value(demo_call_t *call, const char *name);

#endif
