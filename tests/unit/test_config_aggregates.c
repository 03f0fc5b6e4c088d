/* config_aggregates: routes made of calls: what is read, and each mistake in the exact words that it is told with. */
#include "config_expect.h"

#define HEAD                                                                                                           \
    "services: {s: {instances: \"http://h:1\"}, t: {instances: \"http://h:2\"}}\n"                                     \
    "routes:\n"

static bool is_text(h2o_iovec_t bytes, const char *text)
{
    return sl_bytes_equal(bytes, sl_bytes_of(text));
}

/* As the specification writes it: nothing quoted inside {}. */
Test(config_aggregates, the_worked_example_is_read_as_written)
{
    sl_config_t *config = read_well(SL_LIT(
        "services:\n"
        "  search:   {instances: [\"http://127.0.0.1:8001\"], breaker: {failures: 5, recovery: 30s, probes: 1}}\n"
        "  research: {instances: [\"http://127.0.0.1:8003\"], breaker: {failures: 5, recovery: 30s, probes: 1}}\n"
        "routes:\n"
        "  - path: /api/v1/aggregated\n"
        "    method: POST\n"
        "    calls:\n"
        "      search:   {service: search,   post: /api/v1/search,   body: {query: $request.body.query, num_results: "
        "10}}\n"
        "      research: {service: research, post: /api/v1/research, body: {query: $request.body.query}}\n"
        "    answer: {search_results: $search.body.results ?? [], research: $research.body.results ?? []}\n"));

    const sl_route_t *route = &config->routes[0];
    const sl_aggregate_t *aggregate = route->aggregate;
    cr_assert_not_null(aggregate);
    cr_expect_null(route->service);
    cr_expect(is_text(aggregate->written,
                      "{\"search_results\":\"$search.body.results ?? []\",\"research\":\"$research.body.results ?? "
                      "[]\"}"));
    cr_expect_eq(aggregate->timeout_ms, 10000);
    cr_expect_eq(aggregate->bytes_max, 1 << 20);
    cr_expect(aggregate->meta);
    cr_assert_eq(aggregate->call_count, 2);
    const sl_call_plan_t *search = &aggregate->calls[0];
    cr_expect_str_eq(search->name, "search");
    cr_expect_str_eq(search->service->name, "search");
    cr_expect(is_text(search->method, "POST"));
    cr_expect(is_text(search->written.path, "/api/v1/search"));
    cr_expect(is_text(search->written.body, "{\"query\":\"$request.body.query\",\"num_results\":10}"));
    cr_expect(search->body != NULL && search->path != NULL && search->when == NULL && search->for_each == NULL);
    cr_expect_eq(search->need_count, 0);
    cr_expect_eq(search->timeout_ms, 10000, "bounded by that of the route");
    cr_expect_eq(search->retries, 1);
    cr_expect(!search->is_required && search->cost == 0 && search->default_json.len == 0);
    expect_round_trip(config);
    sl_config_release(config);
}

Test(config_aggregates, calls_stand_behind_those_they_need)
{
    sl_config_t *config =
        read_well(SL_LIT(HEAD "  - path: /a\n"
                              "    calls:\n"
                              "      d: {service: s, post: '/d/${b.body.id}', body: [$c.body, $b.status]}\n"
                              "      c: {service: t, put: /c, when: $a.body.x, query: {q: '$b.body.y'}}\n"
                              "      a: {service: s, get: /a}\n"
                              "      b: {service: s, head: /b, headers: {X: 'v-${a.body}'}}\n"
                              "    answer: $d.body\n"));
    static const char *const order[] = {"a", "b", "c", "d"};
    static const size_t needs[][2] = {{0}, {0}, {0, 1}, {1, 2}}, counts[] = {0, 1, 2, 2};

    const sl_aggregate_t *aggregate = config->routes[0].aggregate;
    for (size_t i = 0; i < 4; ++i) {
        const sl_call_plan_t *call = &aggregate->calls[i];
        cr_expect_str_eq(call->name, order[i]);
        cr_assert_eq(call->need_count, counts[i], "%s", call->name);
        for (size_t j = 0; j < call->need_count; ++j)
            cr_expect_eq(call->needs[j], needs[i][j], "%s", call->name);
    }
    cr_expect(is_text(aggregate->calls[2].method, "PUT"));
    cr_expect(is_text(aggregate->calls[1].headers[0].written, "v-${a.body}"));
    expect_round_trip(config);
    sl_config_release(config);
}

Test(config_aggregates, plain_values_become_json_as_yaml_says_and_numbers_keep_their_text)
{
    sl_config_t *config = read_well(
        SL_LIT(HEAD "  - path: /a\n"
                    "    calls: {a: {service: s, get: /a, default: {x: [1.50, 1e400, -0, 12345678901234567890, yes, "
                    "'1', \"2\", ~, null, True, FALSE, 1_0, 0x, '', é, 2027-01-31]}}}\n"
                    "    answer: {n: 0.10, \"q\\\"\": \"a\\\\b\\n\", e: , z: $a.body}\n"));

    const sl_aggregate_t *aggregate = config->routes[0].aggregate;
    cr_expect(is_text(aggregate->calls[0].default_json,
                      "{\"x\":[1.50,1e400,-0,12345678901234567890,\"yes\",\"1\",\"2\",null,null,true,false,\"1_0\","
                      "\"0x\",\"\",\"é\",\"2027-01-31\"]}"),
              "%s", aggregate->calls[0].default_json.base);
    cr_expect(is_text(aggregate->written, "{\"n\":0.10,\"q\\\"\":\"a\\\\b\\n\",\"e\":null,\"z\":\"$a.body\"}"), "%s",
              aggregate->written.base);
    expect_round_trip(config);
    sl_config_release(config);
}

Test(config_aggregates, numbers_that_json_does_not_have_are_refused)
{
    static const char *const numbers[] = {"0x1F", "0o17", "+1", "007", ".5", "1.", ".inf", "-.INF", ".nan", "+1e3"};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); ++i) {
        sl_text_t yaml = {0}, expected = {0};
        sl_text_format(&yaml, "%s  - {path: /a, calls: {a: {service: s, get: /a}}, answer: [$a.body, %s]}\n", HEAD,
                       numbers[i]);
        sl_text_format(&expected,
                       "f:3:69: '%s' is a number in YAML but none in JSON: write it in plain decimals, or in quotes "
                       "for a text\n",
                       numbers[i]);
        expect_errors(sl_bytes(yaml.base, yaml.size), expected.base);
        sl_text_dispose(&yaml);
        sl_text_dispose(&expected);
    }
}

Test(config_aggregates, references_need_no_quotes_inside_braces)
{
    sl_config_t *config = read_well(
        SL_LIT(HEAD "  - path: /a/{id}\n"
                    "    calls: {a: {service: s, get: /a/${request.path.id}/b, query: {q: $request.query.q}}}\n"
                    "    answer: {x: $a.body.list[0].y ?? {\"k\": [1, \"}\"]}, y: [$a.body['odd name'], "
                    "$a.status ?? $request.id ?? \"none\"], z: \"# {${a.status}} [\"} # $a.body[0]\n"));

    const sl_aggregate_t *aggregate = config->routes[0].aggregate;
    cr_expect(is_text(aggregate->calls[0].written.path, "/a/${request.path.id}/b"));
    cr_expect(is_text(aggregate->written,
                      "{\"x\":\"$a.body.list[0].y ?? {\\\"k\\\": [1, \\\"}\\\"]}\",\"y\":[\"$a.body['odd name']\","
                      "\"$a.status ?? $request.id ?? \\\"none\\\"\"],\"z\":\"# {${a.status}} [\"}"),
              "%s", aggregate->written.base);
    expect_round_trip(config);
    sl_config_release(config);
}

Test(config_aggregates, for_each_and_shapes_are_read)
{
    sl_config_t *config = read_well(SL_LIT(
        HEAD
        "  - path: /dash/*\n"
        "    calls:\n"
        "      part: {service: t, get: '/parts/${item.id}', for_each: $list.body.parts, query: {i: $index},\n"
        "             concurrency: 8, for_each_max: 20, default: [], cost: 2}\n"
        "      list: {service: s, get: /list, required: true, timeout: 2s, retries: 0}\n"
        "    answer: {items: $part.body}\n"
        "    timeout: 3s\n"
        "    bytes: 2MiB\n"
        "    meta: false\n"
        "    shapes:\n"
        "      mobile: {path: /mobile, header: {X-Client: mobile}, hint: mobile, select: [items], limit: {items: "
        "3},\n"
        "               rename: {items: i}, drop: 'items[*].x', flatten: a, edit: [{set: a.b, value: $list.status}]}\n"
        "      web: {host: WWW.example, answer: {all: $part.body}}\n"));

    const sl_route_t *route = &config->routes[0];
    const sl_call_plan_t *part = &route->aggregate->calls[1];
    cr_expect_str_eq(part->name, "part");
    cr_expect(part->for_each != NULL && part->concurrency == 8 && part->for_each_max == 20 && part->cost == 2);
    cr_expect(is_text(part->default_json, "[]"));
    cr_expect(is_text(part->written.for_each, "\"$list.body.parts\""));
    cr_expect_eq(part->timeout_ms, 3000);
    cr_expect(route->aggregate->calls[0].is_required && route->aggregate->calls[0].retries == 0);
    cr_expect(!route->aggregate->meta && route->aggregate->bytes_max == 2 << 20);
    cr_assert_eq(route->shape_count, 2);
    const sl_shape_t *mobile = &route->shapes[0], *web = &route->shapes[1];
    static const sl_edit_kind_t kinds[] = {SL_EDIT_KEEP,    SL_EDIT_REMOVE, SL_EDIT_RENAME,
                                           SL_EDIT_FLATTEN, SL_EDIT_LIMIT,  SL_EDIT_SET};
    cr_assert_eq(mobile->edit_count, 6);
    for (size_t i = 0; i < 6; ++i)
        cr_expect_eq(mobile->edits[i].kind, kinds[i]);
    cr_expect(is_text(mobile->path_suffix, "/mobile") && is_text(mobile->header_name, "x-client"));
    cr_expect(is_text(mobile->header_value, "mobile") && mobile->by_client_hint_mobile && mobile->answer == NULL);
    cr_expect(is_text(web->host, "www.example") && web->answer != NULL && web->edit_count == 0);
    expect_round_trip(config);
    sl_config_release(config);
}

/* --- mistakes --- */

Test(config_aggregates, a_circle_of_calls_is_named_whole)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a, body: $b.body}\n"
                "      b: {service: s, get: /b, body: $a.body}\n"
                "    answer: {x: $a.body}\n",
           "f:5:7: calls need each other in a circle: a -> b -> a\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      x: {service: s, get: /x}\n"
                "      a: {service: s, get: /a, when: $c.body}\n"
                "      b: {service: s, get: '/b/${a.body.id}'}\n"
                "      c: {service: s, get: /c, query: {q: $b.status}}\n"
                "    answer: {x: $a.body, y: $x.body}\n",
           "f:6:7: calls need each other in a circle: a -> c -> b -> a\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a, headers: {X: $a.body}}\n"
                "    answer: {x: $a.body}\n",
           "f:5:7: call 'a' needs its own answer\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a, body: $b.body}\n"
                "      b: {service: s, get: /b, body: $a.body}\n"
                "      c: {service: s, get: /a, body: $d.body}\n"
                "      d: {service: s, get: /b, body: $c.body}\n"
                "    answer: {x: $a.body, y: $c.body}\n",
           "f:5:7: calls need each other in a circle: a -> b -> a\n"
           "f:7:7: calls need each other in a circle: c -> d -> c\n");
}

Test(config_aggregates, a_reference_to_nothing_gets_the_nearest_name)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: $b.body.c, y: [1, $seerch.body]}\n",
           "f:6:18: there is no call 'b'\n"
           "f:6:36: there is no call 'seerch'\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      search: {service: s, get: /a}\n"
                "    answer: {x: $serch.body.c, y: $search.body}\n",
           "f:6:18: there is no call 'serch' (did you mean 'search'?)\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      search: {service: s, get: '/a/x-${serch.body.id}/b'}\n"
                "    answer: $search.body\n",
           "f:5:41: there is no call 'serch' (did you mean 'search'?)\n");
}

Test(config_aggregates, a_bad_template_is_told_at_its_place)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      search: {service: s, get: /a}\n"
                "    answer: {x: \"é $search\", y: \"n ${searh.body} x\"}\n",
           "f:6:20: 'answer': in text a reference is written ${...} and a dollar sign $$\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: $a..b}\n",
           "f:6:20: 'answer': the answer of a call has status, headers, body\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: \"${a.body\"}\n",
           "f:6:26: 'answer': a closing brace is missing behind a reference\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: \"$a.body ?? {\"}\n",
           "f:6:30: 'answer': a default is JSON or another reference, not '{'\n");
}

Test(config_aggregates, an_element_is_known_inside_its_call_only)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: $item.id, y: $a.body}\n",
           "f:6:18: '$item' is known inside a call with 'for_each' only\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a, for_each: $item.x}\n"
                "    answer: {x: $a.body}\n",
           "f:5:43: '$item' is known inside a call with 'for_each' only\n");
}

Test(config_aggregates, members_that_collide_are_told)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {id: 1, \"id?\": $a.body}\n",
           "f:6:21: 'answer': this name stands in the object already\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a, default: {name: x, id: 1}}\n"
                "    answer: {name: $a.status, \"...\": $a.body}\n",
           "f:6:38: 'name' stands in this object twice: the default of call 'a' has it too\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a, default: {name: x, id: 1}}\n"
                "    answer: {z: {\"...\": $a.body, id: 2}}\n",
           "f:6:34: 'id' stands in this object twice: the default of call 'a' has it too\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {n: 1, \"...\": \"$a.body ?? {\\\"n\\\": 2}\"}\n",
           "f:6:27: 'n' stands in this object twice: what stands behind ?? has it too\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a, default: {id: 1}}\n"
                "      b: {service: s, get: /a, default: {id: 1}}\n"
                "    answer: {\"...\": [$a.body, $b.body]}\n",
           "f:7:31: 'id' stands in this object twice: the default of call 'b' has it too\n");
}

Test(config_aggregates, elements_cost_unless_the_file_says_that_they_are_free)
{
    sl_config_t *config = read_well(SL_LIT(HEAD "  - path: /a\n"
                                                "    calls:\n"
                                                "      one: {service: s, get: /a}\n"
                                                "      each: {service: s, get: /b, for_each: $one.body}\n"
                                                "      free: {service: s, get: /c, for_each: $one.body, cost: 0}\n"
                                                "    answer: [$each.body, $free.body]\n"));

    const sl_call_plan_t *calls = config->routes[0].aggregate->calls;
    cr_expect(calls[0].cost == 0 && calls[1].cost == 1 && calls[2].cost == 0);
    expect_round_trip(config);
    sl_config_release(config);
}

Test(config_aggregates, for_each_takes_a_reference)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a, for_each: [1, 2]}\n"
                "    answer: {x: $a.body}\n",
           "f:5:42: 'for_each' takes a reference such as $search.body.items, not a list\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a, for_each: 'x $request.body.a'}\n"
                "    answer: {x: $a.body}\n",
           "f:5:42: 'for_each' takes a reference such as $search.body.items, not 'x $request.body.a'\n");
}

Test(config_aggregates, a_route_forwards_or_asks)
{
    EXPECT(HEAD "  - path: /a\n"
                "    service: s\n"
                "    timeouts: {total: 1s}\n"
                "    fallback: {service: t}\n"
                "    calls: {a: {service: s, get: /a}}\n"
                "    answer: $a.body\n",
           "f:4:14: 'service' cannot stand beside 'calls': a route forwards to one service, or asks several\n"
           "f:5:15: 'timeouts' cannot stand beside 'calls': a route forwards to one service, or asks several\n"
           "f:6:15: 'fallback' cannot stand beside 'calls': a route forwards to one service, or asks several\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: $a.body}\n"
                "    versions: {by: query, list: {1: {service: t}}}\n",
           "f:7:47: a version of a route with 'calls' has no 'service' of its own: make it a route of its own\n");
}

Test(config_aggregates, calls_need_an_answer_and_an_answer_needs_calls)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n",
           "f:5:7: a route with 'calls' needs 'answer': what is made of what they bring\n");
    EXPECT(HEAD "  - {path: /a, service: s, answer: {}, timeout: 1s, bytes: 1MiB, meta: false}\n",
           "f:3:36: 'answer' stands beside 'calls' only\n"
           "f:3:49: 'timeout' stands beside 'calls' only\n"
           "f:3:60: 'bytes' stands beside 'calls' only\n"
           "f:3:72: 'meta' stands beside 'calls' only\n");
    EXPECT(HEAD "  - {path: /a, service: s, shapes: {m: {hint: mobile}}}\n",
           "f:3:36: 'shapes' stands beside 'calls' only\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      {}\n"
                "    answer: {x: $a.body}\n",
           "f:5:7: 'calls' takes at least one call\n");
}

Test(config_aggregates, a_call_needs_a_service_and_one_method)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: u, get: /a}\n"
                "    answer: {x: $a.body}\n",
           "f:5:20: there is no service 'u'\n");
    EXPECT(
        HEAD "  - path: /a\n"
             "    calls:\n"
             "      a: {service: s}\n"
             "      b: {service: s, get: /a, post: /b}\n"
             "      c: {service: s, get: a}\n"
             "      d: {service: s, get: '/a?b=1'}\n"
             "      e: x\n"
             "      f: {service: s, gett: /a}\n"
             "    answer: {x: $a.body}\n",
        "f:5:10: a call needs one of 'get', 'post', 'put', 'patch', 'delete' and 'head' with the path that it asks "
        "for\n"
        "f:6:38: a call has one method, and 'GET' is given already\n"
        "f:7:28: 'get' takes a path such as /items/${request.path.id}, without '?' ('query' has parameters), not 'a'\n"
        "f:8:28: 'get' takes a path such as /items/${request.path.id}, without '?' ('query' has parameters), not "
        "'/a?b=1'\n"
        "f:9:10: call 'e' takes a mapping with 'service' and a method\n"
        "f:10:10: a call needs one of 'get', 'post', 'put', 'patch', 'delete' and 'head' with the path that it asks "
        "for\n"
        "f:10:23: a call has no setting 'gett' (did you mean 'get'?)\n");
}

Test(config_aggregates, names_of_calls_can_be_referred_to)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "      1b: {service: s, get: /a}\n"
                "      item: {service: s, get: /b}\n"
                "    answer: {x: $a.body}\n",
           "f:6:7: 'calls' takes names of up to 64 letters, digits and '_' that do not begin with a digit, not '1b'\n"
           "f:7:7: a call cannot be named 'item': $item means something else\n");
}

Test(config_aggregates, settings_of_a_call_are_bounded)
{
    EXPECT(
        HEAD
        "  - path: /a\n"
        "    calls:\n"
        "      a: {service: s, get: /a, concurrency: 2, timeout: 0, cost: -1, headers: {Host: x, B: [a]}, query: [a]}\n"
        "    answer: {x: $a.body}\n",
        "f:5:45: 'concurrency' stands beside 'for_each' only\n"
        "f:5:57: 'timeout' takes a duration such as 250ms, 1s or 5m from 1ms to 7d, not '0'\n"
        "f:5:66: 'cost' takes a whole number from 0 to 1000000, not '-1'\n"
        "f:5:80: 'headers' takes no field that frames the message or belongs to one connection (for Host there is "
        "'host_header'), not 'Host'\n"
        "f:5:92: 'headers' takes a value for each name, not a list\n"
        "f:5:105: 'query' takes a mapping of names to values, not a list\n");
}

Test(config_aggregates, a_shape_is_chosen_by_something)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: $a.body}\n"
                "    shapes: {m: {drop: x}}\n",
           "f:7:17: nothing chooses this shape: it needs 'path', 'header', 'host' or 'hint'\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: $a.body}\n"
                "    shapes: {m: {path: /mobile, drop: x}}\n",
           "f:7:24: no path of the route '/a' ends with '/mobile': end it with /*\n");
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: $a.body}\n"
                "    host: a.example\n"
                "    shapes: {m: {host: m.example}}\n",
           "f:8:24: the route does not take host 'm.example'\n");
    EXPECT(
        HEAD "  - path: /a\n"
             "    calls:\n"
             "      a: {service: s, get: /a}\n"
             "    answer: {x: $a.body}\n"
             "    shapes: {m: {header: [a]}, n: {header: {a: b, c: d}}, o: {hint: tablet}, p: {host: 'a:1'}}\n",
        "f:7:26: 'header' takes one header name with its value, such as {X-Client: mobile}, or * for any, not a list\n"
        "f:7:44: 'header' takes one header name with its value, such as {X-Client: mobile}, or * for any, not a "
        "mapping\n"
        "f:7:69: 'hint' takes none or mobile, not 'tablet'\n"
        "f:7:88: 'host' takes a host such as m.example, without port, not 'a:1'\n");
}

Test(config_aggregates, a_shape_changes_the_answer_or_has_its_own)
{
    EXPECT(HEAD "  - path: /a\n"
                "    calls:\n"
                "      a: {service: s, get: /a}\n"
                "    answer: {x: $a.body}\n"
                "    shapes: {m: {hint: mobile, drop: x, answer: {}}}\n",
           "f:7:49: a shape has an 'answer' of its own, or changes that of the route\n");
}

Test(config_aggregates, an_unused_call_is_a_warning)
{
    EXPECT_WARNINGS(HEAD "  - path: /a\n"
                         "    calls:\n"
                         "      a: {service: s, get: /a}\n"
                         "      b: {service: s, get: /b}\n"
                         "      c: {service: s, post: /c, required: true}\n"
                         "      d: {service: s, get: '/d/${b.body}'}\n"
                         "    answer: {x: $a.body}\n",
                    "f:6:7: warning: call 'b' is never made: no form of the answer needs it, and it is not required\n"
                    "f:8:7: warning: call 'd' is never made: no form of the answer needs it, and it is not required\n");
}

/* Bit i is the i-th call in the order of need, which is that of the file here. */
static void expect_calls(const char *shapes, uint64_t own, uint64_t first)
{
    sl_text_t text = {0};
    sl_text_put(&text, HEAD "  - path: /a\n"
                            "    calls:\n"
                            "      user: {service: s, get: /user}\n"
                            "      orders: {service: s, get: '/orders/${user.body.id}'}\n"
                            "      lines: {service: s, get: '/lines/${item}', for_each: $orders.body.ids}\n"
                            "      offers: {service: s, get: /offers, when: $user.body.wants}\n"
                            "      seen: {service: s, post: /seen}\n"
                            "      must: {service: s, get: /must, required: true}\n"
                            "    answer: {'...': [$user.body], list: {orders: $orders.body, lines?: $lines.body}, "
                            "all: ['...$offers.body', {x: $offers.body}]}\n"
                            "    shapes: {");
    sl_text_put(&text, shapes);
    sl_text_put(&text, "}\n");
    sl_config_t *config = read_well(sl_bytes(text.base, text.size));
    const sl_route_t *route = &config->routes[0];
    cr_expect_eq(route->aggregate->calls_needed, own, "%s: own %#lx", shapes, route->aggregate->calls_needed);
    cr_expect_eq(route->shapes[0].calls, first, "%s: %#lx, not %#lx", shapes, route->shapes[0].calls, first);
    sl_config_release(config);
    sl_text_dispose(&text);
}

Test(config_aggregates, a_form_needs_the_calls_that_it_shows)
{
    enum { USER = 1, ORDERS = 2, LINES = 4, OFFERS = 8, ANYWAY = 16 | 32, ALL = 63 };
    static const struct {
        const char *shape;
        uint64_t calls;
    } cases[] = {
        {"m: {hint: mobile, drop: list}", ANYWAY | USER | OFFERS},
        {"m: {hint: mobile, drop: list.lines}", ANYWAY | USER | ORDERS | OFFERS},
        {"m: {hint: mobile, drop: [list.lines, all]}", ANYWAY | USER | ORDERS},
        {"m: {hint: mobile, drop: 'all[*]'}", ANYWAY | USER | ORDERS | LINES},
        {"m: {hint: mobile, drop: 'all[*].x'}", ALL}, /* the spread may still be seen */
        {"m: {hint: mobile, drop: 'all[0]'}", ALL},   /* nobody knows how many elements stand in front */
        {"m: {hint: mobile, drop: ['list.orders.id', nothing]}", ALL},
        {"m: {hint: mobile, select: all}", ANYWAY | USER | OFFERS},
        {"m: {hint: mobile, select: 'all[1].x'}", ANYWAY | USER | OFFERS},
        {"m: {hint: mobile, select: [list.orders.id, name]}", ANYWAY | USER | ORDERS},
        {"m: {hint: mobile, select: list, drop: list.lines}", ANYWAY | USER | ORDERS},
        {"m: {hint: mobile, edit: [{remove: list.lines}, {move: all, to: b}, {remove: list}]}",
         ANYWAY | USER | ORDERS | OFFERS},
        {"m: {hint: mobile, edit: [{move: list.lines, to: b}, {remove: list}]}", ALL},
        {"m: {hint: mobile, drop: [list, all], edit: [{set: n, value: $orders.body.n}]}", ANYWAY | USER | ORDERS},
        {"m: {hint: mobile, limit: {all: 0}}", ALL},
        {"m: {hint: mobile, answer: {}}", ANYWAY},
        {"m: {hint: mobile, answer: {n: 'for ${offers.body.n}'}}", ANYWAY | USER | OFFERS},
    };
    for (size_t i = 0; i != sizeof(cases) / sizeof(*cases); ++i)
        expect_calls(cases[i].shape, ALL, cases[i].calls);
}

Test(config_aggregates, a_call_that_some_shape_shows_is_made)
{
    EXPECT_WARNINGS(HEAD "  - path: /a\n"
                         "    calls:\n"
                         "      a: {service: s, get: /a}\n"
                         "      b: {service: s, get: /b}\n"
                         "      c: {service: s, delete: /c}\n"
                         "      d: {service: s, get: /d}\n"
                         "    answer: {x: $a.body}\n"
                         "    shapes: {m: {hint: mobile, answer: {y: $b.body}}}\n",
                    "f:8:7: warning: call 'd' is never made: no form of the answer needs it, and it is not required\n");
}

Test(config_aggregates, a_shape_behind_another_is_a_warning)
{
    EXPECT_WARNINGS(HEAD "  - path: /a\n"
                         "    calls:\n"
                         "      a: {service: s, get: /a}\n"
                         "    answer: {x: $a.body}\n"
                         "    shapes: {m: {header: {X-C: '*'}}, w: {header: {x-c: web}}, v: {hint: mobile}}\n",
                    "f:7:39: warning: shape 'w' is never chosen: the shapes before it take all its requests\n");
}

Test(config_aggregates, a_limit_that_cannot_be_met_is_a_warning)
{
    EXPECT_WARNINGS(
        "keys: {limit: 5/1s}\n"
        "services: {s: {instances: \"http://h:1\"}, t: {instances: \"http://h:2\"}}\n"
        "routes:\n"
        "  - {path: /a, service: s, cost: 6}\n"
        "  - {path: /b, calls: {a: {service: s, get: /a, cost: 5}}, answer: $a.body}\n"
        "  - {path: /c, service: s, cost: 5}\n",
        "f:4:34: warning: a request takes 6 units, and keys without a burst of their own never have more than 5\n"
        "f:5:5: warning: a request takes 6 units, and keys without a burst of their own never have more than 5\n");
}

Test(config_aggregates, a_timeout_beyond_the_whole_is_a_warning)
{
    EXPECT_WARNINGS(HEAD "  - path: /a\n"
                         "    calls:\n"
                         "      a: {service: s, get: /a, timeout: 20s}\n"
                         "    answer: {x: $a.body}\n",
                    "f:5:41: warning: the 'timeout' of the route ends call 'a' before its own does\n");
}
