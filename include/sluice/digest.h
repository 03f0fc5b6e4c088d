/* digest: the name of an API key's record. The key itself is never stored, logged or compared. */
#ifndef SLUICE_DIGEST_H
#define SLUICE_DIGEST_H

#include "sluice/bytes.h"
#include <stdint.h>

#define SL_DIGEST_HEX 64

/* Lower-case hex of SHA-256(key), or of HMAC-SHA256(pepper, key) when `pepper.len` is not 0 (FIPS 180-4, RFC 2104). No
 * final zero. */
void sl_digest_key(h2o_iovec_t pepper, h2o_iovec_t key, char hex[SL_DIGEST_HEX]);

/* `bytes` random octets as 2 x bytes lower-case hex digits, from the kernel through a per-process buffer. No final
 * zero. */
void sl_random_hex(char *hex, size_t bytes);
/* A random number below `bound` (bound > 0); for jitter, not for secrets. */
uint32_t sl_random_below(uint32_t bound);

#endif
