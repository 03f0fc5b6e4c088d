/* The retry budget and the circle of instances. */
#include "upstream/balance.h"
#include "upstream/budget.h"
#include <criterion/criterion.h>

#define NOW_US 1000000000u
#define SECOND_US 1000000u

static unsigned take_all(sl_budget_t *budget, uint64_t now_us)
{
    unsigned taken = 0;
    while (sl_budget_take(budget, now_us))
        ++taken;
    return taken;
}

Test(budget, a_service_without_traffic_starts_with_a_few_retries)
{
    sl_budget_t budget = {0};
    cr_expect_eq(take_all(&budget, NOW_US), SL_BUDGET_START);
}

Test(budget, retries_are_a_fifth_of_the_traffic)
{
    sl_budget_t budget = {0};
    take_all(&budget, NOW_US);

    unsigned retried = 0;
    for (int i = 0; i != 1000; ++i) {
        sl_budget_pay(&budget, NOW_US);
        retried += sl_budget_take(&budget, NOW_US);
    }

    cr_expect_eq(retried, 200);
}

Test(budget, savings_are_bounded)
{
    sl_budget_t budget = {0};
    for (int i = 0; i != 100000; ++i)
        sl_budget_pay(&budget, NOW_US);
    cr_expect_eq(take_all(&budget, NOW_US), SL_BUDGET_SAVED);
    cr_expect_eq(take_all(&budget, NOW_US + 3600ul * 1000 * SECOND_US), SL_BUDGET_SAVED);
}

Test(budget, a_quiet_service_gets_one_retry_per_second)
{
    sl_budget_t budget = {0};
    take_all(&budget, NOW_US);
    cr_expect_eq(take_all(&budget, NOW_US + SECOND_US - 1), 0);
    cr_expect_eq(take_all(&budget, NOW_US + SECOND_US), 1);
    cr_expect_eq(take_all(&budget, NOW_US + 4 * SECOND_US), 3);
}

static sl_instance_t literal(const char *url)
{
    sl_instance_t instance = {.url = (char *)url, .literal_len = sizeof(struct sockaddr_in)};
    instance.literal.ss_family = AF_INET;
    return instance;
}

Test(balance, calls_go_round_and_a_retry_goes_to_the_next_instance)
{
    sl_instance_t instances[] = {literal("a"), literal("b"), literal("c")};
    sl_service_t service = {.instances = instances, .instance_count = 3};
    size_t cursor = 0;
    for (size_t i = 0; i != 7; ++i) {
        sl_turn_t turn;
        sl_turn_begin(&turn, &service, &cursor);
        cr_expect_eq(sl_turn_next(&turn, &service, NULL), &instances[i % 3]);
        cr_expect_eq(sl_turn_next(&turn, &service, NULL), &instances[(i + 1) % 3]);
        cr_expect_eq(sl_turn_next(&turn, &service, NULL), &instances[(i + 2) % 3]);
        cr_expect_null(sl_turn_next(&turn, &service, NULL));
    }
}

Test(balance, a_circle_that_became_smaller_is_entered_at_its_start)
{
    sl_instance_t instances[] = {literal("a"), literal("b")};
    sl_service_t service = {.instances = instances, .instance_count = 2};
    size_t cursor = 5;
    sl_turn_t turn;
    sl_turn_begin(&turn, &service, &cursor);
    cr_expect_eq(sl_turn_next(&turn, &service, NULL), &instances[0]);
}

Test(balance, a_name_without_a_row_of_its_own_gets_nobodys_address)
{
    sl_shared_t *shared = sl_shared_create();
    sl_instance_t instances[] = {{.url = "n", .host = "name", .port = 8080, .slot = 0}};
    sl_service_t service = {.instances = instances, .instance_count = 1};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000005)};
    sl_address_store(&shared->addresses[0], (struct sockaddr *)&address, sizeof address);
    size_t cursor = 0;
    sl_turn_t turn;

    sl_turn_begin(&turn, &service, &cursor);
    cr_expect_null(sl_turn_next(&turn, &service, shared));
}

Test(balance, names_are_skipped_until_they_have_an_address_and_get_the_port_of_the_configuration)
{
    sl_shared_t *shared = sl_shared_create();
    sl_instance_t instances[] = {{.url = "n", .host = "name", .port = 8080, .slot = 3}, literal("b")};
    sl_service_t service = {.instances = instances, .instance_count = 2};
    size_t cursor = 0;
    sl_turn_t turn;

    sl_turn_begin(&turn, &service, &cursor);
    cr_expect_eq(sl_turn_next(&turn, &service, shared), &instances[1]);
    cr_expect_null(sl_turn_next(&turn, &service, shared));

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000005)};
    sl_address_store(&shared->addresses[3], (struct sockaddr *)&address, sizeof address);
    cursor = 0;
    sl_turn_begin(&turn, &service, &cursor);
    cr_expect_eq(sl_turn_next(&turn, &service, shared), &instances[0]);
    const struct sockaddr_in *found = (const struct sockaddr_in *)turn.address;
    cr_expect_eq(found->sin_addr.s_addr, htonl(0x7f000005));
    cr_expect_eq(ntohs(found->sin_port), 8080);
}
