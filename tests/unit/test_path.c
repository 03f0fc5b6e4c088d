/* One spelling for each path: what is resolved, what is decoded, what stays, what is refused. */
#include "sluice/path.h"
#include <criterion/criterion.h>
#include <stdint.h>

/* Big enough for what the cases below write. */
typedef struct normal_t {
    char text[512];
    size_t len;
    sl_path_error_t error;
} normal_t;

static normal_t normalise(h2o_iovec_t path)
{
    normal_t normal = {.len = 0};
    normal.error = sl_path_normalise(path, normal.text, &normal.len);
    normal.text[normal.len] = '\0';
    return normal;
}

static void expect_path(const char *path, const char *wanted)
{
    normal_t normal = normalise(sl_bytes_of(path));
    cr_expect_eq(normal.error, SL_PATH_OK, "'%s' was refused: %s", path, sl_path_error_text(normal.error));
    cr_expect_str_eq(normal.text, wanted, "'%s' became '%s', not '%s'", path, normal.text, wanted);
}

static void expect_refusal(h2o_iovec_t path, sl_path_error_t wanted)
{
    normal_t normal = normalise(path);
    cr_expect_eq(normal.error, wanted, "'%.*s': %s", (int)path.len, path.base, sl_path_error_text(normal.error));
}

Test(path, a_plain_path_stays_as_it_is)
{
    expect_path("/", "/");
    expect_path("/api/v1/search", "/api/v1/search");
    expect_path("/api/v1/search/", "/api/v1/search/");
    expect_path("/a-b.c_d~e/!$&'()*+,;=:@", "/a-b.c_d~e/!$&'()*+,;=:@");
    expect_path("/.well-known/x", "/.well-known/x");
    expect_path("/...", "/...");
    expect_path("/a../..b/.c", "/a../..b/.c");
}

Test(path, dot_segments_are_resolved)
{
    expect_path("/a/./b", "/a/b");
    expect_path("/a/../b", "/b");
    expect_path("/a/b/../../c", "/c");
    expect_path("/a/b/.", "/a/b/");
    expect_path("/a/b/..", "/a/");
    expect_path("/./a", "/a");
    expect_path("/.", "/");
    expect_path("/a/./../b/./c/..", "/b/");
}

Test(path, nothing_lies_above_the_root)
{
    expect_path("/..", "/");
    expect_path("/../", "/");
    expect_path("/../../../etc/passwd", "/etc/passwd");
    expect_path("/a/../../b", "/b");
    expect_path("/%2e%2e/%2E%2E/x", "/x");
}

Test(path, encoded_dots_are_dots_in_every_case_and_mix)
{
    static const char *const parents[] = {"..", ".%2e", ".%2E", "%2e.", "%2E.", "%2e%2e", "%2e%2E", "%2E%2e", "%2E%2E"};
    for (size_t i = 0; i != sizeof parents / sizeof parents[0]; ++i) {
        char path[64];
        snprintf(path, sizeof path, "/public/%s/admin", parents[i]);
        expect_path(path, "/admin");
        snprintf(path, sizeof path, "/public/x/%s", parents[i]);
        expect_path(path, "/public/");
    }
    expect_path("/a/%2e/b", "/a/b");
    expect_path("/a/%2E", "/a/");
}

Test(path, slashes_are_made_one_before_dots_are_resolved)
{
    expect_path("//", "/");
    expect_path("//a///b////", "/a/b/");
    expect_path("/a//../b", "/b");
    expect_path("/a/..//b", "/b");
    expect_path("/a/.//./b", "/a/b");
    expect_path("//..//a", "/a");
}

Test(path, escapes_of_unreserved_characters_are_decoded)
{
    expect_path("/%61%7A%41%5a%30%39%2D%2e%5F%7e", "/azAZ09-._~");
    expect_path("/%61pi/%76%31", "/api/v1");
}

Test(path, other_escapes_stay_with_digits_in_upper_case)
{
    expect_path("/a%2Fb", "/a%2Fb");
    expect_path("/a%2fb", "/a%2Fb");
    expect_path("/%3a%3B%40", "/%3A%3B%40");
    expect_path("/caf%c3%a9", "/caf%C3%A9");
    expect_path("/a%20b%23c%3fd", "/a%20b%23c%3Fd");
}

Test(path, an_encoded_percent_sign_is_decoded_by_nobody)
{
    expect_path("/%25", "/%25");
    expect_path("/a/%252e%252e/b", "/a/%252e%252e/b");
    expect_path("/%2525", "/%2525");
}

Test(path, what_may_not_stand_raw_is_encoded)
{
    expect_path("/<>\"{}|^`[] ?", "/%3C%3E%22%7B%7D%7C%5E%60%5B%5D%20%3F");
    expect_path("/a\\b", "/a%5Cb");
    expect_path("/caf\xc3\xa9", "/caf%C3%A9");
    expect_path("/\x80\xff", "/%80%FF");
}

Test(path, what_does_not_begin_with_a_slash_is_refused)
{
    static const char *const refused[] = {"", "*", "a/b", "http://h/p", "%2Fa", "."};
    for (size_t i = 0; i != sizeof refused / sizeof refused[0]; ++i)
        expect_refusal(sl_bytes_of(refused[i]), SL_PATH_NOT_ABSOLUTE);
}

Test(path, a_percent_sign_needs_two_hex_digits)
{
    static const char *const refused[] = {"/%",   "/a%",   "/%4",   "/%zz", "/%4g",
                                          "/%g4", "/%%41", "/% 41", "/%/a", "/a%2/b"};
    for (size_t i = 0; i != sizeof refused / sizeof refused[0]; ++i)
        expect_refusal(sl_bytes_of(refused[i]), SL_PATH_BAD_ESCAPE);
}

Test(path, no_control_character_gets_through_raw_or_encoded)
{
    char raw[4] = "/a?", encoded[8];
    for (int octet = 0; octet != 256; ++octet) {
        if (octet >= 0x20 && octet != 0x7f)
            continue;
        raw[2] = (char)octet;
        expect_refusal(sl_bytes(raw, 3), SL_PATH_CONTROL);
        snprintf(encoded, sizeof encoded, "/a%%%02x", (unsigned)octet);
        expect_refusal(sl_bytes_of(encoded), SL_PATH_CONTROL);
    }
    expect_refusal(SL_LIT("/a#b"), SL_PATH_CONTROL);
}

Test(path, dots_that_only_a_lenient_service_would_resolve_are_refused)
{
    static const char *const refused[] = {"/public/..;/admin",      "/public/..;x=1/admin",
                                          "/public/%2e%2e;/admin",  "/public/..%2Fadmin",
                                          "/public/..%2fadmin",     "/public/%2e%2E%2fadmin",
                                          "/public/..\\admin",      "/public/..%5cadmin",
                                          "/public/a%2F..%2Fadmin", "/public/a%2f..",
                                          "/public/.;/admin",       "/public/a%2F.%2Fb",
                                          "/public/a%5C%2e%2e",     "/..%2F"};
    for (size_t i = 0; i != sizeof refused / sizeof refused[0]; ++i)
        expect_refusal(sl_bytes_of(refused[i]), SL_PATH_HIDDEN_DOTS);
}

Test(path, encoded_slashes_and_semicolons_are_data_where_no_dots_hide)
{
    expect_path("/files/a%2Fb%2Fc.txt", "/files/a%2Fb%2Fc.txt");
    expect_path("/v;q=1..2;r=.5", "/v;q=1..2;r=.5");
    expect_path("/a..%2Fb..", "/a..%2Fb..");
    expect_path("/https%3A%2F%2Fh%2Fx", "/https%3A%2F%2Fh%2Fx");
    expect_path("/;/%2F", "/;/%2F");
}

Test(path, the_result_never_needs_more_than_three_times_the_room)
{
    char path[101], out[3 * sizeof path + 1];
    size_t len;
    path[0] = '/';
    memset(path + 1, 0xff, sizeof path - 1);

    cr_assert_eq(sl_path_normalise(sl_bytes(path, sizeof path), out, &len), SL_PATH_OK);

    cr_expect_eq(len, 1 + 3 * (sizeof path - 1));
}

Test(path, every_error_has_its_text)
{
    for (int error = SL_PATH_OK; error <= SL_PATH_HIDDEN_DOTS; ++error)
        cr_expect_gt(strlen(sl_path_error_text((sl_path_error_t)error)), 0);
}

/* --- properties over generated paths --- */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Pieces rather than bytes: every second path then has something to resolve or to decode. */
static size_t make_path(uint32_t *state, char *path)
{
    static const char *const pieces[] = {"/",   "/",   "//",  ".", "..",  "%2e", "%2E",  "a",    "B7",
                                         "%2F", "%2f", "%25", ";", "%41", "%c3", "\xe9", " ",    "{",
                                         "%5c", "\\",  "%3a", ":", "[",   "..;", "%20",  "%252e"};
    size_t len = 1, count = next_random(state) % 14;
    path[0] = '/';
    while (count-- != 0) {
        const char *piece = pieces[next_random(state) % (sizeof pieces / sizeof pieces[0])];
        memcpy(path + len, piece, strlen(piece));
        len += strlen(piece);
    }
    return len;
}

Test(path_property, a_normal_path_is_normal)
{
    uint32_t state = 20240607;
    size_t taken = 0;
    char path[128];
    for (size_t round = 0; round != 200000; ++round) {
        h2o_iovec_t input = sl_bytes(path, make_path(&state, path));
        normal_t once = normalise(input);
        if (once.error != SL_PATH_OK)
            continue;
        ++taken;
        normal_t twice = normalise(sl_bytes(once.text, once.len));
        cr_assert_eq(twice.error, SL_PATH_OK, "'%.*s' gave '%s', which was refused", (int)input.len, path, once.text);
        cr_assert_str_eq(twice.text, once.text, "'%.*s'", (int)input.len, path);
    }
    cr_expect_gt(taken, 50000);
}

Test(path_property, no_dot_segment_and_no_doubled_slash_is_left)
{
    uint32_t state = 7;
    char path[128];
    for (size_t round = 0; round != 200000; ++round) {
        h2o_iovec_t input = sl_bytes(path, make_path(&state, path));
        normal_t normal = normalise(input);
        if (normal.error != SL_PATH_OK)
            continue;
        cr_assert_eq(normal.text[0], '/');
        memcpy(normal.text + normal.len, "/", 2);
        cr_assert_null(strstr(normal.text, "/./"), "'%.*s' gave '%s'", (int)input.len, path, normal.text);
        cr_assert_null(strstr(normal.text, "/../"), "'%.*s' gave '%s'", (int)input.len, path, normal.text);
        normal.text[normal.len] = '\0';
        cr_assert_null(strstr(normal.text, "//"), "'%.*s' gave '%s'", (int)input.len, path, normal.text);
    }
}

/* --- the target's two halves --- */

static void expect_split(const char *target, const char *path, const char *query)
{
    h2o_iovec_t got_path, got_query;
    sl_path_split(sl_bytes_of(target), &got_path, &got_query);
    cr_expect(sl_bytes_equal(got_path, sl_bytes_of(path)), "'%s' has path '%.*s'", target, (int)got_path.len,
              got_path.base);
    if (query == NULL)
        cr_expect_null(got_query.base, "'%s' has a query", target);
    else
        cr_expect(got_query.base != NULL && sl_bytes_equal(got_query, sl_bytes_of(query)), "'%s'", target);
}

Test(target, the_first_question_mark_divides_path_and_query)
{
    expect_split("/a", "/a", NULL);
    expect_split("/a?", "/a", "");
    expect_split("/a?b=1", "/a", "b=1");
    expect_split("/a?b?c", "/a", "b?c");
    expect_split("?", "", "");
    expect_split("", "", NULL);
}
