/* config_versions: transformations and versions of routes: what is read, and each mistake in the exact words that it is
 * told with. */
#include "config_expect.h"

#define HEAD                                                                                                           \
    "services: {s: {instances: \"http://h:1\"}, t: {instances: \"http://h:2\"}}\n"                                     \
    "routes:\n"

static bool is_text(h2o_iovec_t bytes, const char *text)
{
    return sl_bytes_equal(bytes, sl_bytes_of(text));
}

Test(config_versions, a_transformation_is_read)
{
    sl_config_t *config = read_well(SL_LIT(
        HEAD
        "  - path: /a\n"
        "    service: s\n"
        "    transform:\n"
        "      request: [{rename: a.b, to: c}, {remove: [x, 'y[*].z']}, {set: q, value: [$request.query.q, 1]},\n"
        "                {default: d, value: ~}, {move: a, to: b.c}, {keep: [a, b], of: o}, {limit: l, count: 2}]\n"
        "      response: [{wrap: '', in: data}, {unwrap: data}, {unwrap: d, at: e}, {flatten: f}]\n"
        "      query: {set: {k: 'v-${request.id}'}, add: {n: 1}, remove: x y, rename: {old: new}}\n"
        "      form: to_json\n"
        "      messagepack: on\n"
        "      bytes: 2MiB\n"));
    static const sl_edit_kind_t kinds[] = {SL_EDIT_RENAME,  SL_EDIT_REMOVE, SL_EDIT_REMOVE, SL_EDIT_SET,
                                           SL_EDIT_DEFAULT, SL_EDIT_MOVE,   SL_EDIT_KEEP,   SL_EDIT_LIMIT};

    const sl_transform_t *transform = config->routes[0].transform;
    cr_assert_not_null(transform);
    cr_assert_eq(transform->request_edit_count, 8);
    for (size_t i = 0; i < 8; ++i)
        cr_expect_eq(transform->request_edits[i].kind, kinds[i]);
    cr_expect(is_text(transform->request_edits[0].name, "c"));
    cr_expect(transform->request_edits[5].to != NULL && transform->request_edits[6].path_count == 2);
    cr_expect_eq(transform->request_edits[7].count, 2);
    cr_expect_eq(transform->response_edit_count, 4);
    cr_expect(is_text(transform->response_edits[0].name, "data") && transform->response_edits[1].to == NULL);
    cr_assert(transform->query.set_count == 1 && transform->query.add_count == 1);
    cr_assert(transform->query.remove_count == 2 && transform->query.rename_count == 1);
    cr_expect(is_text(transform->query.set[0].written, "v-${request.id}") &&
              is_text(transform->query.add[0].name, "n"));
    cr_expect(is_text(transform->query.rename[0].from, "old") && is_text(transform->query.rename[0].to, "new"));
    cr_expect(transform->form_to_json && transform->json_to_service && transform->bytes_max == 2 << 20);
    expect_round_trip(config);
    sl_config_release(config);
}

Test(config_versions, versions_have_lives)
{
    sl_config_t *config = read_well(SL_LIT(
        HEAD
        "  - path: '/v/{version}/a'\n"
        "    service: s\n"
        "    versions:\n"
        "      by: path\n"
        "      segment: cut\n"
        "      list:\n"
        "        1:\n"
        "          service: t\n"
        "          transform: {response: [{keep: [a, b]}]}\n"
        "          deprecated: 2026-01-31\n"
        "          sunset: 2097-01-31T12:30:15.5+01:00\n"
        "          successor: /v/2/a\n"
        "          documentation: https://example/v1\n"
        "          brownouts: [{from: 1796083200, to: 2026-12-02, share: 2.5%}, {from: 2026-12-05, to: 2026-12-06}]\n"
        "        2:\n"));

    const sl_versions_t *versions = config->routes[0].versions;
    cr_assert(versions != NULL && versions->count == 2);
    cr_expect(versions->by == SL_VERSION_BY_PATH && is_text(versions->name, "version") && versions->initial == NULL);
    const sl_version_t *one = &versions->list[0];
    cr_expect_str_eq(one->name, "1");
    cr_expect_str_eq(one->service->name, "t");
    cr_expect_eq(one->transform->response_edit_count, 1);
    cr_expect_eq(one->life.deprecated_s, 1769817600);
    cr_expect_eq(one->life.sunset_s, 4010470215);
    cr_expect(is_text(one->life.successor, "/v/2/a") && is_text(one->life.documentation, "https://example/v1"));
    cr_assert_eq(one->life.brownout_count, 2);
    cr_expect_eq(one->life.brownouts[0].begin_s, 1796083200);
    cr_expect_eq(one->life.brownouts[0].end_s, 1796169600);
    cr_expect_eq(one->life.brownouts[0].share_permille, 25);
    cr_expect_eq(one->life.brownouts[1].share_permille, 1000);
    cr_expect(versions->list[1].service == NULL && versions->list[1].transform == NULL);
    expect_round_trip(config);
    sl_config_release(config);
}

Test(config_versions, names_have_their_usual_defaults)
{
    static const char *const by[] = {"header", "query", "media_type"}, *const names[] = {"API-Version", "version",
                                                                                         "version"};
    for (size_t i = 0; i < 3; ++i) {
        sl_text_t yaml = {0};
        sl_text_format(&yaml, "%s  - {path: /a, service: s, versions: {by: %s, initial: b, list: {a: {}, b: {}}}}\n",
                       HEAD, by[i]);
        sl_config_t *config = read_well(sl_bytes(yaml.base, yaml.size));
        const sl_versions_t *versions = config->routes[0].versions;
        cr_expect(is_text(versions->name, names[i]));
        cr_expect_eq(versions->initial, &versions->list[1]);
        expect_round_trip(config);
        sl_config_release(config);
        sl_text_dispose(&yaml);
    }
}

/* --- mistakes --- */

Test(config_versions, transformations_know_the_request_only)
{
    EXPECT(HEAD "  - {path: /a, service: s, transform: {request: [{set: a, value: $requst.body}]}}\n",
           "f:3:67: there is no source 'requst' (did you mean 'request'?)\n");
    EXPECT(HEAD "  - {path: /a, service: s, transform: {query: {set: {a: $b.body}}}}\n",
           "f:3:58: there is no source 'b'\n");
}

Test(config_versions, each_operation_has_its_words)
{
    EXPECT(
        HEAD "  - {path: /a, service: s, transform: {request: [{move: 'a[*].b', to: 'c[*].d'}, {renam: a}, {rename: "
             "a}, {rename: a, to: b, x: 1}, {remove: a, to: b}, {set: [a, b], value: 1}, {limit: a, count: x}, "
             "{rename: 'a[', to: b}, x, {set: a, value: 0o7}], response: {a: b}}}\n",
        "f:3:71: 'to' must be the same as 'move' up to its last [*]\n"
        "f:3:83: there is no operation 'renam' (did you mean 'rename'?)\n"
        "f:3:94: 'rename' needs 'to' beside it\n"
        "f:3:126: 'rename' takes 'to' beside it, not 'x'\n"
        "f:3:145: 'remove' takes nothing beside it, not 'to'\n"
        "f:3:159: 'set' takes one path\n"
        "f:3:196: 'count' of 'limit' takes a whole number\n"
        "f:3:212: 'a[' is no path: brackets hold a number, a quoted name or *\n"
        "f:3:223: an operation is a mapping with one of rename, move, remove, set, default, wrap, unwrap, keep, "
        "flatten, limit\n"
        "f:3:242: '0o7' is a number in YAML but none in JSON: write it in plain decimals, or in quotes for a text\n"
        "f:3:259: 'response' takes a list of operations such as {rename: user.name, to: full_name}, not a mapping\n");
}

Test(config_versions, settings_of_a_transformation_are_bounded)
{
    EXPECT(HEAD "  - {path: /a, service: s, transform: {form: json, messagepack: maybe, bytes: 1}}\n",
           "f:3:46: 'form' takes keep or to_json, not 'json'\n"
           "f:3:65: 'messagepack' takes true or false, not 'maybe'\n"
           "f:3:79: 'bytes' takes a size such as 512, 64KiB or 10MiB from 1KiB to 1GiB, not '1'\n");
}

Test(config_versions, a_version_in_the_path_needs_its_segment)
{
    EXPECT(HEAD "  - {path: '/v/{vers}/a', service: s, versions: {by: path, list: {1: {}}}}\n",
           "f:3:49: the path tells the version, but '/v/{vers}/a' has no segment {version}\n");
}

Test(config_versions, a_version_ends_after_it_is_deprecated)
{
    EXPECT(
        HEAD
        "  - {path: /a, service: s, versions: {by: header, list: {1: {deprecated: 2027-02-01, sunset: 2027-01-31}}}}\n",
        "f:3:94: 'sunset' must not be before 'deprecated'\n");
}

Test(config_versions, an_unknown_initial_version_gets_the_nearest_name)
{
    EXPECT(HEAD "  - {path: /a, service: s, versions: {by: query, initial: v1, list: {v2: {}, v3: {}}}}\n",
           "f:3:59: there is no version 'v1' (did you mean 'v2'?)\n");
    EXPECT(HEAD "  - {path: /a, service: s, versions: {by: query, initial: nothing, list: {v2: {}, v3: {}}}}\n",
           "f:3:59: there is no version 'nothing'\n");
}

Test(config_versions, a_set_of_versions_is_whole)
{
    EXPECT(HEAD "  - {path: /a, service: s, versions: {by: cookie, list: {}}}\n",
           "f:3:43: 'by' takes path, header, query or media_type, not 'cookie'\n"
           "f:3:57: 'list' takes at least one version\n");
    EXPECT(HEAD "  - {path: /a, service: s, versions: {name: x}}\n",
           "f:3:38: a set of versions needs 'by': what tells the version of a request\n"
           "f:3:38: a set of versions needs 'list': the versions by name\n");
    EXPECT(HEAD "  - {path: /a, service: s, versions: {by: header, name: Host, list: {1: {successor: 'a b'}}}}\n",
           "f:3:57: 'name' takes no field that frames the message or belongs to one connection (for Host there is "
           "'host_header')\n"
           "f:3:85: 'successor' takes a URL, absolute or beginning with '/', not 'a b'\n");
    EXPECT(HEAD "  - {path: /a, service: s, versions: {by: query, list: {1: {service: u}}}}\n",
           "f:3:70: there is no service 'u'\n");
}

Test(config_versions, dates_are_days_that_exist)
{
    EXPECT(HEAD "  - {path: /a, service: s, versions: {by: query, list: {1: {deprecated: 2027-02-30, sunset: soon}, 2: "
                "{sunset: 2027-01-31T25:00:00Z}}}}\n",
           "f:3:73: 'deprecated' takes a date such as 2027-01-31 or 2027-01-31T12:00:00Z, or Unix seconds, not "
           "'2027-02-30'\n"
           "f:3:93: 'sunset' takes a date such as 2027-01-31 or 2027-01-31T12:00:00Z, or Unix seconds, not 'soon'\n"
           "f:3:112: 'sunset' takes a date such as 2027-01-31 or 2027-01-31T12:00:00Z, or Unix seconds, not "
           "'2027-01-31T25:00:00Z'\n");
}

Test(config_versions, a_brown_out_has_two_ends)
{
    EXPECT(HEAD "  - {path: /a, service: s, versions: {by: query, list: {1: {brownouts: [{from: 2027-01-02, to: "
                "2027-01-01}, {from: 2027-01-02}, x]}}}}\n",
           "f:3:73: a brown-out ends after it begins\n"
           "f:3:109: a brown-out needs 'to': when it ends\n"
           "f:3:129: a brown-out takes a mapping with 'from' and 'to'\n");
}

Test(config_versions, what_a_version_never_needs_is_a_warning)
{
    EXPECT_WARNINGS(HEAD "  - {path: '/v/{version}/a', service: s, versions: {by: path, initial: 1, list: {1: "
                         "{brownouts: [{from: 2097-02-02, to: 2097-03-01}], sunset: 2097-01-01}}}}\n",
                    "f:3:72: warning: 'initial' is never needed: a path without the version is not this route's\n"
                    "f:3:98: warning: this brown-out begins when the version is gone\n");
}
