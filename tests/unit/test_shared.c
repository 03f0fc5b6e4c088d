/* The mapped segment: names keep their slots, and an address read while it is written is never a mixture. */
#include "sluice/shared.h"
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sl_shared_t *shared;

static void make_segment(void)
{
    shared = sl_shared_create();
    cr_assert_not_null(shared);
}

static void drop_segment(void)
{
    munmap(shared, sizeof *shared);
}

TestSuite(names, .init = make_segment, .fini = drop_segment);
TestSuite(addresses, .init = make_segment, .fini = drop_segment);

Test(names, a_name_keeps_its_slot)
{
    int search = sl_shared_claim(shared, SL_NAME_SERVICE, SL_LIT("search"));
    int scrape = sl_shared_claim(shared, SL_NAME_SERVICE, SL_LIT("scrape"));

    cr_expect_neq(search, 0);
    cr_expect_neq(search, scrape);
    cr_expect_eq(sl_shared_claim(shared, SL_NAME_SERVICE, SL_LIT("search")), search);
    cr_expect_eq(sl_shared_find(shared, SL_NAME_SERVICE, SL_LIT("scrape")), scrape);
}

Test(names, an_unknown_name_is_slot_zero)
{
    cr_expect_eq(sl_shared_find(shared, SL_NAME_ROUTE, SL_LIT("nobody")), 0);
    cr_expect_eq(sl_shared_find(shared, SL_NAME_ROUTE, SL_LIT("")), 0);
    cr_expect_str_eq(shared->names[SL_NAME_ROUTE][0], "-");
}

Test(names, a_full_table_sends_newcomers_to_slot_zero)
{
    for (int i = 1; i != SL_MAX_SERVICES; ++i) {
        char name[16];
        int len = snprintf(name, sizeof name, "s%d", i);
        cr_assert_eq(sl_shared_claim(shared, SL_NAME_SERVICE, sl_bytes(name, (size_t)len)), i);
    }
    cr_expect_eq(sl_shared_claim(shared, SL_NAME_SERVICE, SL_LIT("late")), 0);
    cr_expect_eq(sl_shared_find(shared, SL_NAME_SERVICE, SL_LIT("late")), 0);
    cr_expect_eq(sl_shared_find(shared, SL_NAME_SERVICE, SL_LIT("s7")), 7);
}

Test(names, are_found_in_any_order)
{
    enum { COUNT = 50 };
    char names[COUNT][8];
    for (int i = 0; i != COUNT; ++i) {
        snprintf(names[i], sizeof names[i], "r%d", i);
        cr_assert_eq(sl_shared_claim(shared, SL_NAME_ROUTE, sl_bytes_of(names[i])), i + 1);
    }
    for (int i = 0; i != COUNT; ++i)
        cr_expect_eq(sl_shared_find(shared, SL_NAME_ROUTE, sl_bytes_of(names[i])), i + 1);
    for (int i = COUNT - 1; i != 0; --i)
        cr_expect_eq(sl_shared_claim(shared, SL_NAME_ROUTE, sl_bytes_of(names[i])), i + 1);
    for (int i = 0; i != COUNT; ++i)
        cr_expect_eq(sl_shared_find(shared, SL_NAME_ROUTE, sl_bytes_of(names[i * 7 % COUNT])), i * 7 % COUNT + 1);
    cr_expect_eq(sl_shared_find(shared, SL_NAME_ROUTE, SL_LIT("r")), 0);
}

Test(names, two_long_names_with_one_beginning_stay_two)
{
    char first[400], second[400];
    memset(first, 'a', sizeof first);
    memset(second, 'a', sizeof second);
    second[399] = 'b';

    int one = sl_shared_claim(shared, SL_NAME_INSTANCE, sl_bytes(first, sizeof first));
    int two = sl_shared_claim(shared, SL_NAME_INSTANCE, sl_bytes(second, sizeof second));

    cr_expect_neq(one, two);
    cr_expect_eq(sl_shared_find(shared, SL_NAME_INSTANCE, sl_bytes(second, sizeof second)), two);
}

Test(names, a_child_sees_what_its_parent_claims_later)
{
    int ask[2];
    cr_assert_eq(pipe(ask), 0);
    pid_t child = fork();
    if (child == 0) {
        char go;
        if (read(ask[0], &go, 1) != 1)
            _exit(1);
        _exit(sl_shared_find(shared, SL_NAME_ROUTE, SL_LIT("later")) == 1 ? 0 : 2);
    }

    sl_shared_claim(shared, SL_NAME_ROUTE, SL_LIT("later"));
    cr_assert_eq(write(ask[1], "x", 1), 1);

    int status;
    waitpid(child, &status, 0);
    cr_expect_eq(status, 0);
}

static struct sockaddr_in6 address_of(uint8_t fill)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = fill};
    memset(&address.sin6_addr, fill, sizeof address.sin6_addr);
    return address;
}

Test(addresses, an_instance_nobody_resolved_has_none)
{
    struct sockaddr_storage address;
    cr_expect_eq(sl_address_load(&shared->addresses[3], &address), 0);
}

Test(addresses, what_was_stored_is_read_back)
{
    struct sockaddr_in6 wanted = address_of(9);
    struct sockaddr_storage address;

    sl_address_store(&shared->addresses[3], (struct sockaddr *)&wanted, sizeof wanted);

    cr_assert_eq(sl_address_load(&shared->addresses[3], &address), sizeof wanted);
    cr_expect(memcmp(&address, &wanted, sizeof wanted) == 0);
}

static void *write_until_told(void *done)
{
    for (uint8_t fill = 0; !atomic_load((atomic_bool *)done); ++fill) {
        struct sockaddr_in6 address = address_of(fill);
        sl_address_store(&shared->addresses[0], (struct sockaddr *)&address, sizeof address);
    }
    return NULL;
}

Test(addresses, a_reader_never_sees_a_mixture_of_two_writers)
{
    atomic_bool done = false;
    pthread_t writers[2];
    for (int i = 0; i != 2; ++i)
        cr_assert_eq(pthread_create(&writers[i], NULL, write_until_told, &done), 0);

    unsigned mixtures = 0;
    for (int i = 0; i != 200000; ++i) {
        struct sockaddr_storage storage;
        if (sl_address_load(&shared->addresses[0], &storage) == 0)
            continue;
        const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)&storage;
        struct sockaddr_in6 wanted = address_of((uint8_t)address->sin6_port);
        mixtures += memcmp(address, &wanted, sizeof wanted) != 0;
    }
    atomic_store(&done, true);
    for (int i = 0; i != 2; ++i)
        pthread_join(writers[i], NULL);

    cr_expect_eq(mixtures, 0);
}

Test(addresses, a_writer_killed_in_the_middle_stops_nobody)
{
    struct sockaddr_in6 wanted = address_of(5);
    struct sockaddr_storage address;
    atomic_store(&shared->addresses[0].version, 7);

    cr_expect_eq(sl_address_load(&shared->addresses[0], &address), 0);
    sl_address_store(&shared->addresses[0], (struct sockaddr *)&wanted, sizeof wanted);

    cr_expect_eq(sl_address_load(&shared->addresses[0], &address), sizeof wanted);
}
