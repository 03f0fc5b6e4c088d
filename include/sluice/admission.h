/*
 * admission: what Redis said of one request (lua/admit.lua), and the header fields that tell the client. Pure.
 *
 * The reply is one bulk string, little-endian, packed by Lua's struct library:
 *   u8 version (1), u8 verdict, u8 flags, u8 count of limits, u32 granted,
 *   f64 wait_us, f64 probe generation, f64 probe id,
 *   per limit: u8 kind, u8 violated, f64 quota, f64 window_s, f64 remaining, f64 more_us, f64 full_us,
 *   u16 owner length, u16 name length, owner bytes, name bytes
 *
 * With verdict BROKEN the owner is the name of the broken field.
 */
#ifndef SLUICE_ADMISSION_H
#define SLUICE_ADMISSION_H

#include "sluice/bytes.h"
#include <stdint.h>

typedef enum {
    SL_VERDICT_ADMITTED = 0,
    SL_VERDICT_UNKNOWN = 1,
    SL_VERDICT_DISABLED = 2,
    SL_VERDICT_EXPIRED = 3,
    SL_VERDICT_SERVICE = 4, /* the record does not name this service */
    SL_VERDICT_METHOD = 5,
    SL_VERDICT_SCOPE = 6,
    SL_VERDICT_LIMITED = 7, /* the limits marked `violated` */
    SL_VERDICT_BREAKER = 8, /* key and limits would do, the service's breaker does not */
    SL_VERDICT_BROKEN = 9,
    SL_VERDICT_COUNT
} sl_admission_verdict_t;

#define SL_ADMISSION_FLAG_SHADOW 1 /* a limit was exceeded, but is in shadow mode: admitted */
#define SL_ADMISSION_FLAG_PROBE 2  /* this request is a probe of a half-open breaker */

typedef enum { SL_LIMIT_KEY, SL_LIMIT_SERVICE, SL_LIMIT_DAY, SL_LIMIT_MONTH, SL_LIMIT_KINDS } sl_limit_kind_t;

typedef struct sl_limit_state_t {
    sl_limit_kind_t kind;
    bool is_violated;
    uint64_t quota; /* units per window */
    uint64_t window_s;
    uint64_t remaining; /* units left after this request */
    uint64_t more_us;   /* until one more unit is there; 0 when full */
    uint64_t full_us;   /* until all are there again */
} sl_limit_state_t;

typedef struct sl_admission_t {
    sl_admission_verdict_t verdict;
    bool is_shadow_refused;
    bool is_probe;
    uint32_t granted;
    uint64_t wait_us; /* when refused: until a retry can succeed; 0 when waiting does not help */
    uint64_t probe_generation, probe_id;
    size_t limit_count;
    sl_limit_state_t limits[SL_LIMIT_KINDS];
    h2o_iovec_t owner, name; /* borrowed from the reply; with BROKEN: owner is the broken field's name */
} sl_admission_t;

/* False when the bytes are not such a reply. */
bool sl_admission_read(h2o_iovec_t reply, sl_admission_t *admission);

/* One grant for several requests: as it would have read for one before whose end `units` more were charged. */
void sl_admission_before(sl_admission_t *admission, uint64_t units);

/* Names of the policies in the header fields and in `violated_policies`: "key", "service", "day", "month". */
const char *sl_limit_name(sl_limit_kind_t kind);

/*
 * RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-11) list every limit; `size` of 512 is enough
 * for all. They return the length, 0 when there are none.
 *
 *   "key";q=100;w=60, "day";q=1000;w=86400
 *   "key";r=50;t=1, "day";r=17;t=3600
 */
size_t sl_admission_policy_field(const sl_admission_t *admission, char *text, size_t size);
size_t sl_admission_ratelimit_field(const sl_admission_t *admission, char *text, size_t size);
/* The limit that X-RateLimit-* speak of: the violated one, else the one with the smallest share left; NULL when there
 * are none. */
const sl_limit_state_t *sl_admission_tightest(const sl_admission_t *admission);
/* Seconds for Retry-After: rounded up, at least 1 (RFC 9110 §10.2.3). */
uint64_t sl_retry_after_s(uint64_t wait_us);

#endif
