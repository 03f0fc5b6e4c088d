/*
 * config: one YAML file, read into one immutable snapshot. Every setting is a row of the table in
 * src/config/settings.c: name, type, default, range, whether a reload applies it, meaning. The parser, its errors,
 * `sluice config schema`, `sluice config dump` and the reference all come from those rows.
 *
 * A snapshot is counted: a worker holds one, each exchange holds the one it began with. All pointers in it die with it.
 */
#ifndef SLUICE_CONFIG_H
#define SLUICE_CONFIG_H

#include "sluice/breaker.h"
#include "sluice/listen.h"
#include "sluice/parse.h"
#include "sluice/route_table.h"
#include "sluice/shared.h"
#include "sluice/version.h"
#include <netinet/in.h>

/* Address block of `trusted_proxies`: "10.0.0.0/8", "2001:db8::/32", "127.0.0.1", "unix" (peers of Unix sockets). */
typedef struct sl_block_t {
    int family; /* AF_INET, AF_INET6, AF_UNIX */
    uint8_t bytes[16];
    unsigned bits;
} sl_block_t;

typedef enum { SL_REDIS_EMBEDDED, SL_REDIS_TCP, SL_REDIS_UNIX } sl_redis_kind_t;

/* redis: embedded | redis://[user[:password]@]host[:port][/db] | unix:///path[?db=N] | mapping with url, username,
 * password(_file), db, prefix, timeouts, data */
typedef struct sl_redis_settings_t {
    sl_redis_kind_t kind;
    char *host; /* name or address */
    uint16_t port;
    char *path;                /* of the Unix socket; for embedded: <data>/redis.sock */
    char *data;                /* embedded: directory of the append-only file and the socket */
    char *username, *password; /* NULL: none */
    uint64_t database;
    char *prefix;                /* "sluice" */
    uint64_t connect_timeout_ms; /* 250 */
    uint64_t timeout_ms;         /* 50: one question */
    uint64_t pending_max;        /* questions waiting per link; beyond it they fail at once */
} sl_redis_settings_t;

typedef struct sl_key_settings_t {
    char *header;                 /* X-API-Key */
    char *query;                  /* name of a query parameter, NULL: not looked at */
    bool bearer;                  /* Authorization: Bearer too */
    bool forward;                 /* the service gets the key */
    sl_rate_t limit;              /* of records that name none */
    uint64_t burst;               /* of records that name none; 0: the limit */
    h2o_iovec_t pepper;           /* len 0: none */
    char *realm;                  /* in WWW-Authenticate */
    bool x_ratelimit;             /* send X-RateLimit-* beside the standard fields */
    bool shadow;                  /* limits are counted and logged, never enforced */
    uint64_t remember_unknown_ms; /* 1000: that a key is unknown; 0: Redis is asked each time */
} sl_key_settings_t;

typedef struct sl_timeouts_t {
    uint64_t connect_ms, first_byte_ms, idle_ms, total_ms;
} sl_timeouts_t;

typedef struct sl_instance_t {
    char *url;
    char *authority; /* Host of requests to it: "127.0.0.1:8001"; "localhost" for Unix sockets */
    char *host;      /* name to resolve; NULL for Unix sockets and literal addresses */
    uint16_t port;
    struct sockaddr_storage literal; /* when the URL holds an address or a socket path */
    socklen_t literal_len;           /* 0: look into shared->addresses[slot] */
    int slot;                        /* in sl_shared_t, by sl_config_bind */
} sl_instance_t;

typedef struct sl_service_t {
    char *name;
    int slot; /* in sl_shared_t and in each worker's tables, by sl_config_bind */
    sl_instance_t *instances;
    size_t instance_count;
    sl_breaker_settings_t breaker;
    bool has_breaker;
    sl_timeouts_t timeouts;
    uint64_t retries;          /* further tries after the first */
    uint64_t connections_idle; /* kept per instance and worker */
    uint64_t idle_keep_ms;     /* how long a kept connection lives */
} sl_service_t;

typedef enum { SL_HEADER_SET, SL_HEADER_APPEND, SL_HEADER_REMOVE } sl_header_op_kind_t;
typedef struct sl_header_op_t {
    sl_header_op_kind_t kind;
    h2o_iovec_t name, value;
    bool is_from_environment; /* its value, or a part of it: not shown, it may well be a secret */
} sl_header_op_t;

typedef enum { SL_FALLBACK_NONE, SL_FALLBACK_ANSWER, SL_FALLBACK_SERVICE } sl_fallback_kind_t;

/* --- composition (policy/json*.c, template.c; compose/; request/aggregate.c) --- */

typedef struct sl_named_template_t {
    h2o_iovec_t name;
    sl_template_t *value; /* text */
    h2o_iovec_t written;  /* what it was made from, for `config dump` and `explain` */
} sl_named_template_t;

/* One call of an aggregate. */
typedef struct sl_call_plan_t {
    char *name;
    const sl_service_t *service;
    h2o_iovec_t method;  /* from the setting's name: get, post, put, patch, delete, head */
    sl_template_t *path; /* text; values are percent-encoded */
    sl_named_template_t *query, *headers;
    size_t query_count, header_count;
    sl_template_t *body;     /* JSON; NULL: none */
    sl_template_t *when;     /* a reference (compiled like a body); NULL: always */
    sl_template_t *for_each; /* a reference to an array; NULL: one call. `item` and `index` may be used; the part's body
                                is the array of bodies, in order */
    uint64_t concurrency;    /* of for_each */
    uint64_t for_each_max;   /* elements beyond it make the part fail */
    uint64_t timeout_ms;     /* of each call; never beyond the aggregate's deadline */
    bool is_required;
    h2o_iovec_t default_json; /* in place of the body when it failed or was not wanted; len 0: nothing (references are
                                 unknown) */
    uint64_t retries;
    uint64_t cost; /* units added to the request's */
    size_t *needs; /* indices of the calls whose answers it refers to; the order in the file is free */
    size_t need_count;
    struct {
        h2o_iovec_t path;                 /* text */
        h2o_iovec_t body, when, for_each; /* JSON */
    } written;                            /* what the templates were made from */
} sl_call_plan_t;

/* One front end's form of the answer. Tried in the order of the file; the first of which ANY given condition fits is
 * taken. */
typedef struct sl_shape_t {
    char *name;
    h2o_iovec_t path_suffix; /* chosen by ..., len 0: not by this. "/mobile": the route's path ends with it, or with "/"
                                + "*" */
    h2o_iovec_t header_name, header_value; /* value len 0: present */
    h2o_iovec_t host;
    bool by_client_hint_mobile; /* Sec-CH-UA-Mobile: ?1 */
    uint64_t calls;             /* bit i: this form needs calls[i] of the aggregate (reach.c) */
    sl_edit_t *edits;           /* on the assembled answer */
    size_t edit_count;
    sl_template_t *answer; /* or a template of its own; NULL: the route's */
    struct {
        h2o_iovec_t select, drop, rename, flatten, limit, edit, answer;
    } written; /* JSON, what edits and answer were made from */
} sl_shape_t;

typedef struct sl_aggregate_t {
    sl_call_plan_t *calls; /* in an order in which every call stands behind those it needs */
    size_t call_count;
    sl_template_t *answer;
    uint64_t calls_needed; /* by the route's own form, as of each shape */
    uint64_t timeout_ms;   /* of all together; told to services as X-Request-Deadline-Ms, what is left */
    uint64_t bytes_max;    /* of one part, and of the answer */
    bool keeps_fields;     /* something refers to the header fields of a call's answer */
    bool meta;             /* _meta names the parts that did not do well (default true) */
    h2o_iovec_t written;   /* JSON, what `answer` was made from */
} sl_aggregate_t;

/* What happens to the bodies, queries and fields of a proxied exchange. */
typedef struct sl_transform_t {
    sl_edit_t *request_edits, *response_edits;
    size_t request_edit_count, response_edit_count;
    struct {
        h2o_iovec_t *remove;
        sl_named_template_t *set, *add; /* add: only when absent */
        struct {
            h2o_iovec_t from, to;
        } * rename;
        size_t remove_count, set_count, add_count, rename_count;
    } query;
    bool form_to_json;    /* requests */
    bool json_to_service; /* MessagePack requests become JSON, JSON answers become MessagePack for clients that prefer
                             it */
    uint64_t bytes_max;   /* of a body that must be held whole: 413 / 502 */
    struct {
        h2o_iovec_t request, response;
    } written; /* JSON, what the edits were made from */
} sl_transform_t;

typedef struct sl_version_t {
    char *name;                  /* "1", "2024-06-01" */
    const sl_service_t *service; /* NULL: the route's */
    sl_transform_t *transform;   /* NULL: the route's */
    sl_version_life_t life;
} sl_version_t;

typedef struct sl_versions_t {
    sl_version_by_t by;
    h2o_iovec_t
        name; /* header, query parameter, path parameter ("{version}" of the route's path) or media type parameter */
    sl_version_t *list;
    size_t count;
    bool cut_segment;            /* of a version in the path: the service gets the path without it */
    const sl_version_t *initial; /* when the request names none; NULL: it must (400) */
} sl_versions_t;

typedef struct sl_route_t {
    char *name; /* given, or made from method and path: log field and metric label */
    int slot;
    sl_pattern_t pattern;
    const sl_service_t *service; /* NULL for /health */
    bool is_health;              /* the built-in answer of `health:` */
    bool needs_key;              /* auth: key (default) | none */
    h2o_iovec_t scopes;          /* needed, separated by one blank; len 0: none */
    bool shadow;                 /* limits in shadow mode here */
    uint64_t cost;               /* units charged; 1 */
    /* path sent to the service: strip_prefix cut from the front, then prefix put there */
    h2o_iovec_t strip_prefix, add_prefix;
    bool preserve_host;
    h2o_iovec_t host_override; /* len 0: the instance's */
    sl_header_op_t *request_headers, *response_headers;
    size_t request_header_count, response_header_count;
    sl_timeouts_t timeouts; /* the service's where the route says nothing */
    uint64_t body_max;
    struct {
        sl_fallback_kind_t kind;
        int status;
        h2o_iovec_t content_type, body;
        const sl_service_t *service;
    } fallback;                /* while the breaker is open */
    sl_aggregate_t *aggregate; /* NULL: proxied. With it `service` is NULL and the calls name theirs */
    sl_shape_t *shapes;
    size_t shape_count;
    sl_transform_t *transform; /* NULL: bodies stream through untouched */
    sl_versions_t *versions;   /* NULL: one version */
} sl_route_t;

typedef enum { SL_ACCESS_JSON, SL_ACCESS_TEXT, SL_ACCESS_OFF } sl_access_format_t;

typedef struct sl_config_t {
    uint64_t generation; /* from 1, by the supervisor */
    sl_listen_t *listens;
    size_t listen_count;
    sl_listen_t ops;  /* text NULL: off */
    uint64_t workers; /* 0: one per CPU */
    bool core_dumps;
    sl_redis_settings_t redis;
    sl_key_settings_t keys;
    sl_service_t *services;
    size_t service_count;
    sl_route_t *routes; /* the health route, if any, is the last */
    size_t route_count;
    sl_route_table_t *table; /* over routes, same index */
    sl_block_t *trusted;
    size_t trusted_count;
    char *server_name; /* pseudonym in Via and Server: "sluice" */
    struct {
        uint64_t body_max;                /* request bodies, 10 MiB; the largest of all routes is libh2o's bound */
        uint64_t target_max;              /* bytes of a request target, 8 KiB */
        uint64_t header_max;              /* bytes of a request's head, 32 KiB */
        uint64_t header_lines;            /* fields of a head */
        uint64_t streams;                 /* HTTP/2: requests being served at once on one connection; more wait */
        uint64_t connections;             /* per worker */
        uint64_t connections_per_address; /* per node; 0: no bound */
        uint64_t in_flight;               /* per worker */
        uint64_t in_flight_per_connection;
        uint64_t bodies;         /* bytes of request bodies held per worker */
        uint64_t handshake_ms;   /* TLS */
        uint64_t head_ms;        /* for a head to arrive */
        uint64_t body_rate;      /* bytes per second; 0: any */
        uint64_t body_grace_ms;  /* so long a body may be behind it */
        uint64_t idle_ms;        /* between requests */
        uint64_t lifetime_ms;    /* 0: none */
        uint64_t requests;       /* per connection; 0: no bound */
        uint64_t stall_ms;       /* an answer of which the client takes nothing for so long is cut */
        uint64_t drain_ms;       /* after TERM */
        uint64_t drain_delay_ms; /* from TERM to the end of accepting */
    } limits;
    struct {
        sl_access_format_t access;
        char *access_path; /* "-" is standard output */
        int level;         /* sl_log_level_t of operational lines */
    } log;
    size_t references; /* one process, one thread: plain */
    uint64_t text_hash;
} sl_config_t;

/* One error per line, "file:line:column: what was expected (did you mean 'x'?)"; all errors of a file are in it.
 * Warnings are what a file may say but hardly means; with nothing else in it, it is read all the same. */
typedef struct sl_config_errors_t {
    sl_text_t text;
    size_t count;
    sl_text_t warnings; /* "file:line:column: warning: ..." */
    size_t warning_count;
} sl_config_errors_t;

/* Reads and checks. NULL with errors. `source` is the name used in errors. ${ENV:-default} and *_file are resolved
 * here. */
sl_config_t *sl_config_read(const char *source, h2o_iovec_t yaml, sl_config_errors_t *errors);
/* The same for a file; `yaml` (may be NULL) receives the text that was read, owned by the caller. */
sl_config_t *sl_config_read_file(const char *path, sl_text_t *yaml, sl_config_errors_t *errors);
void sl_config_errors_dispose(sl_config_errors_t *errors);

/* Fills the slots of routes, services and instances from the names in the segment; with `claim` new names get slots
 * (supervisor only). */
void sl_config_bind(sl_config_t *config, sl_shared_t *shared, bool claim);
/* An instance that needs a row for its address and found none, since rows are never given back; NULL: all are well. */
const sl_instance_t *sl_config_homeless(const sl_config_t *config);

sl_config_t *sl_config_retain(sl_config_t *config);
void sl_config_release(sl_config_t *config); /* the last one frees */

/* NULL when a reload may go from old to new; else the name of the first setting that needs a restart ("workers"). */
const char *sl_config_reload_obstacle(const sl_config_t *old, const sl_config_t *new);

/* Effective settings as YAML, secrets as "********". */
void sl_config_dump(const sl_config_t *config, sl_text_t *out);
/* JSON Schema (draft 2020-12 as far as editors take it) made from the table. */
void sl_config_schema(sl_text_t *out);
/* The table of settings as Markdown. */
void sl_config_reference(sl_text_t *out);

#endif
