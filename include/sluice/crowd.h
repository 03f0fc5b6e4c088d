/*
 * crowd: how many connections an address has, counted over all workers of a node, without locks and without a list of
 * addresses. One table per worker in the mapped segment (shared.h), which only that worker writes: what a dead worker
 * held is given back by clearing its table.
 *
 * An address has a cell in each row, found by a keyed hash, and its count is the smaller of the two sums over the
 * workers (a count-min sketch, Cormode and Muthukrishnan 2005): never too low, and too high only for one who shares
 * both cells with somebody else.
 */
#ifndef SLUICE_CROWD_H
#define SLUICE_CROWD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SL_CROWD_ROWS 2
#define SL_CROWD_CELLS 32768

typedef struct sl_crowd_t {
    _Atomic uint32_t cells[SL_CROWD_ROWS][SL_CROWD_CELLS];
} sl_crowd_t;

typedef struct sl_crowd_place_t {
    uint16_t cells[SL_CROWD_ROWS];
} sl_crowd_place_t;

/* Where an address stands: an IPv4 address as a whole (IPv4-mapped too), of IPv6 the /64, which is what one subscriber
 * has. False for what has no address: it is not counted. `secret` keeps others from choosing their neighbours. */
bool sl_crowd_place(const struct sockaddr *address, uint64_t secret, sl_crowd_place_t *place);
void sl_crowd_enter(sl_crowd_t *crowd, const sl_crowd_place_t *place);
void sl_crowd_leave(sl_crowd_t *crowd, const sl_crowd_place_t *place);
/* The sum over `count` tables, `stride` bytes from one to the next. */
uint64_t sl_crowd_count(const sl_crowd_t *first, size_t stride, size_t count, const sl_crowd_place_t *place);
/* For the table of a worker that is dead. */
void sl_crowd_clear(sl_crowd_t *crowd);

#endif
