/* The scripts inside the program: whole, each in its row, and under the name that Redis will give them. */
#include "sluice/scripts.h"
#include <criterion/criterion.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static void hex_of_sha1(const char *text, char hex[41])
{
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1((const unsigned char *)text, strlen(text), digest);
    for (size_t i = 0; i != sizeof(digest); ++i)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

Test(scripts, each_sha1_is_that_of_its_text)
{
    char hex[41];
    for (size_t i = 0; i != SL_SCRIPT_COUNT; ++i) {
        hex_of_sha1(sl_scripts[i].text, hex);
        cr_expect_str_eq(sl_scripts[i].sha1, hex, "%s", sl_scripts[i].name);
    }
}

Test(scripts, each_row_holds_the_script_of_its_name)
{
    cr_expect_str_eq(sl_scripts[SL_SCRIPT_ADMIT].name, "admit");
    cr_expect_str_eq(sl_scripts[SL_SCRIPT_BREAKER_TRY].name, "breaker_try");
    cr_expect_str_eq(sl_scripts[SL_SCRIPT_BREAKER_SETTLE].name, "breaker_settle");
    cr_expect_str_eq(sl_scripts[SL_SCRIPT_BREAKER_REPORT].name, "breaker_report");
    cr_expect_str_eq(sl_scripts[SL_SCRIPT_BREAKER_READ].name, "breaker_read");
    cr_expect_str_eq(sl_scripts[SL_SCRIPT_BREAKER_FORCE].name, "breaker_force");
    cr_expect_str_eq(sl_scripts[SL_SCRIPT_COUNT_VERSION].name, "count_version");
}

Test(scripts, none_is_run_without_its_flags_or_with_a_hole)
{
    for (size_t i = 0; i != SL_SCRIPT_COUNT; ++i) {
        cr_expect(strncmp(sl_scripts[i].text, "#!lua flags=", 12) == 0, "%s", sl_scripts[i].name);
        cr_expect_null(strstr(sl_scripts[i].text, "--@include"), "%s", sl_scripts[i].name);
    }
}
