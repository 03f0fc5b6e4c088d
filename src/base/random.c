/*
 * random: octets of the kernel's generator, drawn a few kilobytes at a time because each request needs some for its id.
 *
 * Workers are forked, and a child must not hand out what its parent or a sibling hands out: the child empties the
 * buffer that it inherits. That happens in a fork handler rather than by comparing process ids, which would cost a
 * system call per request. Octets are wiped as they are given away.
 */
#include "sluice/digest.h"
#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

static __thread unsigned char pool[4096];
static __thread size_t left;

static void forget_inherited(void)
{
    left = 0;
}

static void register_fork_handler(void)
{
    if (pthread_atfork(NULL, NULL, forget_inherited) != 0)
        h2o_fatal("no memory for a fork handler");
}

static void refill(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_fork_handler);
    for (size_t got = 0; got != sizeof pool;) {
        ssize_t more = getrandom(pool + got, sizeof pool - got, 0);
        if (more > 0)
            got += (size_t)more;
        else if (errno != EINTR)
            h2o_fatal("getrandom");
    }
    left = sizeof pool;
}

/* How many of the wanted octets are there; at least one. They end at pool + left. */
static size_t at_hand(size_t wanted)
{
    if (left == 0)
        refill();
    return wanted < left ? wanted : left;
}

static void wipe_used(size_t count)
{
    left -= count;
    memset(pool + left, 0, count);
}

void sl_random_hex(char *hex, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t count; bytes != 0; bytes -= count) {
        count = at_hand(bytes);
        const unsigned char *octets = pool + left - count;
        for (size_t i = 0; i != count; ++i) {
            *hex++ = digits[octets[i] >> 4];
            *hex++ = digits[octets[i] & 15];
        }
        wipe_used(count);
    }
}

uint32_t sl_random_below(uint32_t bound)
{
    uint32_t number = 0;
    for (int i = 0; i != 4; ++i) {
        at_hand(1);
        number = number << 8 | pool[left - 1];
        wipe_used(1);
    }
    return (uint32_t)((uint64_t)number * bound >> 32);
}
