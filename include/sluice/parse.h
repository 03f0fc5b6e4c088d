/* parse: the small written forms of settings. Each takes whole bytes, returns false for anything else, and never
 * allocates. */
#ifndef SLUICE_PARSE_H
#define SLUICE_PARSE_H

#include "sluice/bytes.h"
#include <stdint.h>

/* Decimal digits only, no sign, no blanks; false on overflow. */
bool sl_parse_count(h2o_iovec_t text, uint64_t *value);
/* "250ms", "1s", "5m", "2h", "7d", "0"; a unit is required unless the number is 0. */
bool sl_parse_duration_ms(h2o_iovec_t text, uint64_t *ms);
/* "512", "64KiB", "10MiB", "1GiB" (also B, KB, MB, GB as powers of 1000). */
bool sl_parse_size(h2o_iovec_t text, uint64_t *bytes);

/* "100/60s": so many per so long; "0/1s" is refused. Window in whole seconds. */
typedef struct sl_rate_t {
    uint64_t limit;
    uint64_t window_s;
} sl_rate_t;
bool sl_parse_rate(h2o_iovec_t text, sl_rate_t *rate);

/* Canonical text of the same forms, for `config dump`; returns the length written (at most 32). */
size_t sl_print_duration_ms(char *text, uint64_t ms);
size_t sl_print_size(char *text, uint64_t bytes);

/* The nearest of `names` by edit distance (Damerau-Levenshtein), or NULL when none is near enough to be meant. */
const char *sl_nearest_name(h2o_iovec_t word, const char *const *names, size_t count);

#endif
