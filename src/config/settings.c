/*
 * settings: THE table. One row is one setting: name, type, field, default, range, whether a reload applies it, meaning.
 * Parser, bounds, errors, `config dump`, `config schema` and the reference are made from these rows; adding a setting
 * is adding a row and the field it fills.
 */
#include "settings.h"

#define ROW(name_, type_, offset_, initial_, range_, change_, meaning_, ...)                                           \
    {                                                                                                                  \
        .name = name_, .type = &sl_type_##type_, .offset = offset_, .initial = initial_, .range = range_,              \
        .change = SL_CHANGE_##change_, .meaning = meaning_, __VA_ARGS__                                                \
    }

#define ROWS(rows) .settings = (rows), .count = sizeof(rows) / sizeof(*(rows))

/* clang-format off */

#define TIMEOUT(field) offsetof(sl_timeouts_t, field)
static const sl_setting_t timeouts_settings[] = {
    ROW("connect",    duration, TIMEOUT(connect_ms),    "1s",  "1ms..1h", LIVE, "longest wait for a connection to an instance"),
    ROW("first_byte", duration, TIMEOUT(first_byte_ms), "30s", "1ms..1d", LIVE, "from the end of the request to the head of the answer"),
    ROW("idle",       duration, TIMEOUT(idle_ms),       "30s", "1ms..1d", LIVE, "longest silence in the middle of an answer"),
    ROW("total",      duration, TIMEOUT(total_ms),      "1h",  "0..7d",   LIVE, "the whole request with all its retries, to the last byte of the answer; 0: no such limit"),
};
static const sl_section_t service_timeouts = {"timeouts", ROWS(timeouts_settings)};
static const sl_section_t route_timeouts = {"timeouts", ROWS(timeouts_settings), .inherits = true};

#define BREAKER(field) offsetof(sl_breaker_settings_t, field)
static const sl_setting_t breaker_settings[] = {
    ROW("failures",     count,    BREAKER(failures),        "5",     "0..1000000", LIVE,
        "failures in a row that open it; 0: not by this rule"),
    ROW("ratio",        share,    BREAKER(ratio_permille),  "0%",    "0%..100%",   LIVE,
        "share of failures in the window that opens it; 0%: not by this rule"),
    ROW("minimum",      count,    BREAKER(minimum),         "20",    "1..1000000", LIVE, "requests in the window before the share counts"),
    ROW("window",       duration, BREAKER(window_ms),       "10s",   "100ms..1h",  LIVE, "what the share is taken over"),
    ROW("recovery",     duration, BREAKER(recovery_ms),     "30s",   "10ms..1d",   LIVE, "from opening to the first probe"),
    ROW("recovery_max", duration, BREAKER(recovery_max_ms), "5m",    "10ms..1d",   LIVE,
        "failed probes double the recovery up to this; never below recovery"),
    ROW("probes",       count,    BREAKER(probes),          "1",     "1..1000",    LIVE,
        "requests let through at once while half-open, in the whole cluster"),
    ROW("successes",    count,    BREAKER(successes),       "1",     "1..1000",    LIVE, "probes that must succeed to close it"),
    ROW("lease",        duration, BREAKER(lease_ms),        NULL,    "100ms..1h",  LIVE,
        "a probe without result for so long is given away again; default: long enough for the head of an answer, and a second"),
    ROW("statuses",     statuses, BREAKER(failure_codes),   "500, 502-599", NULL,  LIVE, "answers that count as failures"),
    ROW("errors",       errors,   0, "connect, timeout, broken", NULL,             LIVE,
        "what else counts: no connection, any timeout, a broken answer"),
};
static const sl_section_t breaker_section = {"a breaker", ROWS(breaker_settings), .begin = sl_begin_breaker, .finish = sl_finish_breaker};

#define SERVICE(field) offsetof(sl_service_t, field)
static const sl_setting_t service_settings[] = {
    ROW("instances", instances, SERVICE(instances),        NULL,  "1..256",  LIVE,
        "where it listens, as URLs", .beside = SERVICE(instance_count), .is_required = true),
    ROW("breaker",   section,   SERVICE(breaker),          NULL,  NULL,      LIVE,
        "circuit breaker, one state for the whole cluster; off: none",
        .section = &breaker_section, .has_switch = true, .beside = SERVICE(has_breaker)),
    ROW("timeouts",  section,   SERVICE(timeouts),         NULL,  NULL,      LIVE, "how long it may take", .section = &service_timeouts),
    ROW("retries",   count,     SERVICE(retries),          "1",   "0..10",   LIVE,
        "further tries after the first, where trying again is safe"),
    ROW("keep_idle", count,     SERVICE(connections_idle), "256", "0..4096", LIVE, "unused connections kept per instance and worker"),
    ROW("keep_time", duration,  SERVICE(idle_keep_ms),     "30s", "1ms..1h", LIVE, "how long an unused connection is kept"),
};
static const sl_section_t service_section = {"a service", ROWS(service_settings), .finish = sl_finish_service};

/* The struct is a vector of operations (headers.c); they are done in the order of these rows. */
static const sl_setting_t header_operations_settings[] = {
    ROW("remove", header_remove, 0, NULL, NULL, LIVE, "fields taken away, first of all"),
    ROW("set",    header_set,    0, NULL, NULL, LIVE, "fields that get this value, whatever was there"),
    ROW("append", header_append, 0, NULL, NULL, LIVE, "fields added to what is there; a list adds several"),
};
static const sl_section_t header_operations = {"a set of header operations", ROWS(header_operations_settings)};

#define ROUTE(field) offsetof(sl_route_t, field)
static const sl_setting_t fallback_settings[] = {
    ROW("status",       status,  ROUTE(fallback.status),       "200",              "200..599", LIVE,
        "status of the answer", .is_set = sl_fallback_is_answer),
    ROW("content_type", bytes,   ROUTE(fallback.content_type), "application/json", NULL,       LIVE,
        "Content-Type of the answer", .check = sl_check_field_value, .is_set = sl_fallback_is_answer),
    ROW("body",         bytes,   ROUTE(fallback.body),         NULL,               NULL,       LIVE, "body of the answer"),
    ROW("service",      service, ROUTE(fallback.service),      NULL,               NULL,       LIVE, "the service that is asked instead"),
};
static const sl_section_t fallback_section = {"a fallback", ROWS(fallback_settings), .finish = sl_finish_fallback};

#define CALL(field) offsetof(sl_call_plan_t, field)
static const sl_setting_t call_settings[] = {
    ROW("service",      service,    CALL(service),        NULL,    NULL,          LIVE, "who is asked", .is_required = true),
    ROW("get",          call_path,  0,                    NULL,    NULL,          LIVE,
        "GET of this path; references in it are percent-encoded, as for one segment"),
    ROW("post",         call_path,  0,                    NULL,    NULL,          LIVE, "POST to this path"),
    ROW("put",          call_path,  0,                    NULL,    NULL,          LIVE, "PUT to this path"),
    ROW("patch",        call_path,  0,                    NULL,    NULL,          LIVE, "PATCH of this path"),
    ROW("delete",       call_path,  0,                    NULL,    NULL,          LIVE, "DELETE of this path"),
    ROW("head",         call_path,  0,                    NULL,    NULL,          LIVE, "HEAD of this path"),
    ROW("query",        parameters, CALL(query),          NULL,    NULL,          LIVE,
        "query parameters; a value may hold references", .beside = CALL(query_count)),
    ROW("headers",      parameters, CALL(headers),        NULL,    NULL,          LIVE,
        "header fields; a value may hold references", .beside = CALL(header_count), .check = sl_check_field_name),
    ROW("body",         template,   CALL(body),           NULL,    NULL,          LIVE,
        "JSON body, with references; default: none", .written = CALL(written.body)),
    ROW("when",         reference,  CALL(when),           NULL,    NULL,          LIVE,
        "the call is made only when this is there, and not null, false, empty or 0", .written = CALL(written.when)),
    ROW("for_each",     reference,  CALL(for_each),       NULL,    NULL,          LIVE,
        "an array: one call for each element, which is $item; the body is then the array of the bodies",
        .written = CALL(written.for_each)),
    ROW("concurrency",  count,      CALL(concurrency),    "4",     "1..64",       LIVE,
        "so many calls of for_each at once", .is_set = sl_call_is_for_each),
    ROW("for_each_max", count,      CALL(for_each_max),   "100",   "1..10000",    LIVE,
        "more elements than this are a failure", .is_set = sl_call_is_for_each),
    ROW("timeout",      duration,   CALL(timeout_ms),     NULL,    "1ms..7d",     LIVE,
        "of each call; default: the service's total timeout"),
    ROW("required",     flag,       CALL(is_required),    "false", NULL,          LIVE,
        "is there no answer without it? else its failure is named in _meta"),
    ROW("default",      json,       CALL(default_json),   NULL,    NULL,          LIVE,
        "JSON in place of the body when the call failed or was not made", .written = CALL(default_json)),
    ROW("retries",      count,      CALL(retries),        NULL,    "0..10",       LIVE,
        "further tries after the first; default: those of the service"),
    ROW("cost",         count,      CALL(cost),           NULL,    "0..1000000",  LIVE,
        "units of the key's limits, added to those of the route; of a for_each for each element, 0: they are free; default: 0, of a for_each 1"),
};
static const sl_section_t call_section = {
    "a call", ROWS(call_settings), .begin = sl_begin_call, .finish = sl_finish_call,
    .schema = "\"oneOf\":[{\"required\":[\"get\"]},{\"required\":[\"post\"]},{\"required\":[\"put\"]},"
              "{\"required\":[\"patch\"]},{\"required\":[\"delete\"]},{\"required\":[\"head\"]}]"};

#define SHAPE(field) offsetof(sl_shape_t, field)
#define SHAPE_ROW(name_, type_, written_, meaning_)                                                                    \
    ROW(name_, type_, SHAPE(edits), NULL, NULL, LIVE, meaning_, .beside = SHAPE(edit_count), .written = SHAPE(written.written_))
static const sl_setting_t shape_settings[] = {
    ROW("path",    path_prefix,      SHAPE(path_suffix), NULL,   NULL,          LIVE, "chosen when the path ends so"),
    ROW("header",  header_condition, 0,                  NULL,   NULL,          LIVE,
        "chosen by this header field; * for any value"),
    ROW("host",    host,             SHAPE(host),        NULL,   NULL,          LIVE, "chosen by this host"),
    ROW("hint",    side,             SHAPE(by_client_hint_mobile), "none", "none|mobile", LIVE,
        "mobile: chosen by Sec-CH-UA-Mobile: ?1", .is_set = sl_shape_has_hint),
    SHAPE_ROW("select",  select,  select,  "only these members stay"),
    SHAPE_ROW("drop",    drop,    drop,    "these are left out"),
    SHAPE_ROW("rename",  rename,  rename,  "paths and their new names"),
    SHAPE_ROW("flatten", flatten, flatten, "the members of these objects go up into what holds them"),
    SHAPE_ROW("limit",   limit,   limit,   "arrays, and how many elements of them stay"),
    SHAPE_ROW("edit",    edits,   edit,    "any other operations, in this order, after those above"),
    ROW("answer",  template,         SHAPE(answer),      NULL,   NULL,          LIVE,
        "an answer of its own, made from the same calls", .written = SHAPE(written.answer)),
};
static const sl_section_t shape_section = {"a shape", ROWS(shape_settings), .finish = sl_finish_shape};

#define TRANSFORM(field) offsetof(sl_transform_t, field)
static const sl_setting_t query_settings[] = {
    ROW("remove", parameter_names,   TRANSFORM(query.remove), NULL, NULL, LIVE,
        "parameters taken away, first of all", .beside = TRANSFORM(query.remove_count)),
    ROW("rename", parameter_renames, TRANSFORM(query.rename), NULL, NULL, LIVE,
        "old names and new ones", .beside = TRANSFORM(query.rename_count)),
    ROW("set",    parameters,        TRANSFORM(query.set),    NULL, NULL, LIVE,
        "parameters that get this value, whatever was there", .beside = TRANSFORM(query.set_count)),
    ROW("add",    parameters,        TRANSFORM(query.add),    NULL, NULL, LIVE,
        "parameters added where they are absent", .beside = TRANSFORM(query.add_count)),
};
static const sl_section_t query_section = {"a set of query operations", ROWS(query_settings)};

static const sl_setting_t transform_settings[] = {
    ROW("request",     edits,   TRANSFORM(request_edits),  NULL,    NULL,          LIVE,
        "operations on the JSON body of the request",
        .beside = TRANSFORM(request_edit_count), .written = TRANSFORM(written.request)),
    ROW("response",    edits,   TRANSFORM(response_edits), NULL,    NULL,          LIVE,
        "operations on the JSON body of the answer",
        .beside = TRANSFORM(response_edit_count), .written = TRANSFORM(written.response)),
    ROW("query",       section, 0,                         NULL,    NULL,          LIVE,
        "what is done to the query", .section = &query_section, .is_optional = true, .is_set = sl_transform_has_query),
    ROW("form",        side,    TRANSFORM(form_to_json),   "keep",  "keep|to_json", LIVE,
        "to_json: a form becomes a JSON body"),
    ROW("messagepack", flag,    TRANSFORM(json_to_service), "false", NULL,         LIVE,
        "clients may send and ask for MessagePack, the service speaks JSON"),
    ROW("bytes",       size,    TRANSFORM(bytes_max),      "1MiB",  "1KiB..1GiB",  LIVE,
        "largest body that is held to be changed: 413 for a request, 502 for an answer"),
};
static const sl_section_t transform_section = {"a transformation", ROWS(transform_settings)};

#define BROWNOUT(field) offsetof(sl_brownout_t, field)
static const sl_setting_t brownout_settings[] = {
    ROW("from",  date,  BROWNOUT(begin_s),        NULL,   NULL,       LIVE, "when it begins", .is_required = true),
    ROW("to",    date,  BROWNOUT(end_s),          NULL,   NULL,       LIVE, "when it ends", .is_required = true),
    ROW("share", share, BROWNOUT(share_permille), "100%", "0%..100%", LIVE, "so many of the requests are answered 410"),
};
static const sl_section_t brownout_section = {"a brown-out", ROWS(brownout_settings)};

#define VERSION(field) offsetof(sl_version_t, field)
static const sl_setting_t version_settings[] = {
    ROW("service",       service,   VERSION(service),             NULL, NULL, LIVE, "who answers it; default: the route's"),
    ROW("transform",     made,      VERSION(transform),           NULL, NULL, LIVE,
        "what is done to its bodies and queries; default: what the route does",
        .section = &transform_section, .made_size = sizeof(sl_transform_t)),
    ROW("deprecated",    date,      VERSION(life.deprecated_s),   NULL, NULL, LIVE, "since when it is: Deprecation (RFC 9745)"),
    ROW("sunset",        date,      VERSION(life.sunset_s),       NULL, NULL, LIVE, "when it ends: Sunset (RFC 8594), then 410"),
    ROW("successor",     bytes,     VERSION(life.successor),      NULL, NULL, LIVE,
        "URL of what replaces it, for Link", .check = sl_check_url_reference),
    ROW("documentation", bytes,     VERSION(life.documentation),  NULL, NULL, LIVE,
        "URL that explains the deprecation, for Link", .check = sl_check_url_reference),
    ROW("brownouts",     brownouts, VERSION(life.brownouts),      NULL, NULL, LIVE,
        "times before its end when it is refused on trial", .section = &brownout_section, .beside = VERSION(life.brownout_count)),
};
static const sl_section_t version_section = {"a version", ROWS(version_settings), .finish = sl_finish_version};

#define VERSIONS(field) offsetof(sl_versions_t, field)
static const sl_setting_t versions_settings[] = {
    ROW("by",      choice,   VERSIONS(by),   NULL, "path|header|query|media_type", LIVE,
        "what tells the version of a request", .is_required = true),
    ROW("name",    bytes,    VERSIONS(name), NULL, NULL, LIVE,
        "of the header, parameter or {segment}; default: API-Version of a header, else version"),
    ROW("segment", side,     VERSIONS(cut_segment), "keep", "keep|cut", LIVE,
        "of a version in the path: does its service get the segment?"),
    ROW("list",    versions, 0,              NULL, NULL, LIVE,
        "the versions by name", .section = &version_section, .is_required = true),
    ROW("initial", version,  0,              NULL, NULL, LIVE,
        "what a request without version gets; default: 400"),
};
static const sl_section_t versions_section = {"a set of versions", ROWS(versions_settings), .finish = sl_finish_versions};

#define AGGREGATE(field) offsetof(sl_aggregate_t, field)
#define OF_CALLS .via = ROUTE(aggregate), .needs = "calls"
static const sl_setting_t route_settings[] = {
    ROW("name",             text,        ROUTE(name),            NULL,       NULL,          LIVE,
        "its name in logs and metrics; default: made from method, host and path", .check = sl_check_route_name),
    ROW("path",             path,        ROUTE(pattern.path),    NULL,       NULL,          LIVE,
        "/a/b exactly, /a/{id} with a parameter, /a/* and everything below /a", .is_required = true),
    ROW("host",             hosts,       ROUTE(pattern.hosts),   NULL,       "1..64",       LIVE,
        "hosts, exact or *.suffix; default: any", .beside = ROUTE(pattern.host_count)),
    ROW("method",           methods,     ROUTE(pattern.methods), NULL,       "1..32",       LIVE,
        "methods; default: any. GET serves HEAD too", .beside = ROUTE(pattern.method_count)),
    ROW("headers",          conditions,  0,                      NULL,       NULL,          LIVE,
        "header fields that a request must have, with their values; * for any value"),
    ROW("service",          service,     ROUTE(service),         NULL,       NULL,          LIVE,
        "who answers; a route with 'calls' has none"),
    ROW("auth",             side,        ROUTE(needs_key),       "key",      "none|key",    LIVE, "does a request need an API key?"),
    ROW("scopes",           scopes,      ROUTE(scopes),          NULL,       "1..32",       LIVE,
        "scopes that the key must have, all of them"),
    ROW("mode",             side,        ROUTE(shadow),          NULL,       "enforce|shadow", LIVE,
        "shadow: limits are counted and logged, nobody is refused; default: that of keys"),
    ROW("cost",             count,       ROUTE(cost),            "1",        "1..1000000",  LIVE,
        "units of the key's limits that one request takes"),
    ROW("strip_prefix",     path_prefix, ROUTE(strip_prefix),    NULL,       NULL,          LIVE,
        "cut from the front of the path before it is forwarded"),
    ROW("prefix",           path_prefix, ROUTE(add_prefix),      NULL,       NULL,          LIVE, "then put in front of it"),
    ROW("host_header",      host_header, 0,                      "service",  NULL,          LIVE,
        "Host that the service sees: the client's (preserve), the instance's (service) or this one",
        .is_set = sl_route_is_proxied),
    ROW("request_headers",  header_operations, ROUTE(request_headers),  NULL, NULL,         LIVE,
        "what is done to the header fields of the request", .section = &header_operations, .beside = ROUTE(request_header_count)),
    ROW("response_headers", header_operations, ROUTE(response_headers), NULL, NULL,         LIVE,
        "what is done to the header fields of the answer", .section = &header_operations, .beside = ROUTE(response_header_count)),
    ROW("timeouts",         section,     ROUTE(timeouts),        NULL,       NULL,          LIVE,
        "instead of the service's", .section = &route_timeouts, .is_optional = true, .is_set = sl_route_is_proxied),
    ROW("body",             size,        ROUTE(body_max),        NULL,       "0..64GiB",    LIVE,
        "largest request body; default: that of limits"),
    ROW("fallback",         section,     0,                      NULL,       NULL,          LIVE,
        "what is answered while the breaker of the service is open",
        .section = &fallback_section, .is_optional = true, .is_set = sl_fallback_is_set),
    ROW("transform",        made,        ROUTE(transform),       NULL,       NULL,          LIVE,
        "what is done to bodies and queries", .section = &transform_section, .made_size = sizeof(sl_transform_t)),
    ROW("versions",         made,        ROUTE(versions),        NULL,       NULL,          LIVE,
        "several versions of it; default: one", .section = &versions_section, .made_size = sizeof(sl_versions_t)),
    ROW("calls",            calls,       ROUTE(aggregate),       NULL,       NULL,          LIVE,
        "calls to services, by name: each runs as soon as what it refers to is there", .section = &call_section),
    ROW("answer",           template,    AGGREGATE(answer),      NULL,       NULL,          LIVE,
        "JSON that is made of what the calls bring", .written = AGGREGATE(written), OF_CALLS),
    ROW("timeout",          duration,    AGGREGATE(timeout_ms),  "10s",      "1ms..1h",     LIVE,
        "of all calls together", OF_CALLS),
    ROW("bytes",            size,        AGGREGATE(bytes_max),   "1MiB",     "1KiB..256MiB", LIVE,
        "largest answer of a call, and of all together", OF_CALLS),
    ROW("meta",             flag,        AGGREGATE(meta),        "true",     NULL,          LIVE,
        "does _meta name the calls that did not do well?", OF_CALLS),
    ROW("shapes",           shapes,      0,                      NULL,       NULL,          LIVE,
        "forms of the answer for front ends, by name; the first that fits is taken",
        .section = &shape_section, .via = ROUTE(aggregate), .needs = "calls"),
};
static const sl_section_t route_section = {
    "a route", ROWS(route_settings), .begin = sl_begin_route, .finish = sl_finish_route,
    .schema = "\"anyOf\":[{\"required\":[\"service\"]},{\"required\":[\"calls\",\"answer\"]}]"};

#define REDIS(field) offsetof(sl_redis_settings_t, field)
static const sl_setting_t redis_settings[] = {
    ROW("data",            text,      REDIS(data),               "/var/lib/sluice", NULL,   RESTART,
        "directory of the embedded Redis: its append-only file and its socket", .check = sl_check_absolute_path),
    ROW("url",             redis_url, 0,                         "embedded", NULL,          RESTART,
        "embedded, redis://[user[:password]@]host[:port][/database] or unix:///path[?db=N]", .is_secret = true),
    ROW("username",        text,      REDIS(username),           NULL,       NULL,          RESTART, "ACL user"),
    ROW("password",        text,      REDIS(password),           NULL,       NULL,          RESTART, "password", .is_secret = true),
    ROW("password_file",   text_file, REDIS(password),           NULL,       NULL,          RESTART, "file with the password"),
    ROW("database",        count,     REDIS(database),           NULL,       "0..65535",    RESTART,
        "number of the database; default: the URL's, else 0"),
    ROW("prefix",          text,      REDIS(prefix),             "sluice",   NULL,          RESTART,
        "what all names in Redis begin with", .check = sl_check_prefix),
    ROW("connect_timeout", duration,  REDIS(connect_timeout_ms), "250ms",    "1ms..60s",    RESTART, "longest wait for a connection"),
    ROW("timeout",         duration,  REDIS(timeout_ms),         "50ms",     "1ms..60s",    RESTART, "longest wait for one answer"),
    ROW("pending",         count,     REDIS(pending_max),        "8192",     "1..1000000",  RESTART,
        "questions waiting per worker; beyond it they fail at once"),
};
static const sl_section_t redis_section = {"redis", ROWS(redis_settings), .scalar = "url", .finish = sl_finish_redis};

#define KEYS(field) offsetof(sl_key_settings_t, field)
static const sl_setting_t keys_settings[] = {
    ROW("header",      text,       KEYS(header),      "X-API-Key",    NULL,             LIVE,
        "header field that carries the key", .check = sl_check_field_name),
    ROW("query",       text,       KEYS(query),       NULL,           NULL,             LIVE,
        "query parameter that may carry it too; default: none", .check = sl_check_name),
    ROW("bearer",      flag,       KEYS(bearer),      "false",        NULL,             LIVE, "may Authorization: Bearer carry it too?"),
    ROW("forward",     flag,       KEYS(forward),     "false",        NULL,             LIVE, "does the service get to see the key?"),
    ROW("limit",       rate,       KEYS(limit),       "100/60s",      NULL,             LIVE, "limit of records that name none"),
    ROW("burst",       count,      KEYS(burst),       "0",            "0..1000000000",  LIVE,
        "burst of records that name none; 0: the limit"),
    ROW("pepper",      bytes,      KEYS(pepper),      NULL,           NULL,             LIVE,
        "records are named by HMAC-SHA256 with it instead of plain SHA-256", .is_secret = true),
    ROW("pepper_file", bytes_file, KEYS(pepper),      NULL,           NULL,             LIVE, "file with the pepper"),
    ROW("realm",       text,       KEYS(realm),       "api",          NULL,             LIVE,
        "realm in WWW-Authenticate", .check = sl_check_realm),
    ROW("x_ratelimit", flag,       KEYS(x_ratelimit), "true",         NULL,             LIVE,
        "send X-RateLimit-* beside the standard fields"),
    ROW("mode",        side,       KEYS(shadow),      "enforce",      "enforce|shadow", LIVE,
        "shadow: limits are counted and logged, nobody is refused"),
    ROW("remember_unknown", duration, KEYS(remember_unknown_ms), "1s", "0..5s",         LIVE,
        "how long an unknown key is refused without asking Redis again, unless its record appears; 0: Redis is always asked"),
};
static const sl_section_t keys_section = {"keys", ROWS(keys_settings)};

static const sl_setting_t certificate_settings[] = {
    ROW("cert", text, offsetof(sl_certificate_t, cert_path), NULL, NULL, LIVE,
        "PEM file: the certificate and then its intermediates, each issued by the next", .is_required = true),
    ROW("key",  text, offsetof(sl_certificate_t, key_path),  NULL, NULL, LIVE, "PEM file: its private key", .is_required = true),
    ROW("ocsp", text, offsetof(sl_certificate_t, ocsp_path), NULL, NULL, LIVE, "DER file: the OCSP response to staple"),
};
static const sl_section_t certificate_section = {"a certificate", ROWS(certificate_settings), .finish = sl_finish_certificate};

#define TLS(field) offsetof(sl_tls_settings_t, field)
#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_1_2 "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" \
                    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
static const sl_setting_t tls_settings[] = {
    ROW("certificates",        certificates, TLS(certificates),        NULL,                        "1..256",  LIVE,
        "certificates and their keys, chosen by the name that the client asks for; the first is the default",
        .beside = TLS(certificate_count), .section = &certificate_section, .is_required = true),
    ROW("min_version",         choice,       TLS(min_version),         "1.2",                       "1.2|1.3", LIVE, "oldest version of TLS that is spoken"),
    ROW("ciphers",             text,         TLS(ciphers),             CIPHERS_1_3 ":" CIPHERS_1_2, NULL,      LIVE,
        "cipher suites in order of preference, in OpenSSL's names with colons between", .check = sl_check_ciphers),
    ROW("client_certificates", choice,       TLS(client_certificates), "off", "off|optional|required",         LIVE,
        "must clients show a certificate? what they show must be good in any case"),
    ROW("client_ca",           text,         TLS(client_ca),           NULL,                        NULL,      LIVE,
        "PEM file: the authorities that client certificates are checked against"),
    ROW("session_tickets",     flag,         TLS(session_tickets),     "true",                      NULL,      LIVE,
        "may clients resume sessions? all workers of a node know the keys, which change every hour"),
};
static const sl_section_t tls_section = {"tls", ROWS(tls_settings), .finish = sl_finish_tls};

#define LISTEN(field) offsetof(sl_listen_t, field)
static const sl_setting_t hsts_settings[] = {
    ROW("max_age",            duration, LISTEN(hsts.max_age_ms),         "365d",  "0..3650d", LIVE, "how long browsers remember it"),
    ROW("include_subdomains", flag,     LISTEN(hsts.include_subdomains), "false", NULL,       LIVE, "does it hold for all names below, too?"),
    ROW("preload",            flag,     LISTEN(hsts.preload),            "false", NULL,       LIVE, "may browsers ship with it?"),
};
static const sl_section_t hsts_section = {"hsts", ROWS(hsts_settings)};

static const sl_setting_t listen_settings[] = {
    ROW("address",        address, 0,                         NULL,    NULL,        LIVE, "where it listens", .is_required = true),
    ROW("tls",            section, LISTEN(tls),               NULL,    NULL,        LIVE,
        "TLS with these certificates", .section = &tls_section, .is_optional = true, .has_switch = true, .beside = LISTEN(has_tls)),
    ROW("http2",          flag,    LISTEN(http2),             NULL,    NULL,        LIVE,
        "is HTTP/2 spoken, too? with TLS by negotiation, without by prior knowledge; default: with TLS only"),
    ROW("proxy_protocol", flag,    LISTEN(proxy_protocol),    "false", NULL,        LIVE,
        "does every connection begin with a PROXY header of a balancer?"),
    ROW("redirect",       side,    LISTEN(redirects_to_https), "off",  "off|https", LIVE,
        "https: every request is answered 308 with the same URL as https"),
    ROW("redirect_port",  count,   LISTEN(redirect_port),     "443",   "1..65535",  LIVE, "port in these URLs"),
    ROW("hsts",           section, 0,                         NULL,    NULL,        LIVE,
        "Strict-Transport-Security on every answer", .section = &hsts_section, .is_optional = true, .has_switch = true,
        .beside = LISTEN(has_hsts)),
};
static const sl_section_t listen_section = {"a listener", ROWS(listen_settings), .finish = sl_finish_listen};

#define CONFIG(field) offsetof(sl_config_t, field)
static const sl_setting_t limits_settings[] = {
    ROW("body",        size,     CONFIG(limits.body_max),    "10MiB", "0..64GiB",       LIVE,
        "largest request body, where a route names no other"),
    ROW("target",      size,     CONFIG(limits.target_max),  "8KiB",  "256..128KiB",    LIVE,
        "longest request target; 414 beyond"),
    ROW("header",      size,     CONFIG(limits.header_max),  "32KiB", "1KiB..256KiB",   LIVE, "largest head of a request"),
    ROW("header_lines", count,   CONFIG(limits.header_lines), "100",  "1..100",         LIVE,
        "fields in a request's head; 431 beyond"),
    ROW("streams",     count,    CONFIG(limits.streams),     "64",    "1..100",         LIVE,
        "HTTP/2: requests being served at once on one connection; more wait their turn"),
    ROW("connections", count,    CONFIG(limits.connections), "16384", "1..1000000",     LIVE, "client connections per worker"),
    ROW("connections_per_address", count, CONFIG(limits.connections_per_address), "1024", "0..1000000", LIVE,
        "client connections of one IPv4 address or IPv6 /64 to the whole node; peers in trusted_proxies are not counted; 0: no bound"),
    ROW("in_flight",   count,    CONFIG(limits.in_flight),   "4096",  "1..1000000",     LIVE,
        "requests being served per worker; 503 beyond"),
    ROW("in_flight_per_connection", count, CONFIG(limits.in_flight_per_connection), "100", "1..1000000", LIVE,
        "requests being served on one connection; 503 beyond"),
    ROW("bodies",      size,     CONFIG(limits.bodies),      "256MiB", "64KiB..64GiB",   LIVE,
        "request bodies held in memory per worker; beyond it the largest that still arrive are answered 503"),
    ROW("handshake_timeout", duration, CONFIG(limits.handshake_ms), "10s", "100ms..1h", LIVE, "time for a TLS handshake"),
    ROW("head_timeout", duration, CONFIG(limits.head_ms),    "10s",   "10ms..1d",       LIVE,
        "time for the head of a request to arrive, for the first one from the connection on"),
    ROW("body_rate",   size,     CONFIG(limits.body_rate),   "1KiB",  "0..1GiB",        LIVE,
        "bytes per second that a request body must bring on average; 0: any"),
    ROW("body_grace",  duration, CONFIG(limits.body_grace_ms), "10s", "10ms..1d",       LIVE,
        "so long a body may be behind body_rate"),
    ROW("idle",        duration, CONFIG(limits.idle_ms),     "75s",   "10ms..1d",       LIVE,
        "time that a kept connection waits for its next request"),
    ROW("lifetime",    duration, CONFIG(limits.lifetime_ms), "1h",    "0..30d",         LIVE,
        "age at which a connection is closed after its request; 0: none"),
    ROW("requests",    count,    CONFIG(limits.requests),    "100000", "0..1000000000", LIVE,
        "requests after which a connection is closed; 0: no bound"),
    ROW("stall",       duration, CONFIG(limits.stall_ms),    "60s",   "100ms..1d",      LIVE,
        "an answer of which the client takes nothing for so long is cut off"),
    ROW("drain",       duration, CONFIG(limits.drain_ms),    "30s",   "0..1h",          LIVE,
        "time for requests under way to end after TERM"),
    ROW("drain_delay", duration, CONFIG(limits.drain_delay_ms), "0", "0..10m",     LIVE,
        "after TERM /ready says 503 for so long before the listeners close: time for a balancer to look"),
};
static const sl_section_t limits_section = {"limits", ROWS(limits_settings), .finish = sl_finish_limits};

static const sl_setting_t log_settings[] = {
    ROW("access", choice, CONFIG(log.access),      "json", "json|text|off",         LIVE,    "form of the access log"),
    ROW("path",   text,   CONFIG(log.access_path), "-",    NULL,                    LIVE,
        "file of the access log; -: standard output", .check = sl_check_output),
    ROW("level",  choice, CONFIG(log.level),       "info", "debug|info|warn|error", LIVE,
        "least important line of the operational log (standard error)"),
};
static const sl_section_t log_section = {"log", ROWS(log_settings)};

/* Services come after what they inherit, routes after the services they name. */
static const sl_setting_t root_settings[] = {
    ROW("listen",          listens,  CONFIG(listens),     "*:8080",         "1..64",  LIVE,
        "where clients are served: addresses, or mappings with an address and its terms; * is all addresses",
        .beside = CONFIG(listen_count), .section = &listen_section),
    ROW("ops",             ops,      CONFIG(ops),         "127.0.0.1:9090", NULL,     RESTART,
        "where metrics, health and status are served; off: nowhere"),
    ROW("workers",         count,    CONFIG(workers),     "0",              "0..128", RESTART,
        "processes that serve traffic; 0: one per CPU"),
    ROW("server_name",     text,     CONFIG(server_name), "sluice",         NULL,     LIVE,
        "name of the gateway in Via and Server", .check = sl_check_token),
    ROW("trusted_proxies", blocks,   CONFIG(trusted),     NULL,             NULL,     LIVE,
        "peers whose X-Forwarded-* and request ids are believed: address blocks, or unix", .beside = CONFIG(trusted_count)),
    ROW("core_dumps",      flag,     CONFIG(core_dumps),  "false",          NULL,     RESTART,
        "may a process that dies leave its memory, secrets included, in a file? then the limit of the shell holds"),
    ROW("health",          health,   0,                   "/health",        NULL,     LIVE,
        "path of the health answer that needs no key; off: none"),
    ROW("limits",          section,  0,                   NULL,             NULL,     LIVE,
        "bounds that hold whatever the route", .section = &limits_section),
    ROW("log",             section,  0,                   NULL,             NULL,     LIVE,
        "access log and operational log", .section = &log_section),
    ROW("redis",           section,  CONFIG(redis),       NULL,             NULL,     RESTART,
        "where keys, limits and breakers are kept: a URL, or a mapping", .section = &redis_section),
    ROW("keys",            section,  CONFIG(keys),        NULL,             NULL,     LIVE,
        "API keys and their limits", .section = &keys_section),
    ROW("services",        services, 0,                   NULL,             NULL,     LIVE,
        "the services behind the gateway, by name", .section = &service_section, .is_required = true),
    ROW("routes",          routes,   0,                   NULL,             NULL,     LIVE,
        "which request goes to which service", .section = &route_section, .is_required = true),
};
const sl_section_t sl_root_section = {"the configuration", ROWS(root_settings), .finish = sl_finish_root};

/* clang-format on */

_Static_assert(SL_MAX_WORKERS == 128, "the range of workers");
