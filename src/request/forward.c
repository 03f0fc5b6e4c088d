/*
 * forward: the last stage. Sends the request to its service, or to whatever the route offers while the service is left
 * alone.
 *
 *   in   everything the stages before it found
 *   out  an answer, always
 */
#include "request.h"
#include "sluice/stages.h"

sl_verdict_t sl_forward(sl_exchange_t *exchange)
{
    if (exchange->use_fallback)
        return sl_fall_back(exchange);
    return sl_relay_start(exchange);
}
