/* explain_outcome: would the request be served, by whom, and if not why: the first reason that any part of the story
 * has found. */
#include "explain.h"

void sl_explain_refuse(sl_explain_t *explain, int status, const char *why)
{
    if (explain->refusal != NULL)
        return;
    explain->refusal = why;
    explain->status = status;
}

static void tell_who(sl_outline_t *outline, const sl_explain_t *explain)
{
    const sl_exchange_t *exchange = explain->exchange;
    const sl_route_t *route = explain->was_routed ? exchange->route : NULL;

    if (route == NULL || route->is_health)
        sl_outline_text(outline, "by", SL_LIT("the gateway itself"));
    else if (route->aggregate != NULL)
        sl_outline_text(outline, "by", SL_LIT("the gateway, from several calls"));
    else
        sl_outline_format(outline, "by", "service %s", exchange->service->name);
}

static void tell(sl_outline_t *outline, const sl_explain_t *explain)
{
    sl_outline_map(outline, "outcome");
    if (explain->refusal == NULL && explain->is_unsure)
        sl_outline_json(outline, "served", SL_LIT("null"));
    else
        sl_outline_flag(outline, "served", explain->refusal == NULL);
    if (explain->refusal != NULL) {
        sl_outline_number(outline, "status", (uint64_t)explain->status);
        sl_outline_text(outline, "why", sl_bytes_of(explain->refusal));
    } else if (explain->is_unsure) {
        sl_outline_text(outline, "why", SL_LIT("the key and its limits are known to Redis only"));
    } else {
        tell_who(outline, explain);
    }
    sl_outline_close(outline);
}

void sl_explain_outcome(sl_explain_t *explain)
{
    sl_outline_t first;

    sl_outline_begin(&first, explain->outline.as_json);
    tell(&first, explain);
    sl_outline_end(&first);
    sl_outline_put_first(&explain->outline, &first);
    sl_outline_dispose(&first);
}
