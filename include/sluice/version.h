/*
 * version: which version of an API a request asks for, and what its life is. Pure: the present time is an argument.
 */
#ifndef SLUICE_VERSION_H
#define SLUICE_VERSION_H

#include "sluice/json_edit.h"

typedef enum { SL_VERSION_BY_PATH, SL_VERSION_BY_HEADER, SL_VERSION_BY_QUERY, SL_VERSION_BY_MEDIA } sl_version_by_t;

typedef struct sl_brownout_t {
    uint64_t begin_s, end_s; /* Unix seconds */
    uint64_t share_permille; /* of requests refused in between */
} sl_brownout_t;

typedef struct sl_version_life_t {
    uint64_t deprecated_s;     /* Unix seconds, 0: not deprecated */
    uint64_t sunset_s;         /* 0: no end in sight */
    h2o_iovec_t successor;     /* URL for Link; len 0: none */
    h2o_iovec_t documentation; /* URL for Link rel="deprecation"; len 0: none */
    sl_brownout_t *brownouts;
    size_t brownout_count;
} sl_version_life_t;

/* 410 after sunset; inside a brown-out the share of requests chosen by `lot` (0..999, random) is 410 too, with
 * Retry-After the end of the brown-out. */
typedef enum { SL_VERSION_SERVES, SL_VERSION_BROWNED_OUT, SL_VERSION_GONE } sl_version_fate_t;
sl_version_fate_t sl_version_fate(const sl_version_life_t *life, uint64_t now_s, unsigned lot, uint64_t *retry_after_s);

/* Field values: Deprecation "@1688169599" (RFC 9745), Sunset as an HTTP date (RFC 8594), Link (RFC 8288) with
 * successor-version and deprecation. 0 when there is nothing to say. */
size_t sl_version_deprecation_field(const sl_version_life_t *life, char *text, size_t size);
size_t sl_version_sunset_field(const sl_version_life_t *life, char *text, size_t size);
size_t sl_version_link_field(const sl_version_life_t *life, char *text, size_t size);

/* Does a request that asks for `wish` mean the version of this name? In media types also with a "v" before one of them.
 */
bool sl_version_is_called(const char *name, h2o_iovec_t wish, sl_version_by_t by);

#endif
