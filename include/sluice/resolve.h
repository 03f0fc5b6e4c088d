/* resolve: a host name into the address slot that workers read. Blocks as long as the system's resolver does: never
 * call it from an event loop. */
#ifndef SLUICE_RESOLVE_H
#define SLUICE_RESOLVE_H

#include "sluice/shared.h"

/* Stores an address and returns NULL, or returns what went wrong and leaves the slot alone. An address that is in the
 * slot stays while the name still has it. */
const char *sl_resolve(const char *host, uint16_t port, sl_address_slot_t *slot);

#endif
