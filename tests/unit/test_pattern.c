/* What may be written as a pattern, and which two patterns cannot live together. */
#include "sluice/route_table.h"
#include <criterion/criterion.h>

static void expect_fine(const char *path)
{
    const char *error = sl_pattern_check_path(sl_bytes_of(path));
    cr_expect_null(error, "'%s': %s", path, error);
}

static void expect_error(const char *path, const char *wanted)
{
    const char *error = sl_pattern_check_path(sl_bytes_of(path));
    cr_assert_not_null(error, "'%s' was taken", path);
    cr_expect_not_null(strstr(error, wanted), "'%s': %s", path, error);
}

Test(pattern, exact_parameter_and_prefix_paths_are_taken)
{
    expect_fine("/");
    expect_fine("/*");
    expect_fine("/a/b");
    expect_fine("/a/b/");
    expect_fine("/a/b/*");
    expect_fine("/users/{id}");
    expect_fine("/users/{user_id}/orders/{order2}/*");
    expect_fine("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}");
    expect_fine("/caf%C3%A9/a%2Fb/x:verb/%2A");
}

Test(pattern, each_mistake_is_named)
{
    expect_error("", "begin with '/'");
    expect_error("a/b", "begin with '/'");
    expect_error("/a?b", "no part of a path");
    expect_error("/a#b", "no part of a path");
    expect_error("/a//b", "doubled '/'");
    expect_error("/*/a", "'*' stands only at the end");
    expect_error("/a*", "'*' stands only at the end");
    expect_error("/a/**", "'*' stands only at the end");
    expect_error("/*/", "'*' stands only at the end");
    expect_error("/{id", "'{' without '}'");
    expect_error("/{", "'{' without '}'");
    expect_error("/id}", "'}' without '{'");
    expect_error("/a{id}", "whole segment");
    expect_error("/{id}b", "whole segment");
    expect_error("/{a}{b}", "whole segment");
    expect_error("/{}", "needs a name");
    expect_error("/{a-b}", "letters, digits and '_'");
    expect_error("/{a}/{b}/{a}", "two parameters of one name");
    expect_error("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}", "more than 16");
    expect_error("/a/../b", "resolved before matching");
    expect_error("/a/.", "resolved before matching");
    expect_error("/a\nb", "control character");
    expect_error("/%zz", "two hex digits");
    expect_error("/..;x", "hides a dot segment");
}

Test(pattern, a_literal_that_could_never_match_is_refused)
{
    expect_error("/%61", "not in normal form");
    expect_error("/a%2fb", "not in normal form");
    expect_error("/caf\xc3\xa9", "not in normal form");
    expect_error("/a b", "not in normal form");
    expect_error("/%2e%2e", "not in normal form");
}

/* --- conflicts --- */

#define LIST(...) ((h2o_iovec_t[]){__VA_ARGS__}), sizeof((h2o_iovec_t[]){__VA_ARGS__}) / sizeof(h2o_iovec_t)
#define HEADERS(...)                                                                                                   \
    ((sl_header_condition_t[]){__VA_ARGS__}),                                                                          \
        sizeof((sl_header_condition_t[]){__VA_ARGS__}) / sizeof(sl_header_condition_t)
#define T(text)                                                                                                        \
    {                                                                                                                  \
        (char *)(text), sizeof(text) - 1                                                                               \
    }

static sl_pattern_t path_only(const char *path)
{
    return (sl_pattern_t){.path = sl_bytes_of(path)};
}

static sl_pattern_t with_methods(const char *path, h2o_iovec_t *methods, size_t count)
{
    return (sl_pattern_t){.path = sl_bytes_of(path), .methods = methods, .method_count = count};
}

static sl_pattern_t with_hosts(const char *path, h2o_iovec_t *hosts, size_t count)
{
    return (sl_pattern_t){.path = sl_bytes_of(path), .hosts = hosts, .host_count = count};
}

static sl_pattern_t with_headers(const char *path, sl_header_condition_t *headers, size_t count)
{
    return (sl_pattern_t){.path = sl_bytes_of(path), .headers = headers, .header_count = count};
}

/* In both orders: a conflict does not depend on who came first. */
static bool conflict(sl_pattern_t a, sl_pattern_t b)
{
    sl_pattern_t one_way[] = {a, b}, other_way[] = {b, a};
    int found = sl_pattern_conflict(one_way, 1);
    cr_expect_eq(sl_pattern_conflict(one_way, 0), -1, "the first pattern has none before it");
    cr_expect_eq(sl_pattern_conflict(other_way, 1), found, "the order made a difference");
    return found == 0;
}

Test(conflict, the_same_path_twice_is_one)
{
    cr_expect(conflict(path_only("/a"), path_only("/a")));
    cr_expect(conflict(path_only("/a/*"), path_only("/a/*")));
    cr_expect(conflict(path_only("/"), path_only("/")));
    cr_expect(conflict(path_only("/a:b"), path_only("/a%3Ab")), "two spellings of one literal");
}

Test(conflict, names_of_parameters_make_no_difference)
{
    cr_expect(conflict(path_only("/a/{x}"), path_only("/a/{y}")));
    cr_expect(conflict(path_only("/{x}/b/*"), path_only("/{y}/b/*")));
}

Test(conflict, paths_that_differ_somewhere_have_a_clear_winner)
{
    cr_expect(!conflict(path_only("/a"), path_only("/b")));
    cr_expect(!conflict(path_only("/a"), path_only("/a/")));
    cr_expect(!conflict(path_only("/a"), path_only("/a/*")));
    cr_expect(!conflict(path_only("/a/*"), path_only("/*")));
    cr_expect(!conflict(path_only("/a/{x}"), path_only("/a/b")));
    cr_expect(!conflict(path_only("/a/{x}"), path_only("/a/*")));
    cr_expect(!conflict(path_only("/{x}/b"), path_only("/a/{y}")));
    cr_expect(!conflict(path_only("/A"), path_only("/a")));
    cr_expect(!conflict(path_only("/a%2Fb"), path_only("/a/b")));
}

Test(conflict, methods_decide_only_when_they_do_not_overlap)
{
    sl_pattern_t any = path_only("/a"), get = with_methods("/a", LIST(T("GET"))),
                 post = with_methods("/a", LIST(T("POST"))), both = with_methods("/a", LIST(T("POST"), T("GET"))),
                 head = with_methods("/a", LIST(T("HEAD")));
    cr_expect(!conflict(get, post));
    cr_expect(!conflict(get, any), "a route that names methods comes first");
    cr_expect(!conflict(get, head), "HEAD of its own takes HEAD away from GET");
    cr_expect(conflict(get, both));
    cr_expect(conflict(post, both));
}

Test(conflict, hosts_decide_only_when_they_do_not_overlap)
{
    sl_pattern_t any = path_only("/a"), one = with_hosts("/a", LIST(T("a.example"))),
                 other = with_hosts("/a", LIST(T("b.example"))), suffix = with_hosts("/a", LIST(T("*.example"))),
                 several = with_hosts("/a", LIST(T("c.example"), T("b.example")));
    cr_expect(!conflict(one, other));
    cr_expect(!conflict(one, any));
    cr_expect(!conflict(one, suffix));
    cr_expect(!conflict(suffix, any));
    cr_expect(conflict(other, several));
    cr_expect(conflict(suffix, suffix));
}

Test(conflict, header_conditions_decide_by_number_or_by_excluding_each_other)
{
    sl_pattern_t none = path_only("/a"), is_one = with_headers("/a", HEADERS({T("x"), T("1")})),
                 is_two = with_headers("/a", HEADERS({T("x"), T("2")})),
                 is_there = with_headers("/a", HEADERS({T("x"), {NULL, 0}})),
                 other = with_headers("/a", HEADERS({T("y"), T("1")})),
                 both = with_headers("/a", HEADERS({T("y"), T("1")}, {T("x"), T("1")}));
    cr_expect(!conflict(none, is_one));
    cr_expect(!conflict(is_one, is_two));
    cr_expect(!conflict(is_one, both));
    cr_expect(conflict(is_one, other), "a request may have both headers");
    cr_expect(!conflict(is_one, is_there), "a value is more than any value");
    cr_expect(!conflict(is_there, is_one));
    cr_expect(conflict(is_there, with_headers("/a", HEADERS({T("y"), {NULL, 0}}))));
}

Test(conflict, a_pattern_that_another_covers_can_never_be_reached)
{
    sl_pattern_t plain = with_headers("/a", HEADERS({T("x"), T("1")})),
                 redundant = with_headers("/a", HEADERS({T("x"), T("1")}, {T("x"), {NULL, 0}}));

    cr_expect(conflict(plain, redundant), "both take the same requests, and the longer list is always asked first");
}

Test(conflict, the_first_of_several_is_named)
{
    sl_pattern_t patterns[] = {path_only("/x"), path_only("/a/{p}"), path_only("/a/{q}"), path_only("/a/{r}")};

    cr_expect_eq(sl_pattern_conflict(patterns, 1), -1);
    cr_expect_eq(sl_pattern_conflict(patterns, 2), 1);
    cr_expect_eq(sl_pattern_conflict(patterns, 3), 1);
}

static void expect_parameter(const char *pattern, const char *path, const char *name, const char *wanted)
{
    h2o_iovec_t value = sl_pattern_parameter(sl_bytes_of(pattern), sl_bytes_of(path), sl_bytes_of(name));
    cr_expect(sl_bytes_equal(value, sl_bytes_of(wanted)), "%s of %s: %.*s", name, path, (int)value.len, value.base);
}

Test(pattern, parameters_are_found_by_their_names)
{
    expect_parameter("/users/{id}", "/users/7", "id", "7");
    expect_parameter("/users/{id}/orders/{order}", "/users/7/orders/a%2Fb", "order", "a%2Fb");
    expect_parameter("/users/{id}/*", "/users/7/x/y", "id", "7");
    expect_parameter("/users/{id}", "/users/7", "i", "");
    expect_parameter("/users/id", "/users/7", "id", "");
}
