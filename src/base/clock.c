/* clock: both readings come from the vDSO, so they cost no system call. */
#include "sluice/clock.h"
#include <time.h>

static __thread uint64_t last_us;

uint64_t sl_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    last_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    return last_us;
}

uint64_t sl_clock_last_us(void)
{
    return last_us;
}

uint64_t sl_clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
