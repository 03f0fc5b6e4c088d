/*
 * balance: which instance of a service gets the next try. Round robin per service and worker; a try that failed goes on
 * to the next one in the circle, and no instance is offered twice to one call. Instances without an address are
 * skipped.
 */
#ifndef SLUICE_UPSTREAM_BALANCE_H
#define SLUICE_UPSTREAM_BALANCE_H

#include "sluice/config.h"

/* Where one call stands in the circle. */
typedef struct sl_turn_t {
    size_t first;
    size_t seen;
    /* of the instance chosen last */
    const struct sockaddr *address;
    socklen_t address_len;
    struct sockaddr_storage resolved; /* holds `address` when it came from the resolver */
} sl_turn_t;

/* `cursor` belongs to the service in this worker and moves on by one. */
void sl_turn_begin(sl_turn_t *turn, const sl_service_t *service, size_t *cursor);
/* The next instance not offered yet, NULL when there is none. */
const sl_instance_t *sl_turn_next(sl_turn_t *turn, const sl_service_t *service, const sl_shared_t *shared);

#endif
