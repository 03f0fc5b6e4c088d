/* config_values: what is written in the file, and what lands in the snapshot. */
#include "sluice/config.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVICE "services: {s: {instances: \"http://h:1\"}}\n"
#define REST SERVICE "routes: []\n"

static sl_config_t *read_well(const char *yaml)
{
    sl_config_errors_t errors = {0};
    sl_config_t *config = sl_config_read("f", sl_bytes_of(yaml), &errors);
    cr_assert_not_null(config, "%s", errors.text.base);
    cr_assert_eq(errors.count, 0);
    sl_config_errors_dispose(&errors);
    return config;
}

static bool is_text(h2o_iovec_t bytes, const char *text)
{
    return sl_bytes_equal(bytes, sl_bytes_of(text));
}

Test(config_values, what_is_not_written_has_its_default)
{
    sl_config_t *config = read_well(SERVICE "routes: [{path: /a, service: s}]\n");

    cr_expect_eq(config->listen_count, 1);
    cr_expect_str_eq(config->listens[0].text, "*:8080");
    cr_expect_str_eq(config->ops.text, "127.0.0.1:9090");
    cr_expect_eq(config->workers, 0);
    cr_expect_str_eq(config->server_name, "sluice");
    cr_expect_eq(config->trusted_count, 0);
    cr_expect_eq(config->limits.body_max, 10 << 20);
    cr_expect_eq(config->limits.header_max, 32 << 10);
    cr_expect_eq(config->limits.drain_ms, 30000);
    cr_expect_eq(config->log.access, SL_ACCESS_JSON);
    cr_expect_str_eq(config->log.access_path, "-");
    cr_expect_eq(config->log.level, 1);
    cr_expect_eq(config->redis.kind, SL_REDIS_EMBEDDED);
    cr_expect_str_eq(config->redis.path, "/var/lib/sluice/redis.sock");
    cr_expect_eq(config->redis.connect_timeout_ms, 250);
    cr_expect_eq(config->redis.timeout_ms, 50);
    cr_expect_str_eq(config->redis.prefix, "sluice");
    cr_expect_str_eq(config->keys.header, "X-API-Key");
    cr_expect_null(config->keys.query);
    cr_expect(!config->keys.bearer && !config->keys.forward && config->keys.x_ratelimit && !config->keys.shadow);
    cr_expect_eq(config->keys.limit.limit, 100);
    cr_expect_eq(config->keys.limit.window_s, 60);
    cr_expect_eq(config->keys.remember_unknown_ms, 1000);
    sl_config_release(config);
}

Test(config_values, a_service_without_breaker_has_the_usual_one)
{
    sl_config_t *config = read_well(REST);

    const sl_service_t *service = &config->services[0];
    cr_expect_str_eq(service->name, "s");
    cr_expect(service->has_breaker);
    cr_expect_eq(service->breaker.failures, 5);
    cr_expect_eq(service->breaker.ratio_permille, 0);
    cr_expect_eq(service->breaker.recovery_ms, 30000);
    cr_expect_eq(service->breaker.probes, 1);
    cr_expect(service->breaker.count_connect && service->breaker.count_timeout && service->breaker.count_broken);
    for (int status = 100; status < 600; ++status)
        cr_expect_eq(sl_breaker_status_fails(&service->breaker, status), status >= 500 && status != 501, "%d", status);
    cr_expect_eq(service->timeouts.connect_ms, 1000);
    cr_expect_eq(service->retries, 1);
    sl_config_release(config);
}

Test(config_values, a_breaker_can_be_shaped_or_switched_off)
{
    sl_config_t *config =
        read_well("services:\n"
                  "  a: {instances: \"http://h:1\", breaker: off}\n"
                  "  b:\n"
                  "    instances: \"http://h:1\"\n"
                  "    breaker: {failures: 0, ratio: 12.5%, minimum: 3, window: 2s, recovery: 10m, probes: 2,\n"
                  "              statuses: [429, 502-504], errors: timeout}\n"
                  "    timeouts: {connect: 2s, first_byte: 5s}\n"
                  "routes: []\n");

    static const sl_breaker_settings_t none = {0};
    cr_expect_not(config->services[0].has_breaker);
    cr_expect_eq(memcmp(&config->services[0].breaker, &none, sizeof(none)), 0);
    const sl_breaker_settings_t *breaker = &config->services[1].breaker;
    cr_expect_eq(breaker->failures, 0);
    cr_expect_eq(breaker->ratio_permille, 125);
    cr_expect_eq(breaker->window_ms, 2000);
    cr_expect_eq(breaker->recovery_max_ms, 600000, "never below the recovery");
    cr_expect_eq(breaker->lease_ms, 8000, "connect, first byte and a second");
    cr_expect(!breaker->count_connect && breaker->count_timeout && !breaker->count_broken);
    cr_expect(sl_breaker_status_fails(breaker, 429) && sl_breaker_status_fails(breaker, 503));
    cr_expect_not(sl_breaker_status_fails(breaker, 500));
    sl_config_release(config);
}

Test(config_values, lists_may_be_one_scalar)
{
    sl_config_t *config = read_well("listen: \"*:80, 127.0.0.1:81 [::1]:82\"\n"
                                    "trusted_proxies: [\"10.1.2.3/8\", \"2001:db8::1/32\", 127.0.0.1, unix]\n"
                                    "services: {s: {instances: \"http://a:1 http://b\"}}\n"
                                    "routes: [{path: /a, service: s, method: get post, host: \"A.example.,*.b.\"}]\n");

    cr_assert_eq(config->listen_count, 3);
    const struct sockaddr_in6 *any = (void *)&config->listens[0].address;
    cr_expect_eq(any->sin6_family, AF_INET6);
    cr_expect_eq(ntohs(any->sin6_port), 80);
    cr_expect(IN6_IS_ADDR_UNSPECIFIED(&any->sin6_addr));
    const struct sockaddr_in *four = (void *)&config->listens[1].address;
    cr_expect_eq(four->sin_family, AF_INET);
    cr_expect_eq(config->listens[1].address_len, sizeof(*four));
    cr_expect_eq(ntohl(four->sin_addr.s_addr), INADDR_LOOPBACK);

    cr_assert_eq(config->trusted_count, 4);
    cr_expect_eq(config->trusted[0].bits, 8);
    cr_expect_eq(config->trusted[0].bytes[0], 10);
    cr_expect_eq(config->trusted[0].bytes[1], 0, "bits of the host are cleared");
    cr_expect_eq(config->trusted[1].family, AF_INET6);
    cr_expect_eq(config->trusted[2].bits, 32);
    cr_expect_eq(config->trusted[3].family, AF_UNIX);

    cr_expect_eq(config->services[0].instance_count, 2);
    const sl_pattern_t *pattern = &config->routes[0].pattern;
    cr_assert_eq(pattern->method_count, 2);
    cr_expect(is_text(pattern->methods[0], "GET") && is_text(pattern->methods[1], "POST"));
    cr_assert_eq(pattern->host_count, 2);
    cr_expect(is_text(pattern->hosts[0], "a.example") && is_text(pattern->hosts[1], "*.b"));
    sl_config_release(config);
}

Test(config_values, an_instance_is_an_address_a_name_or_a_socket)
{
    sl_config_t *config = read_well("services:\n"
                                    "  s: {instances: [\"http://127.0.0.1:8001\", \"http://search\", "
                                    "\"http://[::1]:81/\", \"http://unix:/run/s.sock:\"]}\n"
                                    "routes: []\n");

    const sl_instance_t *instances = config->services[0].instances;
    cr_assert_eq(config->services[0].instance_count, 4);
    cr_expect_str_eq(instances[0].url, "http://127.0.0.1:8001");
    cr_expect_str_eq(instances[0].authority, "127.0.0.1:8001");
    cr_expect_null(instances[0].host);
    cr_expect_eq(instances[0].literal_len, sizeof(struct sockaddr_in));
    cr_expect_str_eq(instances[1].host, "search");
    cr_expect_str_eq(instances[1].authority, "search");
    cr_expect_eq(instances[1].port, 80);
    cr_expect_eq(instances[1].literal_len, 0);
    cr_expect_str_eq(instances[2].authority, "[::1]:81");
    cr_expect_eq(instances[2].literal.ss_family, AF_INET6);
    cr_expect_str_eq(instances[3].authority, "localhost");
    cr_expect_str_eq(((struct sockaddr_un *)&instances[3].literal)->sun_path, "/run/s.sock");
    sl_config_release(config);
}

Test(config_values, redis_is_one_url_or_a_mapping)
{
    sl_config_t *config = read_well("redis: redis://us%65r:p%40ss@[::1]:7000/3\n" REST);
    cr_expect_eq(config->redis.kind, SL_REDIS_TCP);
    cr_expect_str_eq(config->redis.host, "::1");
    cr_expect_eq(config->redis.port, 7000);
    cr_expect_str_eq(config->redis.username, "user");
    cr_expect_str_eq(config->redis.password, "p@ss");
    cr_expect_eq(config->redis.database, 3);
    sl_config_release(config);

    config = read_well("redis: unix:///run/redis.sock?db=2\n" REST);
    cr_expect_eq(config->redis.kind, SL_REDIS_UNIX);
    cr_expect_str_eq(config->redis.path, "/run/redis.sock");
    cr_expect_eq(config->redis.database, 2);
    sl_config_release(config);

    config = read_well("redis: {url: redis://redis, password: p, database: 9, prefix: x, timeout: 20ms}\n" REST);
    cr_expect_str_eq(config->redis.host, "redis");
    cr_expect_eq(config->redis.port, 6379);
    cr_expect_null(config->redis.username);
    cr_expect_str_eq(config->redis.password, "p");
    cr_expect_eq(config->redis.database, 9);
    cr_expect_eq(config->redis.timeout_ms, 20);
    sl_config_release(config);

    config = read_well("redis: {data: /d}\n" REST);
    cr_expect_eq(config->redis.kind, SL_REDIS_EMBEDDED);
    cr_expect_str_eq(config->redis.path, "/d/redis.sock");
    sl_config_release(config);
}

Test(config_values, variables_are_put_into_values)
{
    setenv("SLUICE_TEST_A", "one", 1);
    setenv("SLUICE_TEST_B", "", 1);
    sl_config_t *config = read_well("server_name: ${SLUICE_TEST_A}${SLUICE_TEST_B:-two}\n"
                                    "keys: {realm: \"$$ $x ${SLUICE_TEST_C:-${SLUICE_TEST_A}}\"}\n"
                                    "workers: ${SLUICE_TEST_C:-3}\n"
                                    "redis: {url: redis://h, password: \"${SLUICE_TEST_B}\"}\n"
                                    "trusted_proxies: \"${SLUICE_TEST_B:-}\"\n" REST);

    cr_expect_str_eq(config->server_name, "onetwo");
    cr_expect_str_eq(config->keys.realm, "$ $x one");
    cr_expect_eq(config->workers, 3);
    cr_expect_null(config->redis.password, "a variable that is empty leaves its setting alone");
    cr_expect_eq(config->trusted_count, 0);
    sl_config_release(config);
}

Test(config_values, a_variable_that_is_not_utf8_is_refused)
{
    setenv("SLUICE_TEST_A", "\xc3\x28", 1);
    sl_config_errors_t errors = {0};
    cr_expect_null(sl_config_read("f", SL_LIT("server_name: ${SLUICE_TEST_A}\n" REST), &errors));
    cr_expect_str_eq(errors.text.base, "f:1:14: the environment variable SLUICE_TEST_A is not UTF-8\n");
    sl_config_errors_dispose(&errors);
}

Test(config_values, secrets_may_stand_in_files)
{
    char path[] = "/tmp/sluice-secret-XXXXXX", yaml[256];
    int file = mkstemp(path);
    cr_assert_eq(write(file, "s3cret\r\n", 8), 8);
    close(file);

    snprintf(yaml, sizeof(yaml), "keys: {pepper_file: %s}\nredis: {url: redis://h, password_file: %s}\n" REST, path,
             path);
    sl_config_t *config = read_well(yaml);

    cr_expect(is_text(config->keys.pepper, "s3cret"), "without the line end");
    cr_expect_str_eq(config->redis.password, "s3cret");
    sl_config_release(config);
    unlink(path);
}

Test(config_values, aliases_and_merges_are_followed)
{
    sl_config_t *config = read_well("services:\n"
                                    "  a: &a {instances: \"http://h:1\", retries: 3, timeouts: &t {total: 5s}}\n"
                                    "  b: *a\n"
                                    "  c: {<<: *a, retries: 0}\n"
                                    "  d: {<<: [{instances: \"http://i:1\"}, *a], timeouts: {<<: *t, idle: 1s}}\n"
                                    "routes: []\n");

    cr_assert_eq(config->service_count, 4);
    cr_expect_eq(config->services[1].retries, 3);
    cr_expect_eq(config->services[2].retries, 0);
    cr_expect_eq(config->services[2].timeouts.total_ms, 5000);
    cr_expect_str_eq(config->services[3].instances[0].url, "http://i:1");
    cr_expect_eq(config->services[3].retries, 3);
    cr_expect_eq(config->services[3].timeouts.total_ms, 5000);
    cr_expect_eq(config->services[3].timeouts.idle_ms, 1000);
    sl_config_release(config);
}

Test(config_values, a_route_inherits_what_it_does_not_say)
{
    sl_config_t *config = read_well("routes:\n"
                                    "  - {path: /a, service: s}\n"
                                    "  - {path: /b, service: s, timeouts: {idle: 2s}, body: 5B, mode: enforce}\n"
                                    "limits: {body: 7B}\n"
                                    "keys: {mode: shadow}\n"
                                    "services: {s: {instances: \"http://h:1\", timeouts: {total: 9s, idle: 1s}}}\n");

    const sl_route_t *route = &config->routes[0];
    cr_expect_eq(route->service, &config->services[0]);
    cr_expect(route->needs_key, "safe by default");
    cr_expect(route->shadow);
    cr_expect_eq(route->body_max, 7);
    cr_expect_eq(route->cost, 1);
    cr_expect_eq(route->timeouts.total_ms, 9000);
    cr_expect_eq(route->timeouts.idle_ms, 1000);
    cr_expect_eq(route->timeouts.connect_ms, 1000);
    cr_expect_eq(config->routes[1].timeouts.idle_ms, 2000);
    cr_expect_eq(config->routes[1].timeouts.total_ms, 9000);
    cr_expect_eq(config->routes[1].body_max, 5);
    cr_expect_not(config->routes[1].shadow);
    sl_config_release(config);
}

Test(config_values, a_route_can_say_everything)
{
    sl_config_t *config = read_well(
        "services: {s: {instances: \"http://h:1\"}, t: {instances: \"http://h:2\"}}\n"
        "routes:\n"
        "  - name: all\n"
        "    path: /api/{id}/*\n"
        "    headers: {X-Version: \"2\", X-Beta: \"*\"}\n"
        "    service: s\n"
        "    auth: key\n"
        "    scopes: [read, write]\n"
        "    cost: 3\n"
        "    strip_prefix: /api/\n"
        "    prefix: /v2/\n"
        "    host_header: api.example:81\n"
        "    request_headers: {append: {Via: [a, b]}, set: {X-One: \"1\"}, remove: Cookie}\n"
        "    response_headers: {remove: [Server]}\n"
        "    fallback: {service: t}\n"
        "  - {path: /b, service: s, host_header: preserve, auth: none, fallback: {status: 503, body: \"{}\"}}\n");

    const sl_route_t *route = &config->routes[0];
    cr_expect_str_eq(route->name, "all");
    cr_expect_eq(route->pattern.header_count, 2);
    cr_expect(is_text(route->pattern.headers[0].name, "x-version") && is_text(route->pattern.headers[0].value, "2"));
    cr_expect_null(route->pattern.headers[1].value.base);
    cr_expect(route->needs_key);
    cr_expect(is_text(route->scopes, "read write"));
    cr_expect_eq(route->cost, 3);
    cr_expect(is_text(route->strip_prefix, "/api") && is_text(route->add_prefix, "/v2"));
    cr_expect(is_text(route->host_override, "api.example:81"));
    cr_assert_eq(route->request_header_count, 4);
    cr_expect_eq(route->request_headers[0].kind, SL_HEADER_REMOVE, "whatever the order in the file");
    cr_expect_eq(route->request_headers[1].kind, SL_HEADER_SET);
    cr_expect(is_text(route->request_headers[1].value, "1"));
    cr_expect_eq(route->request_headers[3].kind, SL_HEADER_APPEND);
    cr_expect(is_text(route->request_headers[3].name, "Via") && is_text(route->request_headers[3].value, "b"));
    cr_expect_eq(route->response_header_count, 1);
    cr_expect_eq(route->fallback.kind, SL_FALLBACK_SERVICE);
    cr_expect_eq(route->fallback.service, &config->services[1]);

    route = &config->routes[1];
    cr_expect_not(route->needs_key);
    cr_expect(route->preserve_host);
    cr_expect_eq(route->fallback.kind, SL_FALLBACK_ANSWER);
    cr_expect_eq(route->fallback.status, 503);
    cr_expect(is_text(route->fallback.body, "{}") && is_text(route->fallback.content_type, "application/json"));
    sl_config_release(config);
}

Test(config_values, names_of_routes_are_made_from_what_they_match)
{
    sl_config_t *config = read_well(SERVICE "routes:\n"
                                            "  - {path: /a/*, service: s}\n"
                                            "  - {path: /a/*, service: s, method: [GET, PUT]}\n"
                                            "  - {path: /a/*, service: s, method: GET, host: h.example}\n"
                                            "  - {path: /a/*, service: s, headers: {x: \"1\"}}\n"
                                            "  - {path: /b, service: s, name: \"/a/* #2\"}\n");

    cr_expect_str_eq(config->routes[0].name, "/a/*");
    cr_expect_str_eq(config->routes[1].name, "GET,PUT /a/*");
    cr_expect_str_eq(config->routes[2].name, "GET h.example/a/*");
    cr_expect_str_eq(config->routes[3].name, "/a/* #3", "what is given goes before what is made");
    sl_config_release(config);
}

Test(config_values, the_health_answer_is_the_last_route)
{
    sl_config_t *config = read_well(SERVICE "routes: [{path: /*, service: s}]\n");
    cr_assert_eq(config->route_count, 2);
    cr_expect(config->routes[1].is_health && !config->routes[1].needs_key);
    cr_expect_str_eq(config->routes[1].name, "GET /health");
    sl_route_match_t match;
    sl_request_line_t line = {.host = SL_LIT("h"), .method = SL_LIT("GET"), .path = SL_LIT("/health")};
    sl_route_table_find(config->table, &line, &match);
    cr_expect_eq(match.index, 1);
    sl_config_release(config);

    config = read_well("health: off\n" REST);
    cr_expect_eq(config->route_count, 0);
    sl_config_release(config);
}
