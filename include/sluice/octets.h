/* octets: eight bytes looked at together. For what is asked of every byte of every head and of every line of the log.
 */
#ifndef SLUICE_OCTETS_H
#define SLUICE_OCTETS_H

#include <stdint.h>
#include <string.h>

#define SL_OCTETS 8
#define SL_EACH_OCTET(value) (UINT64_C(0x0101010101010101) * (value))

static inline uint64_t sl_octets_at(const char *at)
{
    uint64_t octets;

    memcpy(&octets, at, sizeof(octets));
    return octets;
}

/* Not zero when one of them is below `bound`, which is at most 0x80: only such an octet is borrowed for while its own
 * highest bit is clear (a borrow that runs on can only start at another one). */
static inline uint64_t sl_octets_below(uint64_t octets, unsigned char bound)
{
    return (octets - SL_EACH_OCTET(bound)) & ~octets & SL_EACH_OCTET(0x80);
}

/* Not zero when one of them is `octet`. */
static inline uint64_t sl_octets_equal(uint64_t octets, unsigned char octet)
{
    return sl_octets_below(octets ^ SL_EACH_OCTET(octet), 1);
}

/* Not zero when one of them is no ASCII. */
static inline uint64_t sl_octets_wide(uint64_t octets)
{
    return octets & SL_EACH_OCTET(0x80);
}

#endif
