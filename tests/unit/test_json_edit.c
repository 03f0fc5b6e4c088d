/* Edits: every kind, over [*], on paths that lead nowhere, and on documents that are odd. What is not meant keeps its
 * bytes. */
#include "sluice/json_edit.h"
#include <criterion/criterion.h>

#define EDITS_MAX 4

static h2o_mem_pool_t pool;

static void set_up(void)
{
    h2o_mem_init_pool(&pool);
}

static void tear_down(void)
{
    h2o_mem_clear_pool(&pool);
}

TestSuite(json_edit, .init = set_up, .fini = tear_down);

static sl_json_path_t *path_of(const char *text)
{
    const char *error;
    size_t offset;
    sl_json_path_t *path = sl_json_path_compile(&pool, sl_bytes_of(text), true, &error, &offset);
    cr_assert_not_null(path, "%s: %s at %zu", text, error, offset);
    return path;
}

static sl_template_t *template_of(const char *json)
{
    const char *error;
    size_t offset;
    sl_template_t *made = sl_template_compile(&pool, sl_bytes_of(json), &error, &offset);
    cr_assert_not_null(made, "%s: %s at %zu", json, error, offset);
    return made;
}

static const char *apply(const char *text, const sl_edit_t *edits, size_t count, size_t bytes_max, sl_text_t *out)
{
    size_t offset;
    sl_text_clear(out);
    return sl_json_edit(sl_bytes_of(text), edits, count, NULL, bytes_max, NULL, NULL, out, &offset);
}

static void expect(sl_edit_t edit, const char *text, const char *wanted)
{
    sl_text_t out = {0};
    const char *error = apply(text, &edit, 1, 4096, &out);
    cr_assert_null(error, "%s: %s", text, error);
    cr_expect_str_eq(out.base, wanted, "%s gives %s, not %s", text, out.base, wanted);
    sl_text_dispose(&out);
}

static void expect_rename(const char *path, const char *name, const char *text, const char *wanted)
{
    expect((sl_edit_t){.kind = SL_EDIT_RENAME, .path = path_of(path), .name = sl_bytes_of(name)}, text, wanted);
}

Test(json_edit, a_member_is_renamed_where_it_stands)
{
    expect_rename("a", "b", "{ \"a\" : 1.0 , \"c\":2}", "{ \"b\" : 1.0 , \"c\":2}");
    expect_rename("x.a", "q\"t", "{\"x\":{\"a\":1}}", "{\"x\":{\"q\\\"t\":1}}");
    expect_rename("l[*].a", "b", "{\"l\":[{\"a\":1},{\"c\":1},3,{\"a\":{\"a\":2}}]}",
                  "{\"l\":[{\"b\":1},{\"c\":1},3,{\"b\":{\"a\":2}}]}");
    expect_rename("\\u0061", "b", "{\"a\":1}", "{\"a\":1}");
    expect_rename("a", "b", "{\"\\u0061\":1}", "{\"b\":1}");
}

Test(json_edit, the_renamed_member_wins_over_one_of_that_name)
{
    expect_rename("a", "b", "{\"a\":1,\"b\":2}", "{\"b\":1}");
    expect_rename("a", "b", "{\"b\":2, \"a\":1}", "{\"b\":1}");
    expect_rename("a", "b", "{\"b\":2,\"x\":0,\"a\":1,\"b\":3}", "{\"x\":0,\"b\":1}");
    expect_rename("a", "a", "{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}");
    expect_rename("a", "b", "{\"a\":1,\"a\":2}", "{\"b\":1,\"b\":2}");
}

Test(json_edit, renaming_what_is_no_member_does_nothing)
{
    expect_rename("", "b", "{\"a\":1}", "{\"a\":1}");
    expect_rename("a", "b", "[1]", "[1]");
    expect_rename("a.b.c", "x", "{\"a\":1}", "{\"a\":1}");
    expect_rename("a[0]", "b", "{\"a\":[1]}", "{\"a\":[1]}");
    expect_rename("z", "b", "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}");
}

static void expect_remove(const char *path, const char *text, const char *wanted)
{
    expect((sl_edit_t){.kind = SL_EDIT_REMOVE, .path = path_of(path)}, text, wanted);
}

Test(json_edit, what_is_removed_takes_one_comma_along)
{
    expect_remove("a", "{\"a\":1}", "{}");
    expect_remove("a", "{ \"a\":1 }", "{  }");
    expect_remove("a", "{\"a\":1, \"b\":2}", "{\"b\":2}");
    expect_remove("b", "{\"a\":1, \"b\":2 }", "{\"a\":1 }");
    expect_remove("b", "{\"a\":1, \"b\":2 , \"c\":3}", "{\"a\":1, \"c\":3}");
    expect_remove("a[1]", "{\"a\":[1,2,3]}", "{\"a\":[1,3]}");
    expect_remove("a[-1]", "{\"a\":[1,2,3]}", "{\"a\":[1,2]}");
    expect_remove("a[*]", "{\"a\":[1,2,3]}", "{\"a\":[]}");
    expect_remove("[*].p", "[{\"p\":1,\"q\":2},{\"q\":3},{\"p\":4}]", "[{\"q\":2},{\"q\":3},{}]");
    expect_remove("[*].l[*].p", "[{\"l\":[{\"p\":1},{\"p\":2,\"q\":3}]},{\"l\":{}}]",
                  "[{\"l\":[{},{\"q\":3}]},{\"l\":{}}]");
}

Test(json_edit, every_member_of_a_removed_name_goes)
{
    expect_remove("a", "{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2}");
    expect_remove("a", "{\"a\":1,\"\\u0061\":3}", "{}");
    expect_remove("a", "{\"x\":0,\"a\":1,\"a\":3}", "{\"x\":0}");
    expect_remove("a.p", "{\"a\":{\"p\":1},\"a\":{\"p\":2}}", "{\"a\":{\"p\":1},\"a\":{}}");
}

Test(json_edit, removing_what_is_not_there_does_nothing)
{
    expect_remove("", "{\"a\":1}", "{\"a\":1}");
    expect_remove("b", "{\"a\":1}", "{\"a\":1}");
    expect_remove("a[7]", "{\"a\":[1]}", "{\"a\":[1]}");
    expect_remove("a[*].b", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}");
    expect_remove("a", "\"a\"", "\"a\"");
    expect_remove("[0]", "{\"a\":1}", "{\"a\":1}");
    expect_remove("[*]", "{\"a\":1}", "{\"a\":1}");
}

static void expect_set(const char *path, const char *value, const char *text, const char *wanted)
{
    expect((sl_edit_t){.kind = SL_EDIT_SET, .path = path_of(path), .value = template_of(value)}, text, wanted);
}

Test(json_edit, a_value_is_set_whatever_was_there)
{
    expect_set("a", "2", "{\"a\":1, \"b\":0}", "{\"a\":2, \"b\":0}");
    expect_set("a", "[1]", "{\"a\":{\"x\":1}}", "{\"a\":[1]}");
    expect_set("a", "0", "{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":0}");
    expect_set("", "true", "{\"a\":1}", "true");
    expect_set("[*].a", "9", "[{\"a\":1},{},{\"b\":1},7,null]", "[{\"a\":9},{\"a\":9},{\"b\":1,\"a\":9},7,{\"a\":9}]");
    expect_set("[*]", "0", "[1,[2],{}]", "[0,0,0]");
}

Test(json_edit, missing_objects_on_the_way_are_made)
{
    expect_set("a.b.c", "1", "{}", "{\"a\":{\"b\":{\"c\":1}}}");
    expect_set("a.b.c", "1", "{\"a\":{\"x\":0 } }", "{\"a\":{\"x\":0,\"b\":{\"c\":1} } }");
    expect_set("a.b", "1", "{\"a\":null}", "{\"a\":{\"b\":1}}");
    expect_set("a.b", "1", "null", "{\"a\":{\"b\":1}}");
    expect_set("a[0].b", "1", "{}", "{\"a\":[{\"b\":1}]}");
    expect_set("a[2]", "3", "{\"a\":[1,2]}", "{\"a\":[1,2,3]}");
    expect_set("a[0]", "3", "{\"a\":[ ]}", "{\"a\":[3 ]}");
    expect_set("['a.b']", "3", "{}", "{\"a.b\":3}");
}

Test(json_edit, what_stands_in_the_way_stays)
{
    expect_set("a.b", "1", "{\"a\":5}", "{\"a\":5}");
    expect_set("a.b", "1", "{\"a\":[5]}", "{\"a\":[5]}");
    expect_set("a[0]", "1", "{\"a\":{}}", "{\"a\":{}}");
    expect_set("a[3]", "1", "{\"a\":[0]}", "{\"a\":[0]}");
    expect_set("a[-3]", "1", "{\"a\":[0]}", "{\"a\":[0]}");
    expect_set("a[*].b", "1", "{\"a\":{}}", "{\"a\":{}}");
    expect_set("a[*].b", "1", "{}", "{}");
    expect_set("a.b[*]", "1", "{\"a\":{}}", "{\"a\":{}}");
    expect_set("a[4].b", "1", "{}", "{}");
}

static void expect_default(const char *path, const char *value, const char *text, const char *wanted)
{
    expect((sl_edit_t){.kind = SL_EDIT_DEFAULT, .path = path_of(path), .value = template_of(value)}, text, wanted);
}

Test(json_edit, a_default_fills_what_is_absent_or_null)
{
    expect_default("a", "1", "{}", "{\"a\":1}");
    expect_default("a", "1", "{\"a\":null}", "{\"a\":1}");
    expect_default("a", "1", "{\"a\":false}", "{\"a\":false}");
    expect_default("a", "1", "{\"a\":0}", "{\"a\":0}");
    expect_default("l[*].a", "1", "{\"l\":[{},{\"a\":2},{\"a\":null}]}", "{\"l\":[{\"a\":1},{\"a\":2},{\"a\":1}]}");
}

static void expect_move(const char *path, const char *to, const char *text, const char *wanted)
{
    expect((sl_edit_t){.kind = SL_EDIT_MOVE, .path = path_of(path), .to = path_of(to)}, text, wanted);
}

Test(json_edit, a_value_moves_with_its_bytes)
{
    expect_move("a", "b", "{\"a\": 1.10}", "{\"b\":1.10}");
    expect_move("a", "b.c", "{\"a\":1e400,\"x\":0}", "{\"x\":0,\"b\":{\"c\":1e400}}");
    expect_move("a", "b", "{\"a\":1,\"b\":2}", "{\"b\":1}");
    expect_move("a.b", "c", "{\"a\":{\"b\":[1, 2]}}", "{\"a\":{},\"c\":[1, 2]}");
    expect_move("a.b", "a", "{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":1}");
    expect_move("a", "a.b", "{\"a\":{\"c\":1}}", "{\"a\":{\"b\":{\"c\":1}}}");
    expect_move("a", "", "{\"a\":{\"c\":1}}", "{\"c\":1}");
    expect_move("l[0]", "first", "{\"l\":[1,2]}", "{\"l\":[2],\"first\":1}");
    expect_move("a", "b", "{\"a\":1,\"a\":2}", "{\"b\":2}");
}

Test(json_edit, values_move_inside_each_element)
{
    expect_move("l[*].a.id", "l[*].id", "{\"l\":[{\"a\":{\"id\":1}},{\"a\":{}},{\"b\":2},{\"a\":{\"id\":4},\"c\":3}]}",
                "{\"l\":[{\"a\":{},\"id\":1},{\"a\":{}},{\"b\":2},{\"a\":{},\"c\":3,\"id\":4}]}");
    expect_move("l[*].data", "l[*]", "{\"l\":[{\"data\":1},{\"x\":0}]}", "{\"l\":[1,{\"x\":0}]}");
    expect_move("l[*][*].a", "l[*][*].b", "{\"l\":[[{\"a\":1}],[{\"a\":2},{}]]}",
                "{\"l\":[[{\"b\":1}],[{\"b\":2},{}]]}");
}

Test(json_edit, a_move_that_would_lose_the_value_is_not_done)
{
    expect_move("a", "b.c", "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}");
    expect_move("a", "l[9]", "{\"a\":1,\"l\":[]}", "{\"a\":1,\"l\":[]}");
    expect_move("a[0]", "a[-2].x", "{\"a\":[{},{}]}", "{\"a\":[{},{}]}");
    expect_move("a", "a[1]", "{\"a\":[1]}", "{\"a\":[1]}");
    expect_move("a", "a", "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}");
    expect_move("", "a", "{\"b\":2}", "{\"b\":2}");
    expect_move("l[*]", "m[*]", "{\"l\":[1],\"m\":[2]}", "{\"l\":[1],\"m\":[2]}");
    expect_move("l[*].a", "a", "{\"l\":[{\"a\":1}]}", "{\"l\":[{\"a\":1}]}");
    expect_move("zz", "a", "{\"l\":1}", "{\"l\":1}");
}

Test(json_edit, a_lost_move_leaves_the_edits_before_it_alone)
{
    sl_edit_t edits[] = {{.kind = SL_EDIT_RENAME, .path = path_of("x"), .name = SL_LIT("a")},
                         {.kind = SL_EDIT_MOVE, .path = path_of("a[0]"), .to = path_of("a[-2].x")},
                         {.kind = SL_EDIT_REMOVE, .path = path_of("b")}};
    sl_text_t out = {0};
    cr_assert_null(apply("{\"x\":[{},{}],\"b\":1}", edits, 3, 4096, &out));
    cr_expect_str_eq(out.base, "{\"a\":[{},{}]}");
    sl_text_dispose(&out);
}

Test(json_edit, only_paths_through_the_same_elements_pair)
{
    cr_expect(sl_json_paths_pair(path_of("a.b"), path_of("c")));
    cr_expect(sl_json_paths_pair(path_of("l[*].a"), path_of("l[*].b.c")));
    cr_expect_not(sl_json_paths_pair(path_of("l[*].a"), path_of("m[*].a")));
    cr_expect_not(sl_json_paths_pair(path_of("l[*].a"), path_of("a")));
    cr_expect_not(sl_json_paths_pair(path_of("a"), path_of("l[*].a")));
    cr_expect_not(sl_json_paths_pair(path_of("l[0][*].a"), path_of("l[1][*].a")));
}

static void expect_wrap(const char *path, const char *name, const char *text, const char *wanted)
{
    expect((sl_edit_t){.kind = SL_EDIT_WRAP, .path = path_of(path), .name = sl_bytes_of(name)}, text, wanted);
}

Test(json_edit, values_are_wrapped)
{
    expect_wrap("", "data", " [1, 2] ", " {\"data\":[1, 2]} ");
    expect_wrap("a", "v", "{\"a\":1}", "{\"a\":{\"v\":1}}");
    expect_wrap("[*]", "v", "[1,\"x\",[]]", "[{\"v\":1},{\"v\":\"x\"},{\"v\":[]}]");
    expect_wrap("b", "v", "{\"a\":1}", "{\"a\":1}");
}

static void expect_unwrap(const char *path, const char *to, const char *text, const char *wanted)
{
    expect((sl_edit_t){.kind = SL_EDIT_UNWRAP, .path = path_of(path), .to = to == NULL ? NULL : path_of(to)}, text,
           wanted);
}

Test(json_edit, values_are_unwrapped)
{
    expect_unwrap("data", NULL, "{\"data\":{\"id\":10.0},\"x\":1}", "{\"id\":10.0}");
    expect_unwrap("data.items", NULL, "{\"data\":{\"items\":[1 ,2]}}", "[1 ,2]");
    expect_unwrap("a.v", "a", "{\"a\":{\"v\":1,\"w\":2},\"b\":3}", "{\"a\":1,\"b\":3}");
    expect_unwrap("l[*].v", "l[*]", "{\"l\":[{\"v\":1},{\"w\":2},3,{\"v\":[4]}]}", "{\"l\":[1,{\"w\":2},3,[4]]}");
    expect_unwrap("none", NULL, "{\"a\":1}", "{\"a\":1}");
    expect_unwrap("l[*].v", NULL, "{\"l\":[{\"v\":1}]}", "{\"l\":[{\"v\":1}]}");
}

static void expect_keep(const char *path, const char *first, const char *second, const char *text, const char *wanted)
{
    sl_json_path_t *paths[2] = {path_of(first), second == NULL ? NULL : path_of(second)};
    expect((sl_edit_t){.kind = SL_EDIT_KEEP,
                       .path = path == NULL ? NULL : path_of(path),
                       .paths = paths,
                       .path_count = second == NULL ? 1 : 2},
           text, wanted);
}

Test(json_edit, only_what_is_selected_stays)
{
    expect_keep(NULL, "a", NULL, "{\"x\":1, \"a\":2, \"y\":3}", "{\"a\":2}");
    expect_keep(NULL, "a", "y", "{\"x\":1, \"a\":2, \"z\":0, \"y\":3}", "{\"a\":2, \"y\":3}");
    expect_keep("o", "a", NULL, "{\"x\":1,\"o\":{\"a\":{\"b\":1},\"c\":2}}", "{\"x\":1,\"o\":{\"a\":{\"b\":1}}}");
    expect_keep(NULL, "user.name", NULL, "{\"user\":{\"name\":\"n\",\"password\":\"p\"},\"t\":1}",
                "{\"user\":{\"name\":\"n\"}}");
    expect_keep(NULL, "none", NULL, "{\"a\":1}", "{}");
    expect_keep("l[*]", "id", NULL, "{\"l\":[{\"id\":1,\"x\":2},{\"x\":3},4]}", "{\"l\":[{\"id\":1},{},4]}");
    expect_keep(NULL, "", NULL, "{\"a\":1}", "{\"a\":1}");
}

Test(json_edit, a_selection_goes_through_arrays)
{
    expect_keep(NULL, "l[*].id", "n", "{\"l\":[{\"id\":1,\"x\":2},{\"x\":3},4],\"n\":5,\"m\":6}",
                "{\"l\":[{\"id\":1},{}],\"n\":5}");
    expect_keep(NULL, "l[*].id", NULL, "{\"l\":[]}", "{\"l\":[]}");
    expect_keep(NULL, "l[*].id", NULL, "{\"l\":{\"id\":1}}", "{}");
    expect_keep(NULL, "a.b.c", "a", "{\"a\":{\"b\":{\"c\":1,\"d\":2}},\"e\":1}", "{\"a\":{\"b\":{\"c\":1,\"d\":2}}}");
    expect_keep(NULL, "a", "a.b.c", "{\"a\":{\"b\":{\"c\":1,\"d\":2}},\"e\":1}", "{\"a\":{\"b\":{\"c\":1,\"d\":2}}}");
    expect_keep(NULL, "a", NULL, "{\"a\":1,\"a\":2}", "{\"a\":2}");
}

static void expect_flatten(const char *path, const char *text, const char *wanted)
{
    expect((sl_edit_t){.kind = SL_EDIT_FLATTEN, .path = path_of(path)}, text, wanted);
}

Test(json_edit, members_go_up_where_their_object_stood)
{
    expect_flatten("a", "{\"x\":1,\"a\":{\"b\":2, \"c\":0.10},\"y\":3}", "{\"x\":1,\"b\":2,\"c\":0.10,\"y\":3}");
    expect_flatten("a", "{\"a\":{},\"y\":3}", "{\"y\":3}");
    expect_flatten("a", "{\"a\":{\"a\":1}}", "{\"a\":1}");
    expect_flatten("[*].a", "[{\"a\":{\"b\":1}},{\"a\":2},{}]", "[{\"b\":1},{\"a\":2},{}]");
    expect_flatten("a", "{\"a\":[1]}", "{\"a\":[1]}");
    expect_flatten("a[0]", "{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":1}]}");
}

Test(json_edit, a_name_that_is_there_already_stays)
{
    expect_flatten("a", "{\"b\":1,\"a\":{\"b\":2,\"c\":3}}", "{\"b\":1,\"c\":3}");
    expect_flatten("a", "{\"a\":{\"b\":2},\"\\u0062\":1}", "{\"\\u0062\":1}");
}

static void expect_limit(const char *path, uint64_t count, const char *text, const char *wanted)
{
    expect((sl_edit_t){.kind = SL_EDIT_LIMIT, .path = path_of(path), .count = count}, text, wanted);
}

Test(json_edit, arrays_are_cut)
{
    expect_limit("l", 2, "{\"l\":[1, 2 ,3,4 ]}", "{\"l\":[1, 2 ]}");
    expect_limit("l", 0, "{\"l\":[1,2]}", "{\"l\":[]}");
    expect_limit("l", 2, "{\"l\":[1,2]}", "{\"l\":[1,2]}");
    expect_limit("", 1, "[[1],[2]]", "[[1]]");
    expect_limit("[*]", 1, "[[1,2],[],[3,4],5]", "[[1],[],[3],5]");
    expect_limit("l", 1, "{\"l\":{\"a\":1,\"b\":2}}", "{\"l\":{\"a\":1,\"b\":2}}");
}

Test(json_edit, each_edit_sees_what_the_one_before_has_left)
{
    sl_edit_t edits[] = {{.kind = SL_EDIT_RENAME, .path = path_of("a"), .name = SL_LIT("b")},
                         {.kind = SL_EDIT_MOVE, .path = path_of("b"), .to = path_of("c.d")},
                         {.kind = SL_EDIT_SET, .path = path_of("c.e"), .value = template_of("[]")},
                         {.kind = SL_EDIT_WRAP, .path = path_of(""), .name = SL_LIT("data")}};
    sl_text_t out = {0};
    cr_assert_null(apply("{\"a\":12345678901234567890}", edits, 4, 4096, &out));
    cr_expect_str_eq(out.base, "{\"data\":{\"c\":{\"d\":12345678901234567890,\"e\":[]}}}");
    sl_text_dispose(&out);
}

Test(json_edit, what_is_no_json_is_told_and_leaves_out_alone)
{
    sl_text_t out = {0};
    size_t offset;
    sl_text_put(&out, "before");
    cr_expect_str_eq(sl_json_edit(SL_LIT("{\"a\":}"), NULL, 0, NULL, 100, NULL, NULL, &out, &offset),
                     "no value begins like this");
    cr_expect_eq(offset, 5);
    cr_expect_str_eq(out.base, "before");
    cr_expect_null(sl_json_edit(SL_LIT("{\"a\":1}"), NULL, 0, NULL, 100, NULL, NULL, &out, &offset));
    cr_expect_str_eq(out.base, "before{\"a\":1}");
    sl_text_dispose(&out);
}

Test(json_edit, no_result_grows_beyond_its_bound)
{
    sl_edit_t set = {.kind = SL_EDIT_SET, .path = path_of("[*]"), .value = template_of("\"0123456789\"")};
    sl_text_t out = {0};
    cr_expect_null(apply("[1,2,3]", &set, 1, 40, &out)); /* 3 * 12 + 4 */
    cr_expect_str_eq(apply("[1,2,3]", &set, 1, 39, &out), "the result is too large");
    cr_expect_eq(out.size, 0);
    cr_expect_str_eq(apply("[1,2,3]", &set, 1, 5, &out), "the result is too large");
    cr_expect_str_eq(apply("[1,2,3]", NULL, 0, 6, &out), "the result is too large");
    sl_text_dispose(&out);
}

/* A thousand elements times a large value must be refused before it is built. */
Test(json_edit, a_bound_holds_while_the_result_is_made)
{
    sl_text_t text = {0}, out = {0}, value = {0};
    sl_text_put(&text, "[0");
    for (int i = 0; i != 100000; ++i)
        sl_text_put(&text, ",0");
    sl_text_put(&text, "]");
    sl_text_put(&value, "\"");
    for (int i = 0; i != 10000; ++i)
        sl_text_put(&value, "0123456789");
    sl_text_put(&value, "\"");
    sl_edit_t set = {.kind = SL_EDIT_SET, .path = path_of("[*]"), .value = template_of(value.base)};
    cr_expect_str_eq(apply(text.base, &set, 1, 1 << 20, &out), "the result is too large");
    sl_text_dispose(&text);
    sl_text_dispose(&out);
    sl_text_dispose(&value);
}

/* Many elements cost what they are worth: ten times the elements must not cost a hundred times the time. The figure is
 * far above what it takes (0.1 s) and far below what the square would (minutes). */
Test(json_edit, many_elements_are_no_burden, .timeout = 20)
{
    sl_text_t text = {0}, out = {0};
    sl_text_put(&text, "[");
    for (int i = 0; i != 150000; ++i)
        sl_text_format(&text, "%s{\"a\":{\"i\":%d},\"b\":1}", i == 0 ? "" : ",", i);
    sl_text_put(&text, "]");
    sl_edit_t edits[] = {{.kind = SL_EDIT_MOVE, .path = path_of("[*].a.i"), .to = path_of("[*].i")},
                         {.kind = SL_EDIT_REMOVE, .path = path_of("[*].b")},
                         {.kind = SL_EDIT_FLATTEN, .path = path_of("[*].a")}};
    cr_assert_null(apply(text.base, edits, 3, 100 << 20, &out));
    cr_expect_eq(strncmp(out.base, "[{\"i\":0},{\"i\":1},", 17), 0, "%.40s", out.base);
    sl_text_dispose(&text);
    sl_text_dispose(&out);
}
