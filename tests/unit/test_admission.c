/* Redis' verdict as bytes, and the header fields made of it. */
#include "sluice/admission.h"
#include <criterion/criterion.h>
#include <math.h>

/* --- replies, packed as lua/admit.lua packs them --- */

typedef struct packer_t {
    char bytes[512];
    size_t len;
} packer_t;

static packer_t reply;

static void put(const void *bytes, size_t len)
{
    memcpy(reply.bytes + reply.len, bytes, len);
    reply.len += len;
}

static void put_number(uint64_t value, size_t len)
{
    for (size_t i = 0; i != len; ++i) {
        unsigned char octet = (unsigned char)(value >> 8 * i);
        put(&octet, 1);
    }
}

static void put_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(bits, 8);
}

static void put_head(unsigned version, unsigned verdict, unsigned flags, unsigned count)
{
    put_number(version, 1);
    put_number(verdict, 1);
    put_number(flags, 1);
    put_number(count, 1);
    put_number(1, 4);
    put_double(0);
    put_double(0);
    put_double(0);
}

static void put_limit(unsigned kind, unsigned violated, double quota, double window_s, double remaining, double more_us,
                      double full_us)
{
    put_number(kind, 1);
    put_number(violated, 1);
    put_double(quota);
    put_double(window_s);
    put_double(remaining);
    put_double(more_us);
    put_double(full_us);
}

static void put_names(const char *owner, const char *name)
{
    put_number(strlen(owner), 2);
    put_number(strlen(name), 2);
    put(owner, strlen(owner));
    put(name, strlen(name));
}

static bool read_reply(sl_admission_t *admission)
{
    return sl_admission_read(sl_bytes(reply.bytes, reply.len), admission);
}

static bool is_taken(void)
{
    sl_admission_t admission;
    return read_reply(&admission);
}

Test(reply, a_whole_reply_is_read)
{
    put_number(1, 1);
    put_number(SL_VERDICT_LIMITED, 1);
    put_number(SL_ADMISSION_FLAG_PROBE, 1);
    put_number(2, 1);
    put_number(0x01020304, 4);
    put_double(1500000);
    put_double(7);
    put_double(9);
    put_limit(SL_LIMIT_KEY, 1, 100, 60, 0, 600000, 60000000);
    put_limit(SL_LIMIT_MONTH, 0, 9007199254740992.0, 2678400, 12, 1, 2);
    put_names("acme", "batch job");

    sl_admission_t admission;
    cr_assert(read_reply(&admission));

    cr_expect_eq(admission.verdict, SL_VERDICT_LIMITED);
    cr_expect(admission.is_probe);
    cr_expect(!admission.is_shadow_refused);
    cr_expect_eq(admission.granted, 0x01020304);
    cr_expect_eq(admission.wait_us, 1500000);
    cr_expect_eq(admission.probe_generation, 7);
    cr_expect_eq(admission.probe_id, 9);
    cr_assert_eq(admission.limit_count, 2);
    cr_expect_eq(admission.limits[0].kind, SL_LIMIT_KEY);
    cr_expect(admission.limits[0].is_violated);
    cr_expect_eq(admission.limits[0].quota, 100);
    cr_expect_eq(admission.limits[0].window_s, 60);
    cr_expect_eq(admission.limits[0].remaining, 0);
    cr_expect_eq(admission.limits[0].more_us, 600000);
    cr_expect_eq(admission.limits[0].full_us, 60000000);
    cr_expect_eq(admission.limits[1].kind, SL_LIMIT_MONTH);
    cr_expect(!admission.limits[1].is_violated);
    cr_expect_eq(admission.limits[1].quota, 9007199254740992u);
    cr_expect(sl_bytes_equal(admission.owner, SL_LIT("acme")));
    cr_expect(sl_bytes_equal(admission.name, SL_LIT("batch job")));
}

Test(reply, every_verdict_and_flag_is_known_and_no_other)
{
    for (unsigned verdict = 0; verdict != 256; ++verdict) {
        reply.len = 0;
        put_head(1, verdict, 0, 0);
        put_names("", "");
        cr_expect_eq(is_taken(), verdict < SL_VERDICT_COUNT, "verdict %u", verdict);
    }
    for (unsigned flags = 0; flags != 256; ++flags) {
        reply.len = 0;
        put_head(1, SL_VERDICT_ADMITTED, flags, 0);
        put_names("", "");
        sl_admission_t admission;
        cr_expect_eq(read_reply(&admission), flags <= 3, "flags %u", flags);
        cr_expect(flags > 3 || admission.is_shadow_refused == ((flags & 1) != 0));
        cr_expect(flags > 3 || admission.is_probe == ((flags & 2) != 0));
    }
}

Test(reply, another_version_is_not_guessed_at)
{
    for (unsigned version = 0; version != 256; ++version) {
        reply.len = 0;
        put_head(version, SL_VERDICT_ADMITTED, 0, 0);
        put_names("", "");
        cr_expect_eq(is_taken(), version == 1, "version %u", version);
    }
}

Test(reply, a_reply_cut_anywhere_or_with_something_behind_it_is_none)
{
    put_head(1, SL_VERDICT_ADMITTED, 0, 1);
    put_limit(SL_LIMIT_KEY, 0, 100, 60, 99, 600000, 600000);
    put_names("acme", "x");
    size_t whole = reply.len;
    cr_assert(is_taken());

    for (reply.len = 0; reply.len != whole; ++reply.len)
        cr_expect(!is_taken(), "taken at %zu of %zu bytes", reply.len, whole);
    reply.len = whole + 1;
    cr_expect(!is_taken());
    sl_admission_t admission;
    cr_expect(!sl_admission_read(sl_bytes(NULL, 0), &admission));
}

Test(reply, numbers_that_are_no_counts_are_refused)
{
    static const double bad[] = {-1, -0.5, 9007199254740994.0, 1e300, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i != sizeof bad / sizeof bad[0]; ++i)
        for (size_t place = 0; place != 5; ++place) {
            double values[5] = {100, 60, 99, 1, 1};
            values[place] = bad[i];
            reply.len = 0;
            put_head(1, SL_VERDICT_ADMITTED, 0, 1);
            put_limit(SL_LIMIT_KEY, 0, values[0], values[1], values[2], values[3], values[4]);
            put_names("", "");
            cr_expect(!is_taken(), "%g in place %zu", bad[i], place);
        }
}

Test(reply, fractions_of_waiting_are_rounded_up_and_of_units_down)
{
    put_head(1, SL_VERDICT_ADMITTED, 0, 1);
    put_limit(SL_LIMIT_KEY, 0, 100.9, 60, 49.9, 600000.1, 7.5);
    put_names("", "");

    sl_admission_t admission;
    cr_assert(read_reply(&admission));

    cr_expect_eq(admission.limits[0].quota, 100);
    cr_expect_eq(admission.limits[0].remaining, 49);
    cr_expect_eq(admission.limits[0].more_us, 600001);
    cr_expect_eq(admission.limits[0].full_us, 8);
}

Test(reply, limits_must_be_known_different_and_not_too_many)
{
    put_head(1, SL_VERDICT_ADMITTED, 0, 1);
    put_limit(SL_LIMIT_KINDS, 0, 1, 1, 1, 1, 1);
    put_names("", "");
    cr_expect(!is_taken(), "unknown kind");

    reply.len = 0;
    put_head(1, SL_VERDICT_ADMITTED, 0, 1);
    put_limit(SL_LIMIT_KEY, 2, 1, 1, 1, 1, 1);
    put_names("", "");
    cr_expect(!is_taken(), "violated is neither yes nor no");

    reply.len = 0;
    put_head(1, SL_VERDICT_ADMITTED, 0, 2);
    put_limit(SL_LIMIT_DAY, 0, 1, 1, 1, 1, 1);
    put_limit(SL_LIMIT_DAY, 0, 1, 1, 1, 1, 1);
    put_names("", "");
    cr_expect(!is_taken(), "one kind twice");

    reply.len = 0;
    put_head(1, SL_VERDICT_ADMITTED, 0, 5);
    for (unsigned i = 0; i != 5; ++i)
        put_limit(i % 4, 0, 1, 1, 1, 1, 1);
    put_names("", "");
    cr_expect(!is_taken(), "five limits");
}

/* --- header fields --- */

static sl_admission_t with_limits(size_t count, const sl_limit_state_t *limits)
{
    sl_admission_t admission = {.limit_count = count};
    memcpy(admission.limits, limits, count * sizeof *limits);
    return admission;
}

static void expect_fields(const sl_admission_t *admission, const char *policy, const char *state)
{
    char text[512];
    size_t len = sl_admission_policy_field(admission, text, sizeof text);
    cr_expect(sl_bytes_equal(sl_bytes(text, len), sl_bytes_of(policy)), "RateLimit-Policy: %.*s", (int)len, text);
    len = sl_admission_ratelimit_field(admission, text, sizeof text);
    cr_expect(sl_bytes_equal(sl_bytes(text, len), sl_bytes_of(state)), "RateLimit: %.*s", (int)len, text);
}

Test(fields, one_limit_is_one_member)
{
    sl_limit_state_t limit = {SL_LIMIT_KEY, false, 100, 60, 50, 600000, 30000000};
    sl_admission_t admission = with_limits(1, &limit);

    expect_fields(&admission, "\"key\";q=100;w=60", "\"key\";r=50;t=1");
}

Test(fields, every_limit_is_a_member_of_the_list)
{
    sl_limit_state_t limits[] = {{SL_LIMIT_KEY, false, 100, 60, 50, 1000000, 0},
                                 {SL_LIMIT_SERVICE, true, 5, 1, 0, 1000001, 0},
                                 {SL_LIMIT_DAY, false, 1000, 86400, 17, 3600000000, 0},
                                 {SL_LIMIT_MONTH, false, 20000, 2592000, 1, 1, 0}};
    sl_admission_t admission = with_limits(4, limits);

    expect_fields(&admission,
                  "\"key\";q=100;w=60, \"service\";q=5;w=1, \"day\";q=1000;w=86400, \"month\";q=20000;w=2592000",
                  "\"key\";r=50;t=1, \"service\";r=0;t=2, \"day\";r=17;t=3600, \"month\";r=1;t=1");
}

Test(fields, a_full_bucket_promises_no_more)
{
    sl_limit_state_t limit = {SL_LIMIT_KEY, false, 100, 60, 100, 0, 0};
    sl_admission_t admission = with_limits(1, &limit);

    expect_fields(&admission, "\"key\";q=100;w=60", "\"key\";r=100");
}

Test(fields, without_limits_there_are_no_fields)
{
    sl_admission_t admission = {.limit_count = 0};

    expect_fields(&admission, "", "");
}

Test(fields, numbers_stay_within_fifteen_digits)
{
    sl_limit_state_t limit = {SL_LIMIT_SERVICE, false, UINT64_MAX, 999999999999999, 1000000000000000, UINT64_MAX, 0};
    sl_admission_t admission = with_limits(1, &limit);

    expect_fields(&admission, "\"service\";q=999999999999999;w=999999999999999",
                  "\"service\";r=999999999999999;t=18446744073710");
}

Test(fields, what_does_not_fit_is_left_out_as_whole_members)
{
    sl_limit_state_t limits[] = {{SL_LIMIT_KEY, false, 100, 60, 50, 1, 0}, {SL_LIMIT_DAY, false, 7, 1, 1, 1, 0}};
    sl_admission_t admission = with_limits(2, limits);
    char text[40];

    for (size_t size = 0; size != sizeof text; ++size) {
        memset(text, '#', sizeof text);
        size_t len = sl_admission_policy_field(&admission, text, size);
        cr_expect_eq(len, size < 16 ? 0 : size < 31 ? 16 : 31, "%zu bytes hold %zu", size, len);
        cr_expect_eq(text[size], '#', "wrote beyond %zu bytes", size);
    }
}

Test(fields, the_four_policies_have_names)
{
    cr_expect_str_eq(sl_limit_name(SL_LIMIT_KEY), "key");
    cr_expect_str_eq(sl_limit_name(SL_LIMIT_SERVICE), "service");
    cr_expect_str_eq(sl_limit_name(SL_LIMIT_DAY), "day");
    cr_expect_str_eq(sl_limit_name(SL_LIMIT_MONTH), "month");
}

/* --- the one limit that X-RateLimit-* speak of --- */

Test(tightest, there_is_none_without_limits)
{
    sl_admission_t admission = {.limit_count = 0};

    cr_expect_null(sl_admission_tightest(&admission));
}

Test(tightest, the_violated_one_comes_before_the_emptiest)
{
    sl_limit_state_t limits[] = {{SL_LIMIT_KEY, false, 100, 60, 0, 1, 0}, {SL_LIMIT_DAY, true, 1000, 86400, 3, 1, 0}};
    sl_admission_t admission = with_limits(2, limits);

    cr_expect_eq(sl_admission_tightest(&admission)->kind, SL_LIMIT_DAY);
}

Test(tightest, of_several_violated_ones_the_longest_wait_counts)
{
    sl_limit_state_t limits[] = {{SL_LIMIT_KEY, true, 100, 60, 0, 600000, 0},
                                 {SL_LIMIT_SERVICE, true, 10, 60, 0, 6000000, 0},
                                 {SL_LIMIT_DAY, true, 1000, 86400, 0, 5000000, 0}};
    sl_admission_t admission = with_limits(3, limits);

    cr_expect_eq(sl_admission_tightest(&admission)->kind, SL_LIMIT_SERVICE);
}

Test(tightest, otherwise_the_smallest_share_left_counts)
{
    sl_limit_state_t limits[] = {{SL_LIMIT_KEY, false, 100, 60, 50, 1, 0},
                                 {SL_LIMIT_DAY, false, 1000, 86400, 60, 1, 0},
                                 {SL_LIMIT_MONTH, false, 9007199254740992, 2592000, 9007199254740991, 1, 0}};
    sl_admission_t admission = with_limits(3, limits);

    cr_expect_eq(sl_admission_tightest(&admission)->kind, SL_LIMIT_DAY,
                 "6 %% is less than 50 %%, though 60 is more than 50");
}

/* --- one grant for several requests --- */

Test(before, a_bucket_is_full_earlier_and_the_next_unit_comes_when_it_comes)
{
    sl_admission_t admission = {.limit_count = 1, .limits = {{SL_LIMIT_KEY, false, 3, 1, 5, 100, 2000001}}};

    sl_admission_before(&admission, 2);

    cr_expect_eq(admission.limits[0].remaining, 7);
    cr_expect_eq(admission.limits[0].more_us, 100);
    cr_expect_eq(admission.limits[0].full_us, 1333334, "a third of a second is 333333.5 us, rounded up to a quarter");
}

Test(before, a_period_ends_when_it_ends)
{
    sl_admission_t admission = {
        .limit_count = 2,
        .limits = {{SL_LIMIT_DAY, false, 100, 86400, 5, 100, 100}, {SL_LIMIT_MONTH, false, 9, 9, 9, 9, 9}}};

    sl_admission_before(&admission, 4);

    cr_expect_eq(admission.limits[0].remaining, 9);
    cr_expect_eq(admission.limits[0].full_us, 100);
    cr_expect_eq(admission.limits[1].remaining, 13);
}

Test(before, nonsense_neither_divides_by_nothing_nor_goes_below_it)
{
    sl_admission_t admission = {
        .limit_count = 2, .limits = {{SL_LIMIT_KEY, false, 0, 60, 0, 7, 7}, {SL_LIMIT_SERVICE, false, 1, 1, 0, 7, 7}}};

    sl_admission_before(&admission, 1000);

    cr_expect_eq(admission.limits[0].full_us, 7);
    cr_expect_eq(admission.limits[1].full_us, 0);
}

Test(retry_after, waits_are_rounded_up_to_whole_seconds_and_never_to_none)
{
    cr_expect_eq(sl_retry_after_s(0), 1);
    cr_expect_eq(sl_retry_after_s(1), 1);
    cr_expect_eq(sl_retry_after_s(1000000), 1);
    cr_expect_eq(sl_retry_after_s(1000001), 2);
    cr_expect_eq(sl_retry_after_s(29999999), 30);
    cr_expect_eq(sl_retry_after_s(UINT64_MAX), UINT64_MAX / 1000000 + 1);
}
