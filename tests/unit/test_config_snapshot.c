/* config_snapshot: snapshots as a whole: printed and read again, compared, bound, counted; and what must hold for every
 * row of the table. */
#include "config/settings.h"
#include "sluice/config.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REST                                                                                                           \
    "services: {s: {instances: \"http://h:1\"}}\n"                                                                     \
    "routes: []\n"

static const char everything[] =
    "listen: [\"*:8080\", \"unix:/run/s.sock\"]\n"
    "ops: off\n"
    "workers: 2\n"
    "server_name: gate\n"
    "trusted_proxies: [10.0.0.0/8, \"::1\", unix]\n"
    "health: /alive\n"
    "limits: {body: 1GiB, header: 16KiB, connections: 10, connections_per_address: 0,"
    "         in_flight: 7, in_flight_per_connection: 3, bodies: 64KiB, head_timeout: 5s, body_rate: 0, body_grace: 2s,"
    "         idle: 6s, lifetime: 0, requests: 9, stall: 1500ms, drain: 0}\n"
    "log: {access: off, path: /var/log/a b, level: debug}\n"
    "redis: {url: \"redis://[::1]:7000/4\", prefix: p, connect_timeout: 1s, timeout: 10ms, pending: 5}\n"
    "keys: {header: X-Key, query: key, bearer: true, forward: yes, limit: 5/1m, burst: 7, realm: \"$$ ${A:-x} e\",\n"
    "       x_ratelimit: false, mode: shadow, remember_unknown: 5s}\n"
    "services:\n"
    "  \"on\":\n"
    "    instances: [\"http://a:1\", \"http://unix:/x.sock:\", \"http://[::1]\"]\n"
    "    breaker: {failures: 0, ratio: 2.5%, recovery: 1h, lease: 2s, statuses: [429, 500-599], errors: []}\n"
    "    timeouts: {connect: 1ms, first_byte: 2ms, idle: 3ms, total: 4ms}\n"
    "    retries: 0\n"
    "  b: {instances: \"http://b\", breaker: off}\n"
    "routes:\n"
    "  - path: \"/a/{x}/*\"\n"
    "    method: [GET, POST]\n"
    "    host: [a.example, \"*.b.example\"]\n"
    "    headers: {X-A: \"*\", X-B: \"null\"}\n"
    "    service: \"on\"\n"
    "    scopes: [a, b]\n"
    "    mode: enforce\n"
    "    strip_prefix: /a\n"
    "    prefix: /b\n"
    "    host_header: preserve\n"
    "    request_headers: {set: {X: \"\", Y: \"$${1}\"}, append: {Z: [a, b]}, remove: [Q]}\n"
    "    fallback: {status: 200, content_type: text/plain, body: \"line\\n\\\"two\\\" \\u2028\\x7f é\"}\n"
    "  - {path: /b, service: b, auth: none, host_header: h.example, timeouts: {idle: 1s}, fallback: {service: "
    "\"on\"}}\n"
    "  - {path: /b, service: b, headers: {X-A: \"1\"}}\n";

static sl_config_t *read_well(h2o_iovec_t yaml)
{
    sl_config_errors_t errors = {0};
    sl_config_t *config = sl_config_read("f", yaml, &errors);
    cr_assert_not_null(config, "%s\n%.*s", errors.text.base, (int)yaml.len, yaml.base);
    sl_config_errors_dispose(&errors);
    return config;
}

Test(config_snapshot, a_dump_is_read_back_as_the_same_configuration)
{
    sl_config_t *config = read_well(SL_LIT(everything));
    sl_text_t first = {0}, second = {0};
    sl_config_dump(config, &first);

    sl_config_t *again = read_well(sl_bytes(first.base, first.size));
    sl_config_dump(again, &second);

    cr_expect_str_eq(second.base, first.base);
    cr_expect_eq(again->route_count, config->route_count);
    cr_expect_str_eq(again->keys.realm, "$ x e");
    const sl_route_t *route = &again->routes[0];
    cr_expect(sl_bytes_equal(route->fallback.body, SL_LIT("line\n\"two\" \u2028\x7f é")));
    cr_expect_eq(route->request_header_count, 5);
    cr_expect(sl_bytes_equal(route->request_headers[2].value, SL_LIT("${1}")));
    for (size_t i = 0; i < config->route_count; ++i)
        cr_expect_str_eq(again->routes[i].name, config->routes[i].name);
    sl_text_dispose(&first);
    sl_text_dispose(&second);
    sl_config_release(config);
    sl_config_release(again);
}

Test(config_snapshot, secrets_are_masked_in_a_dump)
{
    sl_config_t *config = read_well(SL_LIT("redis: redis://user:hidden1@h/2\nkeys: {pepper: hidden2}\n" REST));
    sl_text_t text = {0};
    sl_config_dump(config, &text);

    cr_expect_null(strstr(text.base, "hidden"));
    cr_expect_not_null(strstr(text.base, "  url: \"redis://h:6379\"\n"));
    cr_expect_not_null(strstr(text.base, "  password: \"********\"\n"));
    cr_expect_not_null(strstr(text.base, "  pepper: \"********\"\n"));
    sl_config_release(read_well(sl_bytes(text.base, text.size)));
    sl_text_dispose(&text);
    sl_config_release(config);
}

Test(config_snapshot, values_of_fields_that_carry_secrets_are_masked_in_a_dump)
{
    sl_config_t *config = read_well(SL_LIT("keys: {header: X-Pass}\n"
                                           "services: {s: {instances: \"http://h:1\"}}\n"
                                           "routes:\n"
                                           "  - path: /a\n"
                                           "    service: s\n"
                                           "    headers: {x-origin-secret: hidden, x-other-secret: \"*\"}\n"
                                           "    request_headers: {set: {authorization: Bearer hidden, X-Plain: shown}, "
                                           "append: {X-A-KEY: [hidden, hidden]}}\n"
                                           "    response_headers: {set: {Set-Cookie: hidden, x-pass: hidden}}\n"
                                           "  - path: /b\n"
                                           "    calls:\n"
                                           "      c:\n"
                                           "        service: s\n"
                                           "        get: /\n"
                                           "        headers: {Cookie: hidden, X-Token: $request.headers.x-token, "
                                           "X-Api-Key: '$request.headers.k ?? \"hidden\"',"
                                           " Proxy-Authorization: 'Basic hidden'}\n"
                                           "    answer: $c.body\n"));
    sl_text_t text = {0};
    sl_config_dump(config, &text);

    cr_expect_null(strstr(text.base, "hidden"), "%s", text.base);
    static const char *const lines[] = {"\"x-origin-secret\": \"********\"\n",
                                        "\"x-other-secret\": \"*\"\n",
                                        "\"authorization\": \"********\"\n",
                                        "\"X-Plain\": \"shown\"\n",
                                        "\"X-A-KEY\": [\"********\", \"********\"]\n",
                                        "\"Set-Cookie\": \"********\"\n",
                                        "\"x-pass\": \"********\"\n",
                                        "\"Cookie\": \"********\"\n",
                                        "\"X-Token\": \"$request.headers.x-token\"\n",
                                        "\"X-Api-Key\": \"********\"\n",
                                        "\"Proxy-Authorization\": \"********\"\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); ++i)
        cr_expect_not_null(strstr(text.base, lines[i]), "%s\n%s", lines[i], text.base);
    sl_config_release(read_well(sl_bytes(text.base, text.size)));
    sl_text_dispose(&text);
    sl_config_release(config);
}

Test(config_snapshot, secrets_in_bodies_queries_and_of_the_environment_are_masked_in_a_dump)
{
    setenv("SECRET_OF_TEST", "hidden", 1);
    sl_config_t *config = read_well(
        SL_LIT("services: {s: {instances: \"http://h:1\"}}\n"
               "routes:\n"
               "  - path: /a\n"
               "    service: s\n"
               "    request_headers: {set: {X-From: \"a ${SECRET_OF_TEST}\", X-Plain: $${shown}}, append: {X-Also: "
               "[\"${SECRET_OF_TEST}\", shown]}}\n"
               "    transform: {query: {set: {apiKey: hidden, page: shown}, add: {access-token: hidden}},\n"
               "                request: [{set: \"auth['pass-phrase'].password\", value: hidden}, {default: a.b, "
               "value: shown}]}\n"
               "  - path: /b\n"
               "    calls:\n"
               "      c: {service: s, post: /, default: {token: hidden},\n"
               "          body: {credentials: {user: hidden, pin: 1234}, token?: $request.body.token, monkey: "
               "shown}}\n"
               "    answer: $c.body\n"));
    sl_text_t text = {0};
    sl_config_dump(config, &text);

    cr_expect_null(strstr(text.base, "hidden"), "%s", text.base);
    cr_expect_null(strstr(text.base, "1234"), "%s", text.base);
    static const char *const lines[] = {"\"X-From\": \"********\"\n",
                                        "\"X-Plain\": \"$${shown}\"\n",
                                        "\"X-Also\": [\"********\", \"shown\"]",
                                        "\"apiKey\": \"********\"\n",
                                        "\"page\": \"shown\"\n",
                                        "\"access-token\": \"********\"\n",
                                        "\"user\": \"********\"\n",
                                        "\"token?\": \"$request.body.token\"\n",
                                        "\"monkey\": \"shown\"\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); ++i)
        cr_expect_not_null(strstr(text.base, lines[i]), "%s\n%s", lines[i], text.base);
    sl_config_release(read_well(sl_bytes(text.base, text.size)));
    sl_text_dispose(&text);
    sl_config_release(config);
}

static void expect_obstacle(const char *before, const char *after, const char *expected)
{
    sl_config_t *old = read_well(sl_bytes_of(before)), *new = read_well(sl_bytes_of(after));
    const char *obstacle = sl_config_reload_obstacle(old, new);
    cr_expect_str_eq(obstacle != NULL ? obstacle : "none", expected, "%s", after);
    sl_config_release(old);
    sl_config_release(new);
}

Test(config_snapshot, what_a_reload_cannot_apply_is_named)
{
    expect_obstacle(REST, REST, "none");
    expect_obstacle(REST, "workers: 3\n" REST, "workers");
    expect_obstacle(REST, "ops: off\n" REST, "ops");
    expect_obstacle(REST, "redis: {timeout: 51ms}\n" REST, "redis");
    expect_obstacle("redis: {url: redis://h, password: a}\n" REST, "redis: {url: redis://h, password: b}\n" REST,
                    "redis");
    expect_obstacle("redis: redis://h\n" REST, "redis: {url: \"redis://h:6379/0\"}\n" REST, "none");
    expect_obstacle(REST, "listen: \"*:81\"\nlog: {level: debug}\nkeys: {limit: 1/1s}\n" REST, "none");
}

Test(config_snapshot, the_last_holder_frees)
{
    sl_config_t *config = read_well(SL_LIT(REST));
    cr_expect_eq(sl_config_retain(config), config);
    sl_config_release(config);
    cr_expect_str_eq(config->services[0].name, "s");
    sl_config_release(config);
}

Test(config_snapshot, slots_are_claimed_once_and_found_after)
{
    sl_shared_t *shared = sl_shared_create();
    sl_config_t *config = read_well(SL_LIT(everything)), *other = read_well(SL_LIT(everything));

    sl_config_bind(config, shared, true);
    sl_config_bind(other, shared, false);

    cr_expect_neq(config->services[0].slot, 0);
    cr_expect_neq(config->services[0].slot, config->services[1].slot);
    cr_expect_neq(config->services[0].instances[1].slot, 0);
    for (size_t i = 0; i < config->route_count; ++i) {
        cr_expect_neq(config->routes[i].slot, 0);
        cr_expect_eq(other->routes[i].slot, config->routes[i].slot);
    }
    cr_expect_eq(other->services[1].instances[0].slot, config->services[1].instances[0].slot);
    sl_config_release(config);
    sl_config_release(other);
}

Test(config_snapshot, an_instance_by_name_for_which_there_is_no_row_left_is_told)
{
    sl_shared_t *shared = sl_shared_create();
    sl_config_t *config =
        read_well(SL_LIT("services: {s: {instances: [\"http://127.0.0.1:1\", \"http://h:1\", \"http://late:1\"]}}\n"
                         "routes: []\n"));
    for (int i = 1; i != SL_MAX_INSTANCES - 1; ++i) {
        char name[32];
        sl_shared_claim(shared, SL_NAME_INSTANCE, sl_bytes(name, (size_t)snprintf(name, sizeof(name), "http://%d", i)));
    }
    sl_shared_claim(shared, SL_NAME_INSTANCE, SL_LIT("http://h:1"));

    sl_config_bind(config, shared, true);

    const sl_instance_t *homeless = sl_config_homeless(config);
    cr_assert_not_null(homeless, "an address as such needs no row, a name does");
    cr_expect_str_eq(homeless->url, "http://late:1");
    sl_config_release(config);

    config = read_well(SL_LIT(REST));
    sl_config_bind(config, shared, true);
    cr_expect_null(sl_config_homeless(config), "names that have a row keep it");
    sl_config_release(config);
}

Test(config_snapshot, the_hash_tells_texts_apart)
{
    sl_config_t *one = read_well(SL_LIT(REST)), *same = read_well(SL_LIT(REST)), *other = read_well(SL_LIT(REST "#\n"));
    cr_expect_eq(one->text_hash, same->text_hash);
    cr_expect_neq(one->text_hash, other->text_hash);
    sl_config_release(one);
    sl_config_release(same);
    sl_config_release(other);
}

Test(config_snapshot, a_file_is_read_with_its_text)
{
    char path[] = "/tmp/sluice-config-XXXXXX";
    int file = mkstemp(path);
    cr_assert_eq(write(file, REST, sizeof(REST) - 1), sizeof(REST) - 1);
    close(file);
    sl_config_errors_t errors = {0};
    sl_text_t text = {0};

    sl_config_t *config = sl_config_read_file(path, &text, &errors);

    cr_assert_not_null(config);
    cr_expect(sl_bytes_equal(sl_bytes(text.base, text.size), SL_LIT(REST)));
    sl_config_release(config);
    sl_text_dispose(&text);
    unlink(path);
    cr_expect_null(sl_config_read_file("/nonexistent/f", NULL, &errors));
    cr_expect_str_eq(errors.text.base, "/nonexistent/f:1:1: cannot be read: No such file or directory\n");
    sl_config_errors_dispose(&errors);
}

/* --- the table --- */

static void check_bounds(const sl_setting_t *setting)
{
    uint64_t least, most;
    const char *dots = strstr(setting->range, "..");
    cr_assert_not_null(dots, "%s", setting->name);
    cr_expect(setting->type->parse(sl_bytes(setting->range, (size_t)(dots - setting->range)), &least), "%s",
              setting->name);
    cr_expect(setting->type->parse(sl_bytes_of(dots + 2), &most), "%s", setting->name);
    cr_expect(least < most && most < SL_UNSET, "%s", setting->name);
}

static void check_section(const sl_section_t *section)
{
    cr_expect(section->count != 0 && section->title[0] != 0);
    for (size_t i = 0; i < section->count; ++i) {
        const sl_setting_t *setting = &section->settings[i];
        for (size_t j = 0; j < i; ++j)
            cr_expect_str_neq(setting->name, section->settings[j].name);
        cr_expect(setting->meaning[0] != 0, "%s", setting->name);
        cr_expect((setting->type->schema == NULL) != (setting->type->put_schema == NULL), "%s", setting->name);
        cr_expect(setting->type->noun != NULL || strchr(setting->range, '|') != NULL, "%s", setting->name);
        if (setting->type->parse != NULL)
            check_bounds(setting);
        if (setting->section != NULL)
            check_section(setting->section);
    }
}

Test(config_snapshot, every_row_of_the_table_is_whole)
{
    check_section(&sl_root_section);
}
