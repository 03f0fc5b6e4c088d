/* method: questions about a request's method that several rooms ask (RFC 9110 §9). Methods are case-sensitive. */
#ifndef SLUICE_METHOD_H
#define SLUICE_METHOD_H

#include "sluice/bytes.h"

/* Its answer has the head of GET's, and never a body (§9.3.2). */
static inline bool sl_is_head(h2o_iovec_t method)
{
    return sl_bytes_equal(method, SL_LIT("HEAD"));
}

/* It fetches, and does nothing else. */
static inline bool sl_is_get_or_head(h2o_iovec_t method)
{
    return sl_bytes_equal(method, SL_LIT("GET")) || sl_is_head(method);
}

#endif
