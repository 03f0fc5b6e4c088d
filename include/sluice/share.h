/*
 * share: how much may be read from one of many in one turn of the loop? Alone it gets a good piece; together they get
 * about as much as a turn should take, each a fair part, so that nobody waits long behind a crowd that moves much.
 * How many there are is known from the turn before. Pure.
 */
#ifndef SLUICE_SHARE_H
#define SLUICE_SHARE_H

#include <stddef.h>
#include <stdint.h>

#define SL_SHARE_BYTES_MAX ((size_t)64 * 1024)
#define SL_SHARE_BYTES_MIN ((size_t)16 * 1024) /* less costs more in system calls than it saves */
#define SL_SHARE_TURN_BYTES ((size_t)1024 * 1024)

typedef struct sl_share_t {
    uint64_t turn;         /* which one it is; any number that changes */
    size_t takers, before; /* of this turn, and of the one before */
} sl_share_t;

/* Another one takes part in this turn: how many bytes it may read. */
size_t sl_share_take(sl_share_t *share, uint64_t turn);

#endif
