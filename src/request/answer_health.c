/*
 * answer_health: the built-in route of the setting `health`. It says that this node takes traffic and which services it
 * stands for; it asks nobody, so it never fails because something behind the gateway does (that is what /ready on the
 * ops listener is for).
 */
#include "sluice/answer.h"
#include "sluice/stages.h"

static void write_health(sl_text_t *body, const sl_config_t *config)
{
    sl_text_put(body, "{\"status\":\"ok\",\"services\":[");
    for (size_t i = 0; i != config->service_count; ++i) {
        if (i != 0)
            sl_text_put(body, ",");
        sl_text_json(body, sl_bytes_of(config->services[i].name));
    }
    sl_text_put(body, "]}");
}

sl_verdict_t sl_answer_health(sl_exchange_t *exchange)
{
    sl_text_t text = {0};

    if (!exchange->route->is_health)
        return SL_NEXT;
    write_health(&text, exchange->config);
    h2o_iovec_t body = sl_exchange_copy(exchange, sl_bytes(text.base, text.size));
    sl_text_dispose(&text);
    exchange->reason = "health";
    exchange->outcome = SL_ADMISSION_OPEN_ROUTE;
    return sl_answer_send(exchange, 200, SL_LIT("application/json"), body);
}
