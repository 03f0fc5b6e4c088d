/* Templates: every form of template.h filled in, and every mistake told with its place. */
#include "sluice/template.h"
#include <criterion/criterion.h>

static h2o_mem_pool_t pool;
static sl_json_t user, search;

static void index_well(sl_json_t *json, const char *text)
{
    size_t offset;
    const char *error = sl_json_index(json, sl_bytes_of(text), NULL, &offset);
    cr_assert_null(error, "%s: %s", text, error);
}

static void set_up(void)
{
    h2o_mem_init_pool(&pool);
    index_well(&user,
               "{ \"id\" : 12345678901234567890, \"price\":0.10, \"name\":\"A\\n\\u00e9 \\\"q\\\"\", \"no\":null,"
               "\"tags\":[1, 2 ,\"x\" ], \"o\":{\"k\":1e400, \"id\":2}, \"empty\":{}, \"none\":[], \"zero\":0,"
               "\"s\":\"\", \"f\":false, \"\\u0069d2\":7}");
    index_well(&search, "{\"results\":[{\"id\":1},{\"id\":2}],\"k\":\"later\",\"n\\u0061me\":\"other\"}");
}

static void tear_down(void)
{
    sl_json_dispose(&user);
    sl_json_dispose(&search);
    h2o_mem_clear_pool(&pool);
}

TestSuite(template, .init = set_up, .fini = tear_down);

static sl_template_value_t in_document(const sl_json_t *json, const sl_json_path_t *rest)
{
    int64_t value = rest == NULL ? 0 : sl_json_path_find(json, rest);
    return value < 0 ? (sl_template_value_t){0}
                     : (sl_template_value_t){.is_known = true, .document = json, .value = (uint32_t)value};
}

static sl_template_value_t as_text(h2o_iovec_t text)
{
    return (sl_template_value_t){.is_known = true, .text = text};
}

static sl_template_value_t as_json(h2o_iovec_t text)
{
    return (sl_template_value_t){.is_known = true, .text = text, .is_json = true};
}

/* user and search are calls, down is one that failed; the query has q, zero and no. */
static sl_template_value_t resolve(void *data, h2o_iovec_t source, h2o_iovec_t first, const sl_json_path_t *rest)
{
    h2o_iovec_t name = sl_json_path_name(rest);
    (void)data;
    if (sl_bytes_equal(source, SL_LIT("request")) && sl_bytes_equal(first, SL_LIT("query"))) {
        if (sl_bytes_equal(name, SL_LIT("q")))
            return as_text(SL_LIT("a \"b\"\n/\xc3\xa9\xff"));
        if (sl_bytes_equal(name, SL_LIT("zero")))
            return as_text(SL_LIT("0"));
        if (sl_bytes_equal(name, SL_LIT("empty")))
            return as_text(SL_LIT(""));
    }
    if (sl_bytes_equal(source, SL_LIT("request")) && sl_bytes_equal(first, SL_LIT("method")))
        return as_text(SL_LIT("GET"));
    if (sl_bytes_equal(source, SL_LIT("user")) && sl_bytes_equal(first, SL_LIT("status")))
        return as_json(SL_LIT("200"));
    if (sl_bytes_equal(source, SL_LIT("each")) && sl_bytes_equal(first, SL_LIT("body")))
        return as_json(SL_LIT("[{\"a\":1}, {\"b\":2}]"));
    if (sl_bytes_equal(source, SL_LIT("made")) && sl_bytes_equal(first, SL_LIT("body")))
        return as_json(SL_LIT("{\"a\":1, \"k\":2}"));
    if (sl_bytes_equal(source, SL_LIT("void")))
        return as_json(SL_LIT("null"));
    if (sl_bytes_equal(source, SL_LIT("user")) && sl_bytes_equal(first, SL_LIT("body")))
        return in_document(&user, rest);
    if (sl_bytes_equal(source, SL_LIT("search")) && sl_bytes_equal(first, SL_LIT("body")))
        return in_document(&search, rest);
    if (sl_bytes_equal(source, SL_LIT("item")))
        return in_document(&user, rest);
    if (sl_bytes_equal(source, SL_LIT("index")))
        return as_json(SL_LIT("3"));
    return (sl_template_value_t){0};
}

static sl_template_t *compile(const char *json)
{
    const char *error;
    size_t offset;
    sl_template_t *made = sl_template_compile(&pool, sl_bytes_of(json), &error, &offset);
    cr_assert_not_null(made, "%s: %s at %zu", json, error, offset);
    return made;
}

static void expect(const char *json, const char *wanted)
{
    sl_text_t out = {0};
    sl_json_t check = {0};
    size_t offset;
    cr_assert(sl_template_fill(compile(json), resolve, NULL, 4096, &out));
    cr_expect_str_eq(out.base, wanted, "%s gives %s, not %s", json, out.base, wanted);
    const char *error = sl_json_index(&check, sl_bytes(out.base, out.size), NULL, &offset);
    cr_expect_null(error, "%s gives %s: %s", json, out.base, error);
    sl_json_dispose(&check);
    sl_text_dispose(&out);
}

Test(template, what_has_no_holes_stays_but_for_blanks)
{
    expect("{\"a\": [1, 2.50, {}], \"b\":\"\\u0041\", \"c\": null}",
           "{\"a\":[1,2.50,{}],\"b\":\"\\u0041\",\"c\":null}");
    expect("true", "true");
    expect("[]", "[]");
    expect("\"... and so on\"", "\"... and so on\"");
}

Test(template, a_reference_is_the_value_with_its_bytes)
{
    expect("\"$user.body.id\"", "12345678901234567890");
    expect("{\"x\":\"$user.body.price\"}", "{\"x\":0.10}");
    expect("[\"$user.body.name\",\"$user.body.tags\"]", "[\"A\\n\\u00e9 \\\"q\\\"\",[1, 2 ,\"x\" ]]");
    expect("\"$user.body.tags[-1]\"", "\"x\"");
    expect("\"$user.body.o\"", "{\"k\":1e400, \"id\":2}");
    expect("\"$user.body['o'].k\"", "1e400");
    expect("\"$user.status\"", "200");
    expect("\"$request.method\"", "\"GET\"");
    expect("\"$item.id\"", "12345678901234567890");
    expect("[\"$item.tags[0]\",\"$index\"]", "[1,3]");
}

Test(template, text_becomes_a_string)
{
    expect("\"$request.query.q\"", "\"a \\\"b\\\"\\n/\xc3\xa9\xef\xbf\xbd\"");
}

Test(template, what_is_missing_is_null)
{
    expect("{\"a\":\"$user.body.zz\",\"b\":\"$down.body\",\"c\":\"$request.query.zz\"}",
           "{\"a\":null,\"b\":null,\"c\":null}");
}

Test(template, defaults_stand_for_what_is_unknown_missing_or_null)
{
    expect("\"$down.body ?? []\"", "[]");
    expect("\"$user.body.zz ?? {\\\"a\\\": 0.10}\"", "{\"a\": 0.10}");
    expect("\"$user.body.no??1\"", "1");
    expect("\"$void.body ?? 2\"", "2");
    expect("\"$user.body.f ?? true\"", "false");
    expect("\"$user.body.s ?? \\\"x\\\"\"", "\"\"");
    expect("\"$down.body ?? null\"", "null");
    expect("\"$down.body.a ?? \\\"$user.body.id ?? x\\\"\"", "\"$user.body.id ?? x\"");
}

Test(template, chains_go_from_left_to_right)
{
    expect("\"$down.body.a ?? $user.body.no ?? $user.body.zero ?? 9\"", "0");
    expect("\"$down.body.a ?? $user.body.zz ?? 9\"", "9");
    expect("\"$down.body.a ?? $user.body.zz\"", "null");
}

Test(template, values_stand_inside_text)
{
    expect("\"id ${user.body.id}!\"", "\"id 12345678901234567890!\"");
    expect("\"${user.body.name}\"", "\"A\\n\\u00e9 \\\"q\\\"\"");
    expect("\"${user.body.o}\"", "\"{\\\"k\\\":1e400, \\\"id\\\":2}\"");
    expect("\"${request.query.q}${user.status}\"", "\"a \\\"b\\\"\\n/\xc3\xa9\xef\xbf\xbd"
                                                   "200\"");
    expect("\"<${user.body.zz}${user.body.no}>\"", "\"<>\"");
    expect("\"${down.body ?? \\\"n\\\\\\\"a}\\\"}.\"", "\"n\\\"a}.\"");
    expect("\"${down.body ?? {\\\"a\\\":[{}]}} ${down.body.x ?? $user.body.zero}\"", "\"{\\\"a\\\":[{}]} 0\"");
}

Test(template, dollars_are_doubled)
{
    expect("\"$$5\"", "\"$5\"");
    expect("\"$${x} costs $$${user.body.zero}\"", "\"${x} costs $0\"");
    expect("\"a$$\"", "\"a$\"");
    expect("{\"$user.body\":1}", "{\"$user.body\":1}");
}

Test(template, members_are_spread)
{
    expect("{\"...\":\"$user.body.o\"}", "{\"k\":1e400, \"id\":2}");
    expect("{\"a\":1,\"...\":\"$user.body.o\",\"b\":2}", "{\"a\":1,\"k\":1e400,\"id\":2,\"b\":2}");
    expect("{\"...\":\"$user.body.empty\",\"b\":2}", "{\"b\":2}");
    expect("{\"a\":1,\"...\":\"$user.body.empty\"}", "{\"a\":1}");
    expect("{\"...\":\"$down.body\"}", "{}");
    expect("{\"...\":\"$user.body.tags\",\"b\":2}", "{\"b\":2}");
    expect("{\"...\":\"$request.query.q\",\"b\":2}", "{\"b\":2}");
    expect("{\"...\":\"$down.body ?? {\\\"d\\\": 1}\"}", "{\"d\": 1}");
    expect("{\"...\":\"$made.body\"}", "{\"a\":1, \"k\":2}");
    expect("{\"x\":{\"...\":\"$user.body.o\"},\"y\":[{\"...\":\"$user.body.o\"}]}",
           "{\"x\":{\"k\":1e400, \"id\":2},\"y\":[{\"k\":1e400, \"id\":2}]}");
}

Test(template, what_the_template_writes_wins_over_what_is_spread)
{
    expect("{\"...\":\"$user.body.o\",\"id\":0}", "{\"k\":1e400,\"id\":0}");
    expect("{\"k\":0,\"...\":\"$user.body.o\"}", "{\"k\":0,\"id\":2}");
    expect("{\"k\":0,\"id\":1,\"...\":\"$user.body.o\"}", "{\"k\":0,\"id\":1}");
    expect("{\"k?\":\"$down.body\",\"...\":\"$user.body.o\"}", "{\"id\":2}");
    expect("{\"name\":0,\"k\":0,\"...\":\"$search.body\"}", "{\"name\":0,\"k\":0,\"results\":[{\"id\":1},{\"id\":2}]}");
}

Test(template, a_later_spread_wins_over_an_earlier_one)
{
    expect("{\"...\":[\"$user.body.o\",\"$made.body\"]}", "{\"id\":2,\"a\":1, \"k\":2}");
    expect("{\"...\":[\"$made.body\",\"$down.body\",\"$user.body.o\"]}", "{\"a\":1,\"k\":1e400, \"id\":2}");
    expect("{\"...\":[\"$made.body\",\"$user.body.o\",\"$search.body\"],\"results\":0}",
           "{\"a\":1,\"id\":2,\"k\":\"later\",\"n\\u0061me\":\"other\",\"results\":0}");
    expect("{\"...\":\"$user.body.o\",\"x\":1,\"...\":\"$made.body\"}", "{\"id\":2,\"x\":1,\"a\":1,\"k\":2}");
}

Test(template, elements_are_spread)
{
    expect("[\"...$user.body.tags\"]", "[1, 2 ,\"x\"]");
    expect("[0,\"...$user.body.tags\",\"...$user.body.none\",\"...$down.body\",9]", "[0,1, 2 ,\"x\",9]");
    expect("[\"...$user.body.none\",\"...$search.body.results\"]", "[{\"id\":1},{\"id\":2}]");
    expect("[\"...$user.body.id\"]", "[12345678901234567890]");
    expect("[\"...$request.method\"]", "[\"GET\"]");
    expect("[\"...$each.body\",1]", "[{\"a\":1}, {\"b\":2},1]");
    expect("[\"...$down.body ?? [7]\"]", "[7]");
}

Test(template, optional_members_are_left_away)
{
    expect("{\"a?\":\"$user.body.id\",\"b?\":\"$user.body.zz\"}", "{\"a\":12345678901234567890}");
    expect("{\"a?\":\"$user.body.zz\",\"b\":1,\"c?\":\"$user.body.no\"}", "{\"b\":1}");
    expect("{\"a?\":\"x ${user.body.zz} ${user.body.id}\"}", "{}");
    expect("{\"a?\":\"x ${user.body.zz ?? 1}\"}", "{\"a\":\"x 1\"}");
    expect("{\"a?\":{\"b?\":\"$user.body.zz\"},\"c?\":1}", "{\"a\":{},\"c\":1}");
    expect("{\"a??\":1,\"b??\":\"$user.body.zz\"}", "{\"a?\":1,\"b?\":null}");
    expect("{\"x\":[{\"a?\":\"$user.body.zz\"},\"$user.body.zz\"]}", "{\"x\":[{},null]}");
}

/* --- mistakes --- */

static const struct {
    const char *json;
    size_t offset;
    const char *error;
} mistakes[] = {
    {"{\"a\":}", 5, "no value begins like this"},
    {"\"$bdoy\"", 7 - 1, "the answer of a call has status, headers, body"},
    {"\"$user.bdoy\"", 7, "the answer of a call has status, headers, body, not 'bdoy'"},
    {"{\"a\":\"$request.foo\"}", 15, "request has method, id, path, query, headers, body, not 'foo'"},
    {"\"$caller.key\"", 9, "caller has owner, name, not 'key'"},
    {"\"$request.query\"", 15, "exactly one name belongs behind this"},
    {"\"$request.query.a.b\"", 15, "exactly one name belongs behind this"},
    {"\"$request.method.x\"", 16, "nothing stands behind this"},
    {"\"$index.x\"", 7, "nothing stands behind this"},
    {"\"$user.status[0]\"", 13, "nothing stands behind this"},
    {"\"$user.body[*].id\"", 12, "[*] stands for many values; one is wanted here"},
    {"\"$user.body..id\"", 12, "a name is missing in a path"},
    {"\"$5\"", 2, "a reference begins with a name; a dollar sign is written $$"},
    {"\"\\u00e9 $x\"", 8, "in text a reference is written ${...} and a dollar sign $$"},
    {"\"a$\"", 2, "in text a reference is written ${...} and a dollar sign $$"},
    {"\"$user.body and more\"", 12, "text behind a reference; inside text it is written ${...}"},
    {"\"${user.body\"", 12, "a closing brace is missing behind a reference"},
    {"\"${user.body x}\"", 13, "a closing brace is missing behind a reference"},
    {"\"${user.body ?? }\"", 16, "a default is JSON or another reference"},
    {"\"$user.body ??\"", 14, "a default is JSON or another reference"},
    {"\"$user.body ?? [1,]\"", 18, "a default is JSON or another reference, not '[1,]'"},
    {"\"$user.body ?? x.body\"", 15, "a default is JSON or another reference, not 'x.body'"},
    {"\"${user.body ?? none } x\"", 16, "a default is JSON or another reference, not 'none'"},
    {"\"${$user.body}\"", 3, "a reference begins with a name; a dollar sign is written $$"},
    {"{\"...\":1}", 7, "a spread takes a reference or a list of them"},
    {"{\"...\":\"x\"}", 7, "a spread takes a reference or a list of them"},
    {"{\"...\":[\"$a.body\",{}]}", 18, "a spread takes a reference or a list of them"},
    {"{\"...\":[]}", 7, "a spread takes a reference or a list of them"},
    {"{\"...\":\"$a.body ?? []\"}", 7, "the default of a spread into an object is an object"},
    {"[\"...$a.body ?? {}\"]", 1, "the default of a spread into an array is an array"},
    {"{\"a\":1,\"a\":2}", 7, "this name stands in the object already"},
    {"{\"a\":1,\"a?\":2}", 7, "this name stands in the object already"},
    {"{\"a\":1,\"\\u0061\":2}", 7, "this name stands in the object already"},
};

Test(template, mistakes_are_told_with_their_place)
{
    for (size_t i = 0; i != sizeof(mistakes) / sizeof(mistakes[0]); ++i) {
        const char *error;
        size_t offset;
        sl_template_t *made = sl_template_compile(&pool, sl_bytes_of(mistakes[i].json), &error, &offset);
        cr_expect(made == NULL && strcmp(error, mistakes[i].error) == 0 && offset == mistakes[i].offset,
                  "%s: '%s' at %zu, not '%s' at %zu", mistakes[i].json, made == NULL ? error : "fine", offset,
                  mistakes[i].error, mistakes[i].offset);
    }
}

/* --- text --- */

static sl_template_t *compile_text(const char *text)
{
    const char *error;
    size_t offset;
    sl_template_t *made = sl_template_compile_text(&pool, sl_bytes_of(text), &error, &offset);
    cr_assert_not_null(made, "%s: %s at %zu", text, error, offset);
    return made;
}

static void expect_text(const char *text, sl_template_encode_t encode, const char *wanted)
{
    sl_text_t out = {0};
    cr_assert(sl_template_fill_text(compile_text(text), resolve, NULL, encode, 4096, &out));
    cr_expect_str_eq(out.base, wanted, "%s gives %s, not %s", text, out.base, wanted);
    sl_text_dispose(&out);
}

Test(template, text_is_filled_without_quotes)
{
    expect_text("", SL_ENCODE_VALUES, "");
    expect_text("/users/${user.body.id}/x", SL_ENCODE_VALUES, "/users/12345678901234567890/x");
    expect_text("/q/${request.query.q}", SL_ENCODE_VALUES, "/q/a%20%22b%22%0A%2F%C3%A9%FF");
    expect_text("/q/${request.query.q}", SL_ENCODE_NOTHING, "/q/a \"b\"\n/\xc3\xa9\xff");
    expect_text("$user.body.name", SL_ENCODE_NOTHING, "A\n\xc3\xa9 \"q\"");
    expect_text("$user.body.tags", SL_ENCODE_VALUES, "%5B1%2C%202%20%2C%22x%22%20%5D");
    expect_text("$user.body.zz", SL_ENCODE_VALUES, "");
    expect_text("$user.body.zz ?? \"d/\"", SL_ENCODE_VALUES, "d%2F");
    expect_text("a-_.~Z9", SL_ENCODE_VALUES, "a-_.~Z9");
    expect_text("/${user.body.name}", SL_ENCODE_VALUES, "/A%0A%C3%A9%20%22q%22");
    expect_text("$$1 \"${user.status}\"", SL_ENCODE_NOTHING, "$1 \"200\"");
    expect_text("a b&c=${user.status}%20", SL_ENCODE_ALL, "a%20b%26c%3D200%2520");
}

Test(template, mistakes_in_text_are_told_with_their_place)
{
    const char *error;
    size_t offset;
    cr_expect_null(sl_template_compile_text(&pool, SL_LIT("/a/${user.bdoy}"), &error, &offset));
    cr_expect_str_eq(error, "the answer of a call has status, headers, body, not 'bdoy'");
    cr_expect_eq(offset, 10);
    cr_expect_null(sl_template_compile_text(&pool, SL_LIT("/a/$x"), &error, &offset));
    cr_expect_eq(offset, 3);
}

/* --- bounds --- */

Test(template, nothing_grows_beyond_its_bound)
{
    const char *const filled[] = {"\"$user.body.id\"", "\"x ${request.query.q}\"", "[\"...$user.body.tags\"]",
                                  "{\"a\":0,\"...\":\"$user.body\"}", "[1,2,\"$request.query.q\"]"};
    for (size_t i = 0; i != sizeof(filled) / sizeof(filled[0]); ++i) {
        sl_text_t whole = {0}, out = {0};
        sl_template_t *template = compile(filled[i]);
        cr_assert(sl_template_fill(template, resolve, NULL, SIZE_MAX, &whole));
        sl_text_put(&out, "before");
        for (size_t room = 0; room != whole.size; ++room) {
            cr_expect_not(sl_template_fill(template, resolve, NULL, room, &out), "%s in %zu", filled[i], room);
            cr_expect_str_eq(out.base, "before");
        }
        cr_expect(sl_template_fill(template, resolve, NULL, whole.size, &out));
        cr_expect_str_eq(out.base + 6, whole.base);
        sl_text_dispose(&whole);
        sl_text_dispose(&out);
    }
}

/* --- conditions --- */

static void expect_holds(const char *json, bool wanted)
{
    cr_expect_eq(sl_template_holds(compile(json), resolve, NULL), wanted, "%s", json);
}

Test(template, conditions_hold_for_what_is_there)
{
    expect_holds("\"$user.body.id\"", true);
    expect_holds("\"$user.body.tags\"", true);
    expect_holds("\"$user.body.none\"", true);
    expect_holds("\"$user.status\"", true);
    expect_holds("\"$user.body.zero\"", false);
    expect_holds("\"$user.body.s\"", false);
    expect_holds("\"$user.body.f\"", false);
    expect_holds("\"$user.body.no\"", false);
    expect_holds("\"$user.body.zz\"", false);
    expect_holds("\"$down.body\"", false);
    expect_holds("\"$void.body\"", false);
    expect_holds("\"$down.body ?? true\"", true);
    expect_holds("\"$down.body ?? -0.0e5\"", false);
    expect_holds("\"$down.body ?? 0.01\"", true);
    expect_holds("\"$request.query.q\"", true);
    expect_holds("\"$request.query.zero\"", false);
    expect_holds("\"$request.query.empty\"", false);
    expect_holds("true", true);
    expect_holds("false", false);
    expect_holds("\"${user.body.s}\"", false);
}

/* --- what it refers to --- */

Test(template, sources_are_told_once)
{
    sl_template_t *template = compile("{\"a\":\"$user.body.x ?? $search.body\",\"b\":\"${request.id} ${user.status}\","
                                      "\"...\":\"$made.body\",\"c\":[\"...$each.body\"]}");
    h2o_iovec_t names[8];
    const char *const wanted[] = {"user", "search", "request", "made", "each"};
    cr_assert_eq(sl_template_sources(template, names, 8), 5);
    for (size_t i = 0; i != 5; ++i)
        cr_expect(sl_bytes_equal(names[i], sl_bytes_of(wanted[i])), "%.*s", (int)names[i].len, names[i].base);
    cr_expect_eq(sl_template_sources(template, names, 2), 2);
    cr_expect_eq(sl_template_source_offset(template, SL_LIT("user")), 7);
    cr_expect_eq(sl_template_source_offset(template, SL_LIT("search")), 23);
    cr_expect_eq(sl_template_source_offset(template, SL_LIT("request")), 46 - 3);
    cr_expect_eq(sl_template_source_offset(template, SL_LIT("nobody")), SIZE_MAX);
}
