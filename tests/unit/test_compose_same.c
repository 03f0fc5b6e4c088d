/* Which calls of a run are one call: by all that they ask, and in a time that does not grow with their number. */
#include "compose/inside.h"
#include <criterion/criterion.h>
#include <stdio.h>

#define MANY 200000

static sl_same_t same;
static sl_service_t services[2];
static sl_call_plan_t plan;
static sl_part_t part;

static void begin(void)
{
    same = (sl_same_t){.heads = NULL};
    plan = (sl_call_plan_t){.service = &services[0], .method = SL_LIT("GET"), .timeout_ms = 5};
    part = (sl_part_t){.plan = &plan};
}

static void end(void)
{
    sl_same_dispose(&same);
}

TestSuite(compose_same, .init = begin, .fini = end, .timeout = 120);

static sl_fetch_t get(const char *target, const char *fields)
{
    return (sl_fetch_t){
        .owner = &part, .is_safe = true, .request.target = sl_bytes_of(target), .identity = sl_bytes_of(fields)};
}

Test(compose_same, what_asks_the_same_is_found)
{
    sl_fetch_t first = get("/a", "X: 1\r\n"), again = get("/a", "X: 1\r\n");

    cr_assert_null(sl_same_find_or_add(&same, &first));
    cr_assert_eq(sl_same_find_or_add(&same, &again), &first);
}

Test(compose_same, anything_that_differs_is_a_call_of_its_own)
{
    sl_call_plan_t others[] = {plan, plan, plan, plan};
    others[0].service = &services[1];
    others[1].timeout_ms = 6;
    others[2].retries = 1;
    others[3].method = SL_LIT("HEAD");
    sl_part_t parts[4];
    sl_fetch_t first = get("/a", "X: 1\r\n"), fetches[4], target = get("/aX", ": 1\r\n"), field = get("/a", "X: 2\r\n");
    sl_fetch_t later = get("/a", "X: 1\r\n");

    cr_assert_null(sl_same_find_or_add(&same, &first));
    for (size_t i = 0; i != 4; ++i) {
        parts[i] = (sl_part_t){.plan = &others[i]};
        fetches[i] = get("/a", "X: 1\r\n");
        fetches[i].owner = &parts[i];
        cr_expect_null(sl_same_find_or_add(&same, &fetches[i]), "%zu", i);
    }
    cr_expect_null(sl_same_find_or_add(&same, &target));
    cr_expect_null(sl_same_find_or_add(&same, &field));
    later.unsafe_before = 1;
    cr_expect_null(sl_same_find_or_add(&same, &later));
}

Test(compose_same, what_changes_something_or_sends_a_body_is_never_shared)
{
    sl_fetch_t post = get("/a", ""), post_again = get("/a", ""), body = get("/a", ""), body_again = get("/a", "");

    post.is_safe = post_again.is_safe = false;
    body.request.has_body = body_again.request.has_body = true;
    cr_expect_null(sl_same_find_or_add(&same, &post));
    cr_expect_null(sl_same_find_or_add(&same, &post_again));
    cr_expect_null(sl_same_find_or_add(&same, &body));
    cr_expect_null(sl_same_find_or_add(&same, &body_again));
}

/* Looking at every call for each would be 2 * 10^10 comparisons: minutes, where this takes a moment. */
Test(compose_same, many_calls_are_found_as_fast_as_few)
{
    static sl_fetch_t fetches[MANY];
    static char targets[MANY][16];

    for (size_t i = 0; i != MANY; ++i) {
        snprintf(targets[i], sizeof(targets[i]), "/items/%zu", i);
        fetches[i] = get(targets[i], "X: 1\r\n");
        cr_assert_null(sl_same_find_or_add(&same, &fetches[i]));
    }
    for (size_t i = 0; i != MANY; ++i) {
        sl_fetch_t again = get(targets[i], "X: 1\r\n");
        cr_assert_eq(sl_same_find_or_add(&same, &again), &fetches[i]);
    }
}
