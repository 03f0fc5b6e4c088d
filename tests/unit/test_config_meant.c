/* What was hardly meant: words of other gateways that are legal here and mean something else; and mistakes that are
 * told once, not again as what follows from them. */
#include "config_expect.h"

#define SERVICE "services: {s: {instances: \"http://127.0.0.1:1\"}}\n"

Test(config_meant, a_parameter_with_a_colon_is_a_warning)
{
    EXPECT_WARNINGS(SERVICE "routes:\n"
                            "  - {path: /users/:id, service: s}\n"
                            "  - {path: /users/:id/posts, service: s}\n"
                            "  - {path: \"/time/12:30/:/x\", service: s}\n",
                    "f:3:12: warning: ':id' is taken as it stands; a parameter is written {id}\n"
                    "f:4:12: warning: ':id' is taken as it stands; a parameter is written {id}\n");
}

Test(config_meant, a_method_beside_a_common_one_is_a_warning)
{
    EXPECT_WARNINGS(SERVICE "routes:\n"
                            "  - {path: /a, service: s, method: [get, POTS, PURGE, LIST, MOVE]}\n",
                    "f:3:42: warning: 'POTS' is no method of HTTP's own (did you mean 'POST'?)\n");
}

Test(config_meant, a_parameter_that_the_path_does_not_have_is_an_error)
{
    EXPECT(SERVICE "routes:\n"
                   "  - path: /{version}/users/{id}/*\n"
                   "    calls:\n"
                   "      a: {service: s, get: \"/a/${request.path.id}/${request.path.idd}\"}\n"
                   "    answer: {v: $request.path.version, x: $request.path.user ?? 1, a: $a.body}\n",
           "f:5:53: path '/{version}/users/{id}/*' has no '{idd}'\n"
           "f:6:44: path '/{version}/users/{id}/*' has no '{user}'\n");
    EXPECT(SERVICE "routes:\n"
                   "  - {path: /a, service: s, transform: {query: {set: {t: \"${request.path.t}\"}}}}\n",
           "f:3:60: path '/a' has no '{t}'\n");
}

Test(config_meant, a_forgotten_dollar_is_a_warning)
{
    EXPECT_WARNINGS(SERVICE "routes:\n"
                            "  - path: /a\n"
                            "    calls:\n"
                            "      a: {service: s, post: /a, body: {q: request.body.query, x: \"request.body\"}}\n"
                            "    answer:\n"
                            "      a: $a.body\n"
                            "      b: a.body[0]\n"
                            "      c: [a.body.b, a.bodyguard, a.b, b.body, request.]\n",
                    "f:5:43: warning: 'request.body.query' is a text as it stands; a reference begins with '$'\n"
                    "f:8:10: warning: 'a.body[0]' is a text as it stands; a reference begins with '$'\n"
                    "f:9:11: warning: 'a.body.b' is a text as it stands; a reference begins with '$'\n");
}

Test(config_meant, a_wrong_threshold_of_a_breaker_is_told_once)
{
    EXPECT("services:\n"
           "  s: {instances: \"http://127.0.0.1:1\", breaker: {failures: five}}\n"
           "  t: {instances: \"http://127.0.0.1:1\", breaker: {failures: 0, ratio: half}}\n"
           "routes: [{path: /a, service: s}]\n",
           "f:2:60: 'failures' takes a whole number from 0 to 1000000, not 'five'\n"
           "f:3:70: 'ratio' takes a share such as 50% or 2.5% from 0% to 100%, not 'half'\n");
}

Test(config_meant, a_version_that_has_ended_is_a_warning)
{
    EXPECT_WARNINGS(SERVICE
                    "routes:\n"
                    "  - {path: /a, service: s, versions: {by: query, list: {1: {sunset: 2021-03-04}, 2: {sunset: "
                    "2121-03-04}}}}\n",
                    "f:3:69: warning: version '1' ended on 2021-03-04: all its requests are answered 410\n");
}

Test(config_meant, a_body_where_none_is_looked_at_is_a_warning)
{
    EXPECT_WARNINGS(
        SERVICE "routes:\n"
                "  - path: /a\n"
                "    calls:\n"
                "      c: {service: s, get: /x, body: {a: 1}}\n"
                "      d: {service: s, head: /x, required: true, body: [1]}\n"
                "      e: {service: s, delete: /x, required: true, body: {a: 1}}\n"
                "    answer: {c: $c.body}\n",
        "f:5:38: warning: a service need not look at the body of a GET: use 'query', or 'post' instead of 'get'\n"
        "f:6:55: warning: a service need not look at the body of a HEAD: use 'query', or 'post' instead of "
        "'head'\n");
}

Test(config_meant, the_body_of_a_request_that_has_none_is_a_warning)
{
    EXPECT_WARNINGS(SERVICE
                    "routes:\n"
                    "  - path: /a\n"
                    "    method: GET\n"
                    "    calls:\n"
                    "      c: {service: s, post: /x, body: {q: $request.query.q, b: $request.body.b}}\n"
                    "    answer: {c: $c.body}\n"
                    "  - {path: /b, method: [HEAD, GET], calls: {c: {service: s, get: \"/${request.body.id}\"}}, "
                    "answer: $c.body}\n"
                    "  - {path: /c, method: [GET, POST], calls: {c: {service: s, get: \"/${request.body.id}\"}}, "
                    "answer: $c.body}\n"
                    "  - {path: /d, calls: {c: {service: s, get: \"/${request.body.id}\"}}, answer: $c.body}\n",
                    "f:6:64: warning: no method of this route has a body: $request.body is never there\n"
                    "f:8:68: warning: no method of this route has a body: $request.body is never there\n");
}

Test(config_meant, a_body_larger_than_all_together_is_a_warning)
{
    EXPECT_WARNINGS("limits: {bodies: 1MiB}\n" SERVICE "routes: [{path: /a, service: s}]\n",
                    "f:1:18: warning: a body of 10MiB is never taken: all bodies together have 1MiB of memory "
                    "(limits.bodies)\n");
    EXPECT_WARNINGS("limits: {body: 64KiB}\n" SERVICE "routes: [{path: /a, service: s, body: 1GiB}]\n",
                    "f:3:39: warning: a body of 1GiB is never taken: all bodies together have 256MiB of memory "
                    "(limits.bodies)\n");
}

#define REDIS_FORMS "'url' takes embedded, redis://[user[:password]@]host[:port][/database] or unix:///path[?db=N]"

Test(config_meant, a_redis_that_is_nearly_a_form_is_led_to_it)
{
    EXPECT("redis: embeded\n" SERVICE "routes: [{path: /a, service: s}]\n",
           "f:1:8: " REDIS_FORMS " (did you mean 'embedded'?)\n");
    EXPECT("redis: \"redsi://u:secret@h\"\n" SERVICE "routes: [{path: /a, service: s}]\n",
           "f:1:8: " REDIS_FORMS " (did you mean 'redis://'?)\n");
    EXPECT("redis: {url: \"rediss://h\"}\n" SERVICE "routes: [{path: /a, service: s}]\n", "f:1:14: " REDIS_FORMS "\n");
    EXPECT("redis: \"http://h\"\n" SERVICE "routes: [{path: /a, service: s}]\n", "f:1:8: " REDIS_FORMS "\n");
}
