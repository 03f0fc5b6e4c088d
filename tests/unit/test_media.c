/* Media types, negotiation, versions in Accept, and forms. */
#include "sluice/media.h"
#include <criterion/criterion.h>

static void expect_media(const char *content_type, sl_media_t wanted)
{
    cr_expect_eq(sl_media_of(sl_bytes_of(content_type)), wanted, "%s", content_type);
}

Test(media, content_types_are_known)
{
    expect_media("application/json", SL_MEDIA_JSON);
    expect_media(" Application/JSON ; charset=utf-8", SL_MEDIA_JSON);
    expect_media("application/problem+json", SL_MEDIA_JSON);
    expect_media("image/x+json", SL_MEDIA_JSON);
    expect_media("application/msgpack", SL_MEDIA_MSGPACK);
    expect_media("application/vnd.msgpack", SL_MEDIA_MSGPACK);
    expect_media("application/x-msgpack", SL_MEDIA_MSGPACK);
    expect_media("application/vnd.acme+msgpack", SL_MEDIA_MSGPACK);
    expect_media("application/x-www-form-urlencoded;charset=UTF-8", SL_MEDIA_FORM);
    expect_media("text/json", SL_MEDIA_OTHER);
    expect_media("application/jsonp", SL_MEDIA_OTHER);
    expect_media("application/+json", SL_MEDIA_OTHER);
    expect_media("application/", SL_MEDIA_OTHER);
    expect_media("json", SL_MEDIA_OTHER);
    expect_media("", SL_MEDIA_OTHER);
}

static void expect_charset(const char *content_type, const char *wanted)
{
    h2o_iovec_t charset = sl_media_charset(sl_bytes_of(content_type));
    cr_expect(sl_bytes_equal(charset, sl_bytes_of(wanted)), "%s: %.*s", content_type, (int)charset.len, charset.base);
}

Test(media, charsets_are_found)
{
    expect_charset("application/json; charset=utf-8", "utf-8");
    expect_charset("application/json;a=\";charset=x\"; Charset=\"latin1\"", "latin1");
    expect_charset("application/json; charset", "");
    expect_charset("application/json", "");
    expect_charset("charset=utf-8", "");
}

/* --- Accept --- */

#define JSON 0
#define MSGPACK 1
static const h2o_iovec_t offers[] = {{(char *)"application/json", 16}, {(char *)"application/msgpack", 19}};

static void expect_offer(const char *accept, int wanted)
{
    int got = sl_media_negotiate(sl_bytes_of(accept), offers, 2);
    cr_expect_eq(got, wanted, "%s: %d", accept, got);
}

Test(media, the_best_offer_is_chosen)
{
    expect_offer("application/json", JSON);
    expect_offer("application/msgpack", MSGPACK);
    expect_offer("APPLICATION/MsgPack", MSGPACK);
    expect_offer("application/json;q=0.5, application/msgpack", MSGPACK);
    expect_offer("application/json, application/msgpack;q=0.999", JSON);
    expect_offer("application/json;q=0.5,application/msgpack;q=0.50", JSON);
    expect_offer("*/*", JSON);
    expect_offer("application/*", JSON);
    expect_offer("*/*;q=0.1, application/msgpack", MSGPACK);
    expect_offer("text/html,application/xhtml+xml,*/*;q=0.8", JSON);
    expect_offer("*/*, application/json;q=0", MSGPACK);
    expect_offer("*/*, application/json;q=0.2", MSGPACK);
    expect_offer("application/*;q=0.3, */*;q=0.9", JSON);
    expect_offer("*/*;q=0.5, application/msgpack;q=0.5", MSGPACK);
}

Test(media, nothing_acceptable_is_told)
{
    expect_offer("text/html", -1);
    expect_offer("application/json;q=0", -1);
    expect_offer("*/*;q=0", -1);
    expect_offer("application/*;q=0, text/*", -1);
    expect_offer("*/json", -1);
}

Test(media, an_absent_or_meaningless_accept_accepts_all)
{
    cr_expect_eq(sl_media_negotiate(sl_bytes(NULL, 0), offers, 2), JSON);
    expect_offer("", JSON);
    expect_offer(" , ,", JSON);
    expect_offer("gibberish", JSON);
    expect_offer("application/msgpack;q=2", JSON);
    expect_offer("application/msgpack;q=0.5555, application/json;q=0.1", JSON);
    cr_expect_eq(sl_media_negotiate(SL_LIT("*/*"), offers, 0), -1);
}

Test(media, parameters_that_no_offer_has_exclude_nothing)
{
    expect_offer("application/json; charset=utf-8", JSON);
    expect_offer("application/msgpack;version=2;q=0.5", MSGPACK);
    expect_offer("application/msgpack;note=\"a,b;q=0\"", MSGPACK);
    expect_offer("application/vnd.acme.v2+json", JSON);
    expect_offer("application/vnd.acme.v2+msgpack", MSGPACK);
    expect_offer("application/vnd.acme.v2+json;q=0.5, application/json;q=0", -1);
}

Test(media, parameters_of_offers_are_compared)
{
    const h2o_iovec_t versions[] = {SL_LIT("application/json;version=1"), SL_LIT("application/json;version=2")};
    cr_expect_eq(sl_media_negotiate(SL_LIT("application/json;version=2"), versions, 2), 1);
    cr_expect_eq(sl_media_negotiate(SL_LIT("application/json"), versions, 2), 0);
    cr_expect_eq(sl_media_negotiate(SL_LIT("application/json;version=3"), versions, 2), -1);
    cr_expect_eq(sl_media_negotiate(SL_LIT("application/json;version=\"2\", */*;q=0.1"), versions, 2), 1);
}

static void expect_version(const char *accept, const char *wanted)
{
    h2o_iovec_t version = sl_media_version(sl_bytes_of(accept), SL_LIT("version"));
    cr_expect(sl_bytes_equal(version, sl_bytes_of(wanted)), "%s: %.*s", accept, (int)version.len, version.base);
}

Test(media, versions_are_found)
{
    expect_version("application/json;version=2", "2");
    expect_version("text/html, application/json; q=0.5; Version=\"2024-06-01\"", "2024-06-01");
    expect_version("application/json;version=1;q=0.5, application/json;version=2", "2");
    expect_version("application/json;version=1;q=0.5, application/json;version=2;q=0.5, a/b", "1");
    expect_version("application/json;version=1;q=0, application/vnd.acme.v2+json;q=0.001", "v2");
    expect_version("application/json;version=1;q=0", "");
    expect_version("application/json;version=1;q=much", "");
    expect_version("application/vnd.acme.v2+json", "v2");
    expect_version("application/vnd.acme.v2.1+json", "v2.1");
    expect_version("application/vnd.acme-v3+json", "v3");
    expect_version("application/vnd.github.v3.raw+json", "v3");
    expect_version("application/vnd.acme.v2+json;version=7", "7");
    expect_version("*/*, application/vnd.acme.v2+json, application/json;version=7", "v2");
    expect_version("application/vnd.v8engine+json", "");
    expect_version("application/vnd.acme.v+json", "");
    expect_version("application/json", "");
    expect_version("", "");
}

/* --- forms --- */

static const sl_media_limits_t limits = {.depth = 64, .values = 100, .bytes_max = 1000};

static void expect_form(const char *form, const char *wanted)
{
    sl_text_t out = {0};
    size_t offset;
    const char *error = sl_form_to_json(sl_bytes_of(form), &limits, &out, &offset);
    cr_assert_null(error, "%s: %s", form, error);
    cr_expect_str_eq(out.base, wanted, "%s gives %s", form, out.base);
    sl_text_dispose(&out);
}

Test(form, parameters_become_members)
{
    expect_form("", "{}");
    expect_form("a=1", "{\"a\":\"1\"}");
    expect_form("a=1&b=x&b=y", "{\"a\":\"1\",\"b\":[\"x\",\"y\"]}");
    expect_form("b=1&a=2&b=3&c=4&a=5&b=6", "{\"b\":[\"1\",\"3\",\"6\"],\"a\":[\"2\",\"5\"],\"c\":\"4\"}");
    expect_form("a+b=c+d&%61%20b=x%3D%26y", "{\"a b\":[\"c d\",\"x=&y\"]}");
    expect_form("a&b=&=c&&d=1=2&", "{\"a\":\"\",\"b\":\"\",\"\":\"c\",\"d\":\"1=2\"}");
    expect_form("q=%22%0A%C3%A9\xc3\xa9%00", "{\"q\":\"\\\"\\n\xc3\xa9\xc3\xa9\\u0000\"}");
    expect_form("a=1&ab=2&a=3", "{\"a\":[\"1\",\"3\"],\"ab\":\"2\"}");
}

static void expect_no_form(const char *form, const sl_media_limits_t *bounds, size_t wanted_offset, const char *wanted)
{
    sl_text_t out = {0};
    size_t offset;
    sl_text_put(&out, "before");
    const char *error = sl_form_to_json(sl_bytes_of(form), bounds, &out, &offset);
    cr_expect(error != NULL && strcmp(error, wanted) == 0, "%s: %s", form, error == NULL ? "taken" : error);
    cr_expect_eq(offset, wanted_offset, "%s: %zu", form, offset);
    cr_expect_str_eq(out.base, "before");
    sl_text_dispose(&out);
}

Test(form, what_is_no_form_is_refused)
{
    const sl_media_limits_t few = {.depth = 64, .values = 2, .bytes_max = 15};
    expect_no_form("a=1&b=%zz", &limits, 6, "an escape that is none");
    expect_no_form("a=1&b=%4", &limits, 6, "an escape that is none");
    expect_no_form("a=%FF", &limits, 2, "not UTF-8");
    expect_no_form("x=1&%C3=1", &limits, 4, "not UTF-8");
    expect_no_form("a=1&b=2&c=3", &few, 8, "too many values");
    expect_no_form("a=123456789", &few, 0, "the result is too large");
}
