/*
 * segment: the parts of a path between slashes, as written in a pattern and as found in a request.
 *
 * Normalising leaves escapes of reserved characters alone, because to a service "%3B" may mean another thing than ';'.
 * Matching cannot be so fine: were
 * "/orders%3Adelete" no spelling of "/orders:delete", it would slip into the route of "/orders*" and past the policy of
 * its own. So segments compare equal when they differ only in the escapes of characters that may stand raw in a
 * segment.
 */
#ifndef SLUICE_POLICY_SEGMENT_H
#define SLUICE_POLICY_SEGMENT_H

#include "sluice/bytes.h"
#include <stdint.h>

/* Cuts the segment that `*rest` begins with (its '/' included); false when nothing is left. "/a/" has two: "a" and "".
 */
bool sl_segment_next(h2o_iovec_t *rest, h2o_iovec_t *segment);
bool sl_segment_equal(h2o_iovec_t a, h2o_iovec_t b);
/* Equal segments have equal hashes. */
uint32_t sl_segment_hash(uint32_t seed, h2o_iovec_t segment);

/* In a checked pattern. */
static inline bool sl_segment_is_parameter(h2o_iovec_t segment)
{
    return segment.len != 0 && segment.base[0] == '{';
}

static inline bool sl_segment_is_rest(h2o_iovec_t segment)
{
    return segment.len == 1 && segment.base[0] == '*';
}

#endif
