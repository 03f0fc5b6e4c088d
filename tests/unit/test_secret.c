/* Which names carry secrets, and what is left of documents and queries that hold them. */
#include "sluice/secret.h"
#include <criterion/criterion.h>

Test(secret, names_tell_by_their_last_word)
{
    static const char *const secrets[] = {"Authorization", "proxy-authorization",
                                          "Set-Cookie",    "cookie",
                                          "X-API-Key",     "api_key",
                                          "apiKey",        "apikey",
                                          "APIKEY",        "token",
                                          "idToken",       "access-token",
                                          "ACCESS_TOKEN",  "secret",
                                          "dbPassword",    "userpassword",
                                          "pwd",           "credentials",
                                          "signature",     "user.token",
                                          "jwt",           "X-Mine"};
    static const char *const others[] = {
        "",        "monkey",       "keyboard",  "key-id",  "tokens_left", "Accept", "X-Credential-Identifier",
        "keyName", "secretariate", "signed_by", "passage", "X-Min"};

    for (size_t i = 0; i != sizeof(secrets) / sizeof(*secrets); ++i)
        cr_expect(sl_is_secret_name(sl_bytes_of(secrets[i]), "x-mine"), "%s", secrets[i]);
    for (size_t i = 0; i != sizeof(others) / sizeof(*others); ++i)
        cr_expect(!sl_is_secret_name(sl_bytes_of(others[i]), "x-mine"), "%s", others[i]);
}

static void expect_json(const char *given, const char *wanted)
{
    sl_text_t out = {0};
    sl_mask_json(sl_bytes_of(given), NULL, &out);
    cr_expect_str_eq(out.base, wanted);
    sl_text_dispose(&out);
}

Test(secret, documents_keep_all_else_as_it_was)
{
    expect_json("{\"a\" : 1.50, \"token\":\"x\", \"b\":[ 2 ]}", "{\"a\" : 1.50, \"token\":\"********\", \"b\":[ 2 ]}");
    expect_json("[{\"to\\u006ben\": 7}]", "[{\"to\\u006ben\": \"********\"}]");
    expect_json("{\"credentials\":{\"user\":\"u\",\"pin\":[1,null,true,{}]}}",
                "{\"credentials\":{\"user\":\"********\",\"pin\":[\"********\",null,true,{}]}}");
    expect_json("{\"token\":\"$request.body.token\",\"token?\":\"$a.b ?? \\\"x\\\"\"}",
                "{\"token\":\"$request.body.token\",\"token?\":\"********\"}");
    expect_json("[{\"set\":\"a.token\",\"value\":{\"b\":\"x\"}},{\"set\":\"a['api-key']\",\"value\":\"x\"},{\"set\":"
                "\"a\",\"value\":\"x\"}]",
                "[{\"set\":\"a.token\",\"value\":{\"b\":\"********\"}},{\"set\":\"a['api-key']\",\"value\":\"********"
                "\"},{\"set\":\"a\",\"value\":\"x\"}]");
    expect_json("\"alone\"", "\"alone\"");
    expect_json("{\"token\": no JSON", "{\"token\": no JSON");
}

static void expect_query(const char *given, const char *wanted)
{
    sl_text_t out = {0};
    sl_text_put(&out, "");
    sl_mask_query(sl_bytes_of(given), "k", &out);
    cr_expect_str_eq(out.base, wanted);
    sl_text_dispose(&out);
}

Test(secret, queries_keep_all_else_as_it_was)
{
    expect_query("", "");
    expect_query("a=1&b", "a=1&b");
    expect_query("token=x", "token=********");
    expect_query("a=%20&acces%73_tok%65n=x&&b=2&token&", "a=%20&acces%73_tok%65n=********&&b=2&token&");
    expect_query("K=x&k=", "K=********&k=********");
}
