/* http2_end: the end of HTTP/2 connections while a worker drains. The library would drop what is being uploaded. */
#include "library.h"
#include "sluice/connection.h"
#include "sluice/guard.h"

static bool is_receiving(const h2o_http2_conn_t *conn)
{
    return conn->num_streams.pull.open != conn->num_streams.pull.half_closed;
}

void sl_guard_http2_finish(h2o_context_t *ctx, bool hurry)
{
    for (h2o_linklist_t *node = ctx->http2._conns.next; node != &ctx->http2._conns; node = node->next) {
        h2o_http2_conn_t *conn = H2O_STRUCT_FROM_MEMBER(h2o_http2_conn_t, _conns, node);
        if (!is_receiving(conn) || hurry)
            sl_http2_say_goodbye(conn->sock, true);
    }
}
