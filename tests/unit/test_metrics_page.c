/* The Prometheus page and readiness, made from a segment that nobody serves. */
#include "ops/page.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/mman.h>

static sl_shared_t *shared;
static sl_text_t page;

static void make_segment(void)
{
    shared = sl_shared_create();
    cr_assert_not_null(shared);
    sl_number_set(&shared->workers, 2);
}

static void drop_segment(void)
{
    sl_text_dispose(&page);
    munmap(shared, sizeof *shared);
}

TestSuite(page, .init = make_segment, .fini = drop_segment);
TestSuite(ready, .init = make_segment, .fini = drop_segment);

static void expect_line(const char *line)
{
    char bounded[256];
    snprintf(bounded, sizeof bounded, "\n%s\n", line);
    cr_expect_not_null(strstr(page.base, bounded), "no line %s", line);
}

Test(page, counters_are_added_up_over_the_workers)
{
    sl_number_add(&shared->slots[0].numbers[SL_M_CONNECTIONS], 3);
    sl_number_add(&shared->slots[1].numbers[SL_M_CONNECTIONS], 4);
    sl_number_add(&shared->slots[1].admissions[SL_ADMISSION_LIMITED], 5);

    sl_metrics_page(shared, &page);

    expect_line("sluice_connections_total 7");
    expect_line("sluice_admissions_total{outcome=\"limited\"} 5");
    expect_line("# TYPE sluice_connections_total counter");
}

Test(page, a_used_route_shows_its_codes_and_its_histogram_in_seconds)
{
    int route = sl_shared_claim(shared, SL_NAME_ROUTE, SL_LIT("GET /a\"b"));
    sl_route_numbers_t *numbers = &shared->slots[0].routes[route];
    sl_number_add(&numbers->requests[sl_code_slot(200)], 2);
    sl_histogram_note(&numbers->duration, 700);
    sl_histogram_note(&shared->slots[1].routes[route].duration, 1500000);

    sl_metrics_page(shared, &page);

    expect_line("sluice_requests_total{route=\"GET /a\\\"b\",code=\"200\"} 2");
    expect_line("sluice_request_duration_seconds_bucket{route=\"GET /a\\\"b\",le=\"0.0005\"} 0");
    expect_line("sluice_request_duration_seconds_bucket{route=\"GET /a\\\"b\",le=\"0.001\"} 1");
    expect_line("sluice_request_duration_seconds_bucket{route=\"GET /a\\\"b\",le=\"+Inf\"} 2");
    expect_line("sluice_request_duration_seconds_sum{route=\"GET /a\\\"b\"} 1.500700");
    expect_line("sluice_request_duration_seconds_count{route=\"GET /a\\\"b\"} 2");
    cr_expect_null(strstr(page.base, "code=\"404\""));
}

Test(page, routes_and_services_that_were_never_used_are_left_out)
{
    sl_shared_claim(shared, SL_NAME_ROUTE, SL_LIT("idle"));
    sl_shared_claim(shared, SL_NAME_SERVICE, SL_LIT("lazy"));

    sl_metrics_page(shared, &page);

    cr_expect_null(strstr(page.base, "route=\"idle\""));
    cr_expect_null(strstr(page.base, "service=\"lazy\""));
}

Test(page, the_breaker_is_what_the_most_alarmed_worker_sees)
{
    int service = sl_shared_claim(shared, SL_NAME_SERVICE, SL_LIT("search"));
    sl_number_set(&shared->slots[0].services[service].breaker_state, 2);
    sl_number_set(&shared->slots[1].services[service].breaker_state, 1);

    sl_metrics_page(shared, &page);

    expect_line("sluice_breaker_state{service=\"search\"} 2");
}

Test(page, a_service_shows_how_its_tries_ended)
{
    int service = sl_shared_claim(shared, SL_NAME_SERVICE, SL_LIT("search"));
    sl_number_add(&shared->slots[1].services[service].results[SL_UPSTREAM_REFUSED], 3);

    sl_metrics_page(shared, &page);

    expect_line("sluice_upstream_results_total{service=\"search\",result=\"refused\"} 3");
    expect_line("sluice_upstream_retries_total{service=\"search\"} 0");
}

Test(page, the_configuration_and_the_node_are_told)
{
    sl_number_set(&shared->generation, 4);
    sl_number_set(&shared->config_hash, 0xabc);
    sl_number_set(&shared->worker_deaths[sl_death_slot(SIGSEGV)], 2);
    sl_number_set(&shared->worker_deaths[sl_death_slot(SIGSYS)], 1);
    sl_histogram_note(&shared->slots[0].redis_duration, 100);

    sl_metrics_page(shared, &page);

    expect_line("sluice_config_info{generation=\"4\",hash=\"0000000000000abc\"} 1");
    expect_line("sluice_worker_deaths_total{signal=\"SIGSEGV\"} 2");
    expect_line("sluice_worker_deaths_total{signal=\"other\"} 1");
    expect_line("sluice_worker_deaths_total{signal=\"none\"} 0");
    expect_line("sluice_redis_duration_seconds_sum 0.000100");
    expect_line("sluice_redis_duration_seconds_count 1");
}

Test(page, each_family_is_declared_once_and_each_line_is_whole)
{
    sl_metrics_page(shared, &page);
    for (const char *line = page.base; *line != '\0'; line = strchr(line, '\n') + 1) {
        cr_assert_not_null(strchr(line, '\n'));
        if (strncmp(line, "# TYPE ", 7) != 0)
            continue;
        char declaration[200];
        snprintf(declaration, sizeof declaration, "%.*s ", (int)strcspn(line + 7, " ") + 7, line);
        cr_expect_null(strstr(line + 1, declaration), "%s comes twice", declaration);
    }
}

Test(ready, a_node_is_ready_when_a_worker_listens_and_redis_answers)
{
    sl_number_set(&shared->slots[1].numbers[SL_M_WORKERS_READY], 1);
    sl_number_set(&shared->slots[1].numbers[SL_M_REDIS_UP], 1);
    cr_expect_null(sl_unready_reason(shared));

    sl_ready_page(shared, &page);
    cr_expect_str_eq(page.base,
                     "{\"ready\":true,\"workers\":{\"wanted\":2,\"listening\":1,\"with_redis\":1},\"generation\":0}\n");
}

Test(ready, each_reason_is_told)
{
    cr_expect_str_eq(sl_unready_reason(shared), "no worker listens");
    sl_number_set(&shared->slots[0].numbers[SL_M_WORKERS_READY], 1);
    cr_expect_str_eq(sl_unready_reason(shared), "redis unreachable");
    sl_number_set(&shared->slots[0].numbers[SL_M_REDIS_UP], 1);
    sl_number_set(&shared->is_draining, 1);
    cr_expect_str_eq(sl_unready_reason(shared), "draining");

    sl_ready_page(shared, &page);
    cr_expect_not_null(strstr(page.base, "{\"ready\":false,\"reason\":\"draining\""));
}
