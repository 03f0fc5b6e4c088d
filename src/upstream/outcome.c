/* outcome: what the end of a call means to those who did not make it: to the client, and to the service's breaker. */
#include "sluice/breaker.h"
#include "sluice/upstream.h"

sl_call_end_kind_t sl_upstream_end_kind(sl_upstream_result_t result)
{
    switch (result) {
    case SL_UPSTREAM_OK:
        return SL_END_GOOD;
    case SL_UPSTREAM_NO_SOCKET:
        return SL_END_UNTRIED;
    case SL_UPSTREAM_REFUSED:
    case SL_UPSTREAM_UNRESOLVED:
        return SL_END_REFUSED;
    case SL_UPSTREAM_CONNECT_TIMEOUT:
    case SL_UPSTREAM_FIRST_BYTE_TIMEOUT:
    case SL_UPSTREAM_IDLE_TIMEOUT:
    case SL_UPSTREAM_TOTAL_TIMEOUT:
        return SL_END_TIMEOUT;
    case SL_UPSTREAM_STALE:
    case SL_UPSTREAM_SEND_FAILED:
    case SL_UPSTREAM_BROKEN_HEAD:
    case SL_UPSTREAM_BROKEN_BODY:
    case SL_UPSTREAM_CANCELLED:
    case SL_UPSTREAM_RESULT_COUNT:
    default:
        return SL_END_BROKEN;
    }
}

bool sl_upstream_counts_as_failure(const sl_breaker_settings_t *settings, sl_upstream_result_t result, int status)
{
    switch (sl_upstream_end_kind(result)) {
    case SL_END_GOOD:
        return sl_breaker_status_fails(settings, status);
    case SL_END_UNTRIED: /* the service had no part in it */
        return false;
    case SL_END_REFUSED:
        return settings->count_connect;
    case SL_END_TIMEOUT:
        return settings->count_timeout || (result == SL_UPSTREAM_CONNECT_TIMEOUT && settings->count_connect);
    case SL_END_BROKEN:
    default:
        return settings->count_broken;
    }
}
