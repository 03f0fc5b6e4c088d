/* Rows of the tables: statuses find their row, durations their bucket. */
#include "sluice/metrics.h"
#include <criterion/criterion.h>

Test(codes, a_known_status_has_its_own_row)
{
    cr_expect_eq(sl_code_slot(200), SL_CODE_200);
    cr_expect_str_eq(sl_code_label(sl_code_slot(504)), "504");
}

Test(codes, any_other_status_counts_as_its_class)
{
    cr_expect_str_eq(sl_code_label(sl_code_slot(101)), "1xx");
    cr_expect_str_eq(sl_code_label(sl_code_slot(299)), "2xx");
    cr_expect_str_eq(sl_code_label(sl_code_slot(418)), "4xx");
    cr_expect_str_eq(sl_code_label(sl_code_slot(599)), "5xx");
    cr_expect_str_eq(sl_code_label(sl_code_slot(0)), "5xx");
    cr_expect_str_eq(sl_code_label(sl_code_slot(999)), "5xx");
}

Test(histogram, a_duration_on_the_bound_belongs_to_its_bucket)
{
    sl_histogram_t histogram = {0};
    sl_histogram_note(&histogram, 500);
    sl_histogram_note(&histogram, 501);
    sl_histogram_note(&histogram, 99000000);

    cr_expect_eq(sl_number_get(&histogram.buckets[SL_BUCKET_500]), 1);
    cr_expect_eq(sl_number_get(&histogram.buckets[SL_BUCKET_1000]), 1);
    cr_expect_eq(sl_number_get(&histogram.buckets[SL_BUCKET_COUNT]), 1);
    cr_expect_eq(sl_number_get(&histogram.sum_us), 99001001);
}

Test(results, each_has_a_label)
{
    cr_expect_str_eq(sl_upstream_result_name(SL_UPSTREAM_OK), "ok");
    cr_expect_str_eq(sl_upstream_result_name(SL_UPSTREAM_CANCELLED), "cancelled");
}
