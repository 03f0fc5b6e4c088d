/* Which route serves a request: matching, precedence, parameters, 405 and Allow. */
#include "sluice/route_table.h"
#include <criterion/criterion.h>
#include <stdio.h>

#define LIST(...) ((h2o_iovec_t[]){__VA_ARGS__}), sizeof((h2o_iovec_t[]){__VA_ARGS__}) / sizeof(h2o_iovec_t)
#define T(text)                                                                                                        \
    {                                                                                                                  \
        (char *)(text), sizeof(text) - 1                                                                               \
    }
#define PATTERNS_MAX 32

static sl_pattern_t patterns[PATTERNS_MAX];
static const sl_pattern_t *borrowed[PATTERNS_MAX];
static size_t pattern_count;
static sl_route_table_t *table;
static const char *request_headers; /* "name: value\n..." */

static sl_pattern_t *add(const char *path)
{
    sl_pattern_t *pattern = &patterns[pattern_count];
    *pattern = (sl_pattern_t){.path = sl_bytes_of(path)};
    borrowed[pattern_count++] = pattern;
    return pattern;
}

static sl_pattern_t *add_method(const char *path, const char *method)
{
    static h2o_iovec_t methods[PATTERNS_MAX];
    h2o_iovec_t *place = &methods[pattern_count];
    *place = sl_bytes_of(method);
    sl_pattern_t *pattern = add(path);
    pattern->methods = place;
    pattern->method_count = 1;
    return pattern;
}

static sl_pattern_t *add_host(const char *path, const char *host)
{
    static h2o_iovec_t hosts[PATTERNS_MAX];
    h2o_iovec_t *place = &hosts[pattern_count];
    *place = sl_bytes_of(host);
    sl_pattern_t *pattern = add(path);
    pattern->hosts = place;
    pattern->host_count = 1;
    return pattern;
}

static void require(sl_pattern_t *pattern, sl_header_condition_t *headers, size_t count)
{
    pattern->headers = headers;
    pattern->header_count = count;
}

static void finish(void)
{
    sl_route_table_destroy(table);
}

static h2o_iovec_t find_header(void *data, h2o_iovec_t name)
{
    for (const char *line = *(const char **)data; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name.base, name.len) == 0 && strncmp(line + name.len, ": ", 2) == 0)
            return sl_bytes(line + name.len + 2, strcspn(line + name.len + 2, "\n"));
    }
    return sl_bytes(NULL, 0);
}

static sl_request_line_t line_of(const char *method, const char *host, const char *path)
{
    if (table == NULL)
        table = sl_route_table_create(borrowed, pattern_count);
    return (sl_request_line_t){sl_bytes_of(host), sl_bytes_of(method), sl_bytes_of(path), find_header,
                               &request_headers};
}

static sl_route_match_t ask(const char *method, const char *host, const char *path)
{
    sl_route_match_t match;
    sl_request_line_t line = line_of(method, host, path);
    sl_route_table_find(table, &line, &match);
    return match;
}

static void expect_index(const char *method, const char *host, const char *path, int wanted)
{
    int index = ask(method, host, path).index;
    cr_expect_eq(index, wanted, "%s http://%s%s went to %d, not %d", method, host, path, index, wanted);
}

static void expect_path(const char *path, int wanted)
{
    expect_index("GET", "any.example", path, wanted);
}

static void expect_allow(const char *path, const char *wanted)
{
    char text[128];
    sl_request_line_t line = line_of("BREW", "any.example", path);
    size_t len = sl_route_table_allow(table, &line, text, sizeof text);
    cr_expect(sl_bytes_equal(sl_bytes(text, len), sl_bytes_of(wanted)), "%s allows '%.*s'", path, (int)len, text);
}

TestSuite(route_table, .fini = finish);

Test(route_table, an_exact_path_matches_itself_only)
{
    add("/a/b");
    add("/c/");
    add("/");

    expect_path("/a/b", 0);
    expect_path("/a/b/", -1);
    expect_path("/a/b/c", -1);
    expect_path("/a", -1);
    expect_path("/A/b", -1);
    expect_path("/a/bb", -1);
    expect_path("/c/", 1);
    expect_path("/c", -1);
    expect_path("/", 2);
}

Test(route_table, a_prefix_matches_its_border_and_everything_below)
{
    add("/api/v1/search/*");

    expect_path("/api/v1/search", 0);
    expect_path("/api/v1/search/", 0);
    expect_path("/api/v1/search/x/y/z", 0);
    expect_path("/api/v1/searching", -1);
    expect_path("/api/v1", -1);
    expect_path("/api/v1/search%2Fx", -1);
}

Test(route_table, the_shortest_prefix_matches_everything_that_is_a_path)
{
    add("/*");

    expect_path("/", 0);
    expect_path("/x", 0);
    expect_path("/x/y/", 0);
    expect_path("*", -1);
    expect_path("", -1);
    expect_path("x", -1);
}

Test(route_table, an_empty_table_knows_nothing)
{
    expect_path("/", -1);
    cr_expect(!ask("GET", "h", "/").path_known);
    expect_allow("/", "");
}

Test(route_table, parameters_are_cut_from_the_path_in_order)
{
    add("/users/{id}/orders/{order}");

    sl_route_match_t match = ask("GET", "h", "/users/42/orders/a%2Fb");

    cr_assert_eq(match.index, 0);
    cr_assert_eq(match.parameter_count, 2);
    cr_expect(sl_bytes_equal(match.parameters[0], SL_LIT("42")));
    cr_expect(sl_bytes_equal(match.parameters[1], SL_LIT("a%2Fb")));
}

Test(route_table, a_parameter_takes_one_segment_that_is_not_empty)
{
    add("/users/{id}");
    add("/items/{id}/*");

    expect_path("/users/7", 0);
    expect_path("/users/", -1);
    expect_path("/users", -1);
    expect_path("/users/7/", -1);
    expect_path("/users/7/8", -1);
    expect_path("/items/7", 1);
    expect_path("/items/7/a/b", 1);
    expect_path("/items/", -1);
}

Test(route_table, literal_comes_before_parameter_before_prefix_end)
{
    add("/a/*");
    add("/a/{x}");
    add("/a/b");

    expect_path("/a/b", 2);
    expect_path("/a/c", 1);
    expect_path("/a/b/c", 0);
    expect_path("/a", 0);
    expect_path("/a/", 0);
}

Test(route_table, the_leftmost_difference_decides)
{
    add("/{x}/b/c");
    add("/a/{y}/c");
    add("/a/b/*");

    expect_path("/a/b/c", 2);
    expect_path("/a/z/c", 1);
    expect_path("/z/b/c", 0);
}

Test(route_table, the_longest_prefix_wins)
{
    add("/*");
    add("/api/*");
    add("/api/v1/*");

    expect_path("/api/v1/x", 2);
    expect_path("/api/v1", 2);
    expect_path("/api/v2", 1);
    expect_path("/api", 1);
    expect_path("/apis", 0);
}

Test(route_table, a_dead_end_below_a_literal_falls_back_to_the_wider_route)
{
    add("/a/b/c");
    add("/{x}/b/d");
    add("/a/*");

    expect_path("/a/b/c", 0);
    expect_path("/a/b/d", 2);
    expect_path("/z/b/d", 1);
}

Test(route_table, parameters_of_an_abandoned_branch_are_forgotten)
{
    add("/a/{x}/c");
    add("/{y}/*");

    sl_route_match_t match = ask("GET", "h", "/a/b/d");

    cr_assert_eq(match.index, 1);
    cr_assert_eq(match.parameter_count, 1);
    cr_expect(sl_bytes_equal(match.parameters[0], SL_LIT("a")));
}

Test(route_table, spelling_a_literal_with_escapes_does_not_lead_around_its_route)
{
    add("/orders:delete");
    add("/*");
    add("/a%2Fb");

    expect_path("/orders:delete", 0);
    expect_path("/orders%3Adelete", 0);
    expect_path("/a%2Fb", 2);
    expect_path("/a/b", 1);
}

Test(route_table, exact_host_comes_before_longest_suffix_before_any)
{
    add("/*");
    add_host("/*", "*.example.com");
    add_host("/*", "*.api.example.com");
    add_host("/*", "v1.api.example.com");

    expect_index("GET", "v1.api.example.com", "/x", 3);
    expect_index("GET", "v2.api.example.com", "/x", 2);
    expect_index("GET", "a.b.api.example.com", "/x", 2);
    expect_index("GET", "api.example.com", "/x", 1);
    expect_index("GET", "www.example.com", "/x", 1);
    expect_index("GET", "example.com", "/x", 0);
    expect_index("GET", "badexample.com", "/x", 0);
    expect_index("GET", "", "/x", 0);
}

Test(route_table, the_host_decides_before_the_path)
{
    add("/a/b");
    add_host("/*", "h.example");

    expect_index("GET", "h.example", "/a/b", 1);
    expect_index("GET", "other", "/a/b", 0);
}

Test(route_table, a_host_that_does_not_know_the_path_leaves_it_to_the_wider_one)
{
    add("/shared");
    add_host("/own", "h.example");
    add_host("/suffix", "*.example");

    expect_index("GET", "h.example", "/own", 1);
    expect_index("GET", "h.example", "/suffix", 2);
    expect_index("GET", "h.example", "/shared", 0);
    expect_index("GET", "h.example", "/none", -1);
}

Test(route_table, one_route_serves_several_hosts)
{
    sl_pattern_t *pattern = add("/a");
    h2o_iovec_t hosts[] = {T("one.example"), T("*.two.example")};
    pattern->hosts = hosts;
    pattern->host_count = 2;

    expect_index("GET", "one.example", "/a", 0);
    expect_index("GET", "x.two.example", "/a", 0);
    expect_index("GET", "three.example", "/a", -1);
}

Test(route_table, a_host_name_longer_than_any_real_one_matches_no_suffix)
{
    char host[1024];
    memset(host, '.', sizeof host - 1);
    memcpy(host + sizeof host - 9, ".example", 9);
    add_host("/a", "*.example");

    expect_index("GET", host, "/a", -1);
    expect_index("GET", host + sizeof host - 11, "/a", 0);
}

Test(route_table, a_route_that_names_the_method_comes_before_one_that_takes_all)
{
    add("/a");
    add_method("/a", "POST");

    expect_index("POST", "h", "/a", 1);
    expect_index("GET", "h", "/a", 0);
    expect_index("BREW", "h", "/a", 0);
}

Test(route_table, a_method_that_the_narrow_route_does_not_take_goes_to_the_wider_one)
{
    add("/a/*");
    add_method("/a/b", "POST");

    expect_index("POST", "h", "/a/b", 1);
    expect_index("GET", "h", "/a/b", 0);
}

Test(route_table, methods_are_case_sensitive)
{
    add_method("/a", "GET");

    expect_index("get", "h", "/a", -1);
}

Test(route_table, get_serves_head)
{
    add_method("/a", "GET");
    add("/a");

    expect_index("HEAD", "h", "/a", 0);
}

Test(route_table, head_of_its_own_is_not_served_by_get)
{
    add_method("/a", "GET");
    add_method("/a", "HEAD");

    expect_index("HEAD", "h", "/a", 1);
    expect_index("GET", "h", "/a", 0);
}

Test(route_table, get_serves_head_when_the_route_of_head_wants_other_headers)
{
    sl_header_condition_t wants[] = {{T("x"), T("1")}};
    add_method("/a", "GET");
    require(add_method("/a", "HEAD"), wants, 1);

    request_headers = "x: 1";
    expect_index("HEAD", "h", "/a", 1);
    request_headers = "";
    expect_index("HEAD", "h", "/a", 0);
}

Test(route_table, more_header_conditions_come_before_fewer)
{
    sl_header_condition_t one[] = {{T("x"), T("1")}}, two[] = {{T("x"), T("1")}, {T("y"), {NULL, 0}}};
    add("/a");
    require(add("/a"), one, 1);
    require(add("/a"), two, 2);

    request_headers = "x: 1\ny: anything";
    expect_path("/a", 2);
    request_headers = "x: 1";
    expect_path("/a", 1);
    request_headers = "y: anything";
    expect_path("/a", 0);
    request_headers = "x: 11";
    expect_path("/a", 0);
    request_headers = "";
    expect_path("/a", 0);
}

Test(route_table, a_header_with_its_value_comes_before_any_value)
{
    sl_header_condition_t any[] = {{T("x"), {NULL, 0}}}, one[] = {{T("x"), T("1")}};
    add("/a");
    require(add("/a"), any, 1);
    require(add("/a"), one, 1);

    request_headers = "x: 1";
    expect_path("/a", 2);
    request_headers = "x: 2";
    expect_path("/a", 1);
    request_headers = "";
    expect_path("/a", 0);
}

Test(route_table, the_method_decides_before_the_headers)
{
    sl_header_condition_t one[] = {{T("x"), T("1")}};
    require(add("/a"), one, 1);
    add_method("/a", "GET");

    request_headers = "x: 1";
    expect_index("GET", "h", "/a", 1);
    expect_index("PUT", "h", "/a", 0);
}

Test(route_table, a_known_path_with_another_method_is_told_from_an_unknown_path)
{
    add_method("/a", "GET");
    add_method("/a/{x}", "PUT");

    cr_expect(ask("POST", "h", "/a").path_known);
    cr_expect(ask("POST", "h", "/a/1").path_known);
    cr_expect(!ask("POST", "h", "/b").path_known);
    cr_expect(!ask("POST", "h", "/a/1/2").path_known);
}

Test(route_table, a_route_whose_headers_are_missing_does_not_make_a_path_known)
{
    sl_header_condition_t one[] = {{T("x"), T("1")}};
    require(add_method("/a", "GET"), one, 1);

    request_headers = "";
    cr_expect(!ask("POST", "h", "/a").path_known);
    cr_expect(!ask("GET", "h", "/a").path_known);
    expect_allow("/a", "");
    request_headers = "x: 1";
    cr_expect(ask("POST", "h", "/a").path_known);
    expect_allow("/a", "GET, HEAD");
}

Test(route_table, allow_lists_the_methods_of_all_routes_once_and_in_order)
{
    sl_pattern_t *pattern = add("/a");
    h2o_iovec_t methods[] = {T("PUT"), T("DELETE")};
    pattern->methods = methods;
    pattern->method_count = 2;
    add_method("/a/*", "GET");
    add_method("/{x}", "PUT");
    add_method("/b", "POST");

    expect_allow("/a", "DELETE, GET, HEAD, PUT");
    expect_allow("/b", "POST, PUT");
    expect_allow("/a/c", "GET, HEAD");
    expect_allow("/c/d", "");
}

Test(route_table, allow_of_a_route_that_takes_every_method_lists_the_usual_ones)
{
    add("/a");
    add_method("/a", "PURGE");

    expect_allow("/a", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PURGE, PUT");
}

Test(route_table, allow_never_writes_half_a_method)
{
    char text[20];
    add_method("/a", "GET");
    add_method("/a", "PATCH");
    sl_request_line_t line = line_of("BREW", "h", "/a");

    for (size_t size = 0; size != sizeof text; ++size) {
        memset(text, '#', sizeof text);
        size_t len = sl_route_table_allow(table, &line, text, size);
        cr_expect_eq(len, size < 3 ? 0 : size < 9 ? 3 : size < 16 ? 9 : 16, "%zu bytes hold %zu", size, len);
        cr_expect_eq(text[size], '#', "wrote beyond %zu bytes", size);
    }
}

/* --- many routes --- */

#define MANY 3000

Test(route_table, each_of_thousands_of_routes_is_found)
{
    static char paths[MANY][48];
    static sl_pattern_t many[MANY];
    static const sl_pattern_t *list[MANY];
    for (size_t i = 0; i != MANY; ++i) {
        snprintf(paths[i], sizeof paths[i],
                 i % 3 == 0   ? "/api/v%zu/s%zu/*"
                 : i % 3 == 1 ? "/api/v%zu/{p}/s%zu"
                              : "/api/v%zu/s%zu/x",
                 i % 7, i);
        many[i].path = sl_bytes_of(paths[i]);
        list[i] = &many[i];
    }
    table = sl_route_table_create(list, MANY);

    for (size_t i = 0; i != MANY; ++i) {
        char path[64];
        snprintf(path, sizeof path,
                 i % 3 == 0   ? "/api/v%zu/s%zu/tail/of/it"
                 : i % 3 == 1 ? "/api/v%zu/value/s%zu"
                              : "/api/v%zu/s%zu/x",
                 i % 7, i);
        expect_path(path, (int)i);
    }
    expect_path("/api/v1/nothing", -1);
}
