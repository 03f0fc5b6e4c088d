/* crowd: see crowd.h for the idea. */
#include "sluice/crowd.h"
#include <netinet/in.h>
#include <string.h>

_Static_assert(SL_CROWD_CELLS <= UINT16_MAX + 1, "a cell's number fits its type");

/* The finalizer of SplitMix64: every bit of the input moves every bit of the result. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

/* The 64 bits that tell subscribers apart; those of IPv4 lie in ::/64, where no subscriber lives. */
static bool subscriber_of(const struct sockaddr *address, uint64_t *subscriber)
{
    *subscriber = 0;
    if (address->sa_family == AF_INET) {
        memcpy(subscriber, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    const struct in6_addr *wide = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(wide))
        memcpy(subscriber, wide->s6_addr + 12, 4);
    else
        memcpy(subscriber, wide->s6_addr, 8);
    return true;
}

bool sl_crowd_place(const struct sockaddr *address, uint64_t secret, sl_crowd_place_t *place)
{
    uint64_t subscriber;
    if (!subscriber_of(address, &subscriber))
        return false;
    uint64_t hash = mix(mix(subscriber + secret) ^ secret);
    place->cells[0] = (uint16_t)(hash % SL_CROWD_CELLS);
    place->cells[1] = (uint16_t)((hash >> 32) % SL_CROWD_CELLS);
    return true;
}

static void change(sl_crowd_t *crowd, const sl_crowd_place_t *place, uint32_t by)
{
    for (int row = 0; row != SL_CROWD_ROWS; ++row) { /* one writer: no locked instruction */
        _Atomic uint32_t *cell = &crowd->cells[row][place->cells[row]];
        atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + by, memory_order_relaxed);
    }
}

void sl_crowd_enter(sl_crowd_t *crowd, const sl_crowd_place_t *place)
{
    change(crowd, place, 1);
}

void sl_crowd_leave(sl_crowd_t *crowd, const sl_crowd_place_t *place)
{
    change(crowd, place, UINT32_MAX);
}

uint64_t sl_crowd_count(const sl_crowd_t *first, size_t stride, size_t count, const sl_crowd_place_t *place)
{
    uint64_t least = UINT64_MAX;
    for (int row = 0; row != SL_CROWD_ROWS; ++row) {
        uint64_t sum = 0;
        for (size_t i = 0; i != count; ++i) {
            const sl_crowd_t *crowd = (const sl_crowd_t *)(const void *)((const char *)first + i * stride);
            sum += atomic_load_explicit(&((sl_crowd_t *)crowd)->cells[row][place->cells[row]], memory_order_relaxed);
        }
        least = sum < least ? sum : least;
    }
    return least;
}

void sl_crowd_clear(sl_crowd_t *crowd)
{
    for (int row = 0; row != SL_CROWD_ROWS; ++row)
        for (size_t i = 0; i != SL_CROWD_CELLS; ++i)
            if (atomic_load_explicit(&crowd->cells[row][i], memory_order_relaxed) != 0) /* reading an untouched page */
                atomic_store_explicit(&crowd->cells[row][i], 0, memory_order_relaxed);  /* costs no memory */
}
