/* media_range: one media type, or one element of Accept, taken apart (RFC 9110 §8.3.1, §12.5.1). */
#ifndef SLUICE_POLICY_MEDIA_RANGE_H
#define SLUICE_POLICY_MEDIA_RANGE_H

#include "sluice/bytes.h"

typedef struct sl_media_range_t {
    h2o_iovec_t type, subtype;
    h2o_iovec_t parameters; /* behind the first semicolon, q and what follows it included */
} sl_media_range_t;

/* False when it has no slash or an empty half. */
bool sl_media_range_read(h2o_iovec_t text, sl_media_range_t *range);
/* The next parameter of *rest, quotes taken off its value; false when there is none. What is no parameter is skipped.
 */
bool sl_media_next_parameter(h2o_iovec_t *rest, h2o_iovec_t *name, h2o_iovec_t *value);
/* The next piece of *rest up to a `border` outside of quotes, trimmed; false when *rest is empty. */
bool sl_media_next_piece(h2o_iovec_t *rest, char border, h2o_iovec_t *piece);

#endif
