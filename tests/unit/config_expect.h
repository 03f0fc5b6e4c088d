/* config_expect: reads a configuration called "f" and compares every word of what is said about it. */
#ifndef SLUICE_TESTS_CONFIG_EXPECT_H
#define SLUICE_TESTS_CONFIG_EXPECT_H

#include "sluice/config.h"
#include <criterion/criterion.h>

static inline size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != 0; ++text)
        lines += *text == '\n';
    return lines;
}

static inline void expect_errors(h2o_iovec_t yaml, const char *expected)
{
    sl_config_errors_t errors = {0};
    sl_config_t *config = sl_config_read("f", yaml, &errors);

    cr_expect_null(config, "taken for well:\n%.*s", (int)yaml.len, yaml.base);
    cr_expect_str_eq(errors.text.base != NULL ? errors.text.base : "", expected);
    cr_expect_eq(errors.count, count_lines(expected));
    if (config != NULL)
        sl_config_release(config);
    sl_config_errors_dispose(&errors);
}

static inline void expect_warnings(h2o_iovec_t yaml, const char *expected)
{
    sl_config_errors_t errors = {0};
    sl_config_t *config = sl_config_read("f", yaml, &errors);

    cr_expect_not_null(config, "%s", errors.text.base);
    cr_expect_str_eq(errors.warnings.base != NULL ? errors.warnings.base : "", expected);
    cr_expect_eq(errors.warning_count, count_lines(expected));
    if (config != NULL)
        sl_config_release(config);
    sl_config_errors_dispose(&errors);
}

static inline sl_config_t *read_well(h2o_iovec_t yaml)
{
    sl_config_errors_t errors = {0};
    sl_config_t *config = sl_config_read("f", yaml, &errors);
    cr_assert_not_null(config, "%s\n%.*s", errors.text.base, (int)yaml.len, yaml.base);
    cr_expect_eq(errors.warning_count, 0, "%s", errors.warnings.base);
    sl_config_errors_dispose(&errors);
    return config;
}

/* What `config dump` prints reads back as the same. */
static inline void expect_round_trip(const sl_config_t *config)
{
    sl_text_t first = {0}, second = {0};
    sl_config_dump(config, &first);
    sl_config_t *again = read_well(sl_bytes(first.base, first.size));
    sl_config_dump(again, &second);
    cr_expect_str_eq(second.base, first.base);
    sl_text_dispose(&first);
    sl_text_dispose(&second);
    sl_config_release(again);
}

#define EXPECT(yaml, expected) expect_errors(SL_LIT(yaml), expected)
#define EXPECT_WARNINGS(yaml, expected) expect_warnings(SL_LIT(yaml), expected)

#endif
