/* Counting connections by address over several workers. */
#include "sluice/crowd.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>

#define WORKERS 3
static sl_crowd_t *crowds;

static void make(void)
{
    crowds = calloc(WORKERS, sizeof *crowds);
}

static void drop(void)
{
    free(crowds);
}

TestSuite(crowd, .init = make, .fini = drop);

static sl_crowd_place_t place_of(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    sl_crowd_place_t place;
    bool is_v4 = inet_pton(AF_INET, text, &in.sin_addr) == 1;
    cr_assert(is_v4 || inet_pton(AF_INET6, text, &in6.sin6_addr) == 1);
    cr_assert(sl_crowd_place(is_v4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6, 42, &place));
    return place;
}

static uint64_t count_of(const char *text)
{
    sl_crowd_place_t place = place_of(text);
    return sl_crowd_count(crowds, sizeof *crowds, WORKERS, &place);
}

static void enter(int worker, const char *text)
{
    sl_crowd_place_t place = place_of(text);
    sl_crowd_enter(&crowds[worker], &place);
}

Test(crowd, an_address_is_counted_over_all_workers)
{
    enter(0, "192.0.2.1");
    enter(0, "192.0.2.1");
    enter(2, "192.0.2.1");
    cr_expect_eq(count_of("192.0.2.1"), 3);
    cr_expect_eq(count_of("192.0.2.2"), 0);

    sl_crowd_place_t place = place_of("192.0.2.1");
    sl_crowd_leave(&crowds[2], &place);
    cr_expect_eq(count_of("192.0.2.1"), 2);
}

Test(crowd, a_dead_worker_gives_its_connections_back)
{
    enter(0, "192.0.2.1");
    enter(1, "192.0.2.1");
    sl_crowd_clear(&crowds[0]);
    cr_expect_eq(count_of("192.0.2.1"), 1);
}

Test(crowd, a_subscriber_of_ipv6_is_a_64)
{
    enter(0, "2001:db8:1:2::1");
    enter(1, "2001:db8:1:2:ffff::2");
    cr_expect_eq(count_of("2001:db8:1:2:abcd:abcd:abcd:abcd"), 2);
    cr_expect_eq(count_of("2001:db8:1:3::1"), 0);
}

Test(crowd, a_mapped_address_is_the_address)
{
    enter(0, "::ffff:192.0.2.1");
    cr_expect_eq(count_of("192.0.2.1"), 1);
}

Test(crowd, what_has_no_address_is_not_counted)
{
    struct sockaddr unix_peer = {.sa_family = AF_UNIX};
    sl_crowd_place_t place;
    cr_expect_not(sl_crowd_place(&unix_peer, 42, &place));
}

/* 20,000 others: hardly anybody is taken for them, though half of all cells are taken. */
Test(crowd, others_do_not_add_up_to_somebody)
{
    for (uint32_t i = 0; i != 20000; ++i) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000u + i)};
        sl_crowd_place_t place;
        sl_crowd_place((struct sockaddr *)&in, 42, &place);
        sl_crowd_enter(&crowds[0], &place);
    }
    uint64_t most = 0;
    for (uint32_t i = 0; i != 1000; ++i) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000200u + i)};
        sl_crowd_place_t place;
        sl_crowd_place((struct sockaddr *)&in, 42, &place);
        uint64_t count = sl_crowd_count(crowds, sizeof *crowds, WORKERS, &place);
        most = count > most ? count : most;
    }
    cr_expect_leq(most, 4);
}
