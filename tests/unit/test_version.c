/* Versions: when they are gone, who is hit by a brown-out, and the fields that tell it, by a clock of our own. */
#include "sluice/version.h"
#include <criterion/criterion.h>

#define DAY 86400u
#define SUNSET 1767225599u /* 2025-12-31 23:59:59 UTC */

static const char *text_of(size_t (*field)(const sl_version_life_t *, char *, size_t), const sl_version_life_t *life)
{
    static char text[512];
    text[field(life, text, sizeof(text))] = '\0';
    return text;
}

Test(version, gone_from_the_very_second_of_its_sunset)
{
    const sl_version_life_t life = {.sunset_s = SUNSET}, endless = {.deprecated_s = 1};
    uint64_t retry_after_s = 7;
    cr_expect_eq(sl_version_fate(&life, SUNSET - 1, 0, &retry_after_s), SL_VERSION_SERVES);
    cr_expect_eq(sl_version_fate(&life, SUNSET, 999, &retry_after_s), SL_VERSION_GONE);
    cr_expect_eq(retry_after_s, 0, "nobody shall come back");
    cr_expect_eq(sl_version_fate(&endless, SUNSET + 100 * 365 * DAY, 0, &retry_after_s), SL_VERSION_SERVES);
}

Test(version, a_brown_out_refuses_its_share_between_its_ends)
{
    sl_brownout_t brownouts[] = {{SUNSET - DAY, SUNSET - DAY + 3600, 250}, {SUNSET - 1800, SUNSET + 1800, 1000}};
    const sl_version_life_t life = {.sunset_s = SUNSET, .brownouts = brownouts, .brownout_count = 2};
    uint64_t begin_s = brownouts[0].begin_s, retry_after_s;
    cr_expect_eq(sl_version_fate(&life, begin_s - 1, 0, &retry_after_s), SL_VERSION_SERVES);
    cr_expect_eq(sl_version_fate(&life, begin_s, 0, &retry_after_s), SL_VERSION_BROWNED_OUT);
    cr_expect_eq(retry_after_s, 3600);
    cr_expect_eq(sl_version_fate(&life, begin_s + 3599, 249, &retry_after_s), SL_VERSION_BROWNED_OUT);
    cr_expect_eq(retry_after_s, 1);
    cr_expect_eq(sl_version_fate(&life, begin_s + 3599, 250, &retry_after_s), SL_VERSION_SERVES);
    cr_expect_eq(sl_version_fate(&life, begin_s + 3600, 0, &retry_after_s), SL_VERSION_SERVES);
    cr_expect_eq(sl_version_fate(&life, SUNSET - 1, 999, &retry_after_s), SL_VERSION_BROWNED_OUT);
    cr_expect_eq(sl_version_fate(&life, SUNSET, 999, &retry_after_s), SL_VERSION_GONE);
    unsigned refused = 0;
    for (unsigned lot = 0; lot != 1000; ++lot)
        refused += sl_version_fate(&life, begin_s, lot, &retry_after_s) == SL_VERSION_BROWNED_OUT;
    cr_expect_eq(refused, 250);
}

Test(version, of_two_brown_outs_the_longer_one_tells_when_to_come_back)
{
    sl_brownout_t brownouts[] = {{100, 200, 1000}, {100, 150, 1000}};
    const sl_version_life_t life = {.brownouts = brownouts, .brownout_count = 2};
    uint64_t retry_after_s;
    sl_version_fate(&life, 120, 0, &retry_after_s);
    cr_expect_eq(retry_after_s, 80);
}

Test(version, dates_in_the_forms_of_their_rfcs)
{
    static const struct {
        uint64_t at;
        const char *sunset;
    } dates[] = {{1, "Thu, 01 Jan 1970 00:00:01 GMT"},          {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
                 {1541807999, "Fri, 09 Nov 2018 23:59:59 GMT"}, {SUNSET, "Wed, 31 Dec 2025 23:59:59 GMT"},
                 {4102444800, "Fri, 01 Jan 2100 00:00:00 GMT"}, {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"}};
    for (size_t i = 0; i != sizeof(dates) / sizeof(dates[0]); ++i)
        cr_expect_str_eq(text_of(sl_version_sunset_field, &(sl_version_life_t){.sunset_s = dates[i].at}),
                         dates[i].sunset);
    cr_expect_str_eq(text_of(sl_version_deprecation_field, &(sl_version_life_t){.deprecated_s = 1688169599}),
                     "@1688169599");
    cr_expect_str_eq(text_of(sl_version_deprecation_field, &(sl_version_life_t){.sunset_s = 1}), "");
    cr_expect_str_eq(text_of(sl_version_sunset_field, &(sl_version_life_t){.deprecated_s = 1}), "");
}

Test(version, links_in_one_field)
{
    sl_version_life_t life = {.successor = SL_LIT("https://a.test/v2")};
    char text[16];
    cr_expect_str_eq(text_of(sl_version_link_field, &life), "<https://a.test/v2>; rel=\"successor-version\"");
    life.documentation = SL_LIT("/docs");
    cr_expect_str_eq(text_of(sl_version_link_field, &life),
                     "<https://a.test/v2>; rel=\"successor-version\", </docs>; rel=\"deprecation\"");
    life.successor.len = 0;
    cr_expect_str_eq(text_of(sl_version_link_field, &life), "</docs>; rel=\"deprecation\"");
    cr_expect_eq(sl_version_link_field(&life, text, sizeof(text)), 0, "half a field is none");
    cr_expect_eq(sl_version_link_field(&(sl_version_life_t){0}, text, sizeof(text)), 0);
}

Test(version, a_v_before_the_number_means_nothing_in_media_types)
{
    cr_expect(sl_version_is_called("2", SL_LIT("v2"), SL_VERSION_BY_MEDIA));
    cr_expect(sl_version_is_called("v2", SL_LIT("2"), SL_VERSION_BY_MEDIA));
    cr_expect(sl_version_is_called("v2", SL_LIT("v2"), SL_VERSION_BY_MEDIA));
    cr_expect_not(sl_version_is_called("2", SL_LIT("v"), SL_VERSION_BY_MEDIA));
    cr_expect_not(sl_version_is_called("2", SL_LIT("vv2"), SL_VERSION_BY_MEDIA));
    cr_expect_not(sl_version_is_called("2", SL_LIT("v2"), SL_VERSION_BY_HEADER));
    cr_expect_not(sl_version_is_called("2", SL_LIT(""), SL_VERSION_BY_QUERY));
    cr_expect(sl_version_is_called("2024-06-01", SL_LIT("2024-06-01"), SL_VERSION_BY_HEADER));
}
