/* balance: a circle of instances, entered one further by each call. */
#include "balance.h"

void sl_turn_begin(sl_turn_t *turn, const sl_service_t *service, size_t *cursor)
{
    turn->seen = 0;
    /* a reload may have made the circle smaller */
    turn->first = *cursor < service->instance_count ? *cursor : 0;
    *cursor = turn->first + 1;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET)
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    else if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
}

static bool find_address(sl_turn_t *turn, const sl_instance_t *instance, const sl_shared_t *shared)
{
    if (instance->literal_len != 0) {
        turn->address = (const struct sockaddr *)&instance->literal;
        turn->address_len = instance->literal_len;
        return true;
    }
    turn->address = (const struct sockaddr *)&turn->resolved;
    if (instance->slot == 0) /* the row of all that found none: whoever's address may stand there */
        return false;
    turn->address_len = sl_address_load(&shared->addresses[instance->slot], &turn->resolved);
    if (turn->address_len == 0)
        return false;
    /* the resolver publishes the host's address; the port is the configuration's */
    set_port(&turn->resolved, instance->port);
    return true;
}

const sl_instance_t *sl_turn_next(sl_turn_t *turn, const sl_service_t *service, const sl_shared_t *shared)
{
    while (turn->seen < service->instance_count) {
        const sl_instance_t *instance = &service->instances[(turn->first + turn->seen++) % service->instance_count];
        if (find_address(turn, instance, shared))
            return instance;
    }
    return NULL;
}
