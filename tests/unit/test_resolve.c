/* Names into addresses. Only names that need no network are asked for. */
#include "sluice/resolve.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>

Test(resolve, a_name_gets_an_address_with_its_port)
{
    sl_address_slot_t slot = {0};
    struct sockaddr_storage address;

    cr_assert_null(sl_resolve("127.0.0.1", 8001, &slot));

    cr_assert_eq(sl_address_load(&slot, &address), sizeof(struct sockaddr_in));
    cr_expect_eq(ntohs(((struct sockaddr_in *)&address)->sin_port), 8001);
}

Test(resolve, a_name_that_does_not_exist_leaves_the_slot_alone)
{
    sl_address_slot_t slot = {0};
    struct sockaddr_storage address;
    cr_assert_null(sl_resolve("127.0.0.1", 8001, &slot));

    cr_expect_not_null(sl_resolve("no such name", 8001, &slot));

    cr_expect_neq(sl_address_load(&slot, &address), 0);
}
