/*
 * redirect: a listener with `redirect: https` has one thing to say.
 *
 *   in   the request line and Host
 *   out  an answer 308 with the same URL as https, or NEXT on other listeners
 *
 * It comes before routing: whatever is asked for here in the clear, its answer is elsewhere. 308 keeps method and body
 * (RFC 9110 §15.4.9). A trusted proxy that says the client came by https already is believed, else it would go in
 * circles.
 */
#include "request.h"
#include "sluice/answer.h"
#include "sluice/framing.h"
#include "sluice/stages.h"

#define HTTPS_PORT 443

static h2o_iovec_t cut_port(h2o_iovec_t authority)
{
    size_t end = authority.len;
    while (end > 0 && authority.base[end - 1] >= '0' && authority.base[end - 1] <= '9')
        --end;
    return end > 0 && authority.base[end - 1] == ':' ? sl_bytes(authority.base, end - 1) : authority;
}

h2o_iovec_t sl_https_url(sl_exchange_t *exchange, uint64_t port)
{
    h2o_req_t *req = exchange->req;
    h2o_iovec_t authority = req->input.authority, target = req->path, rest = req->path;
    sl_text_t url = {0};
    sl_target_split(target, &authority, &rest);
    authority = cut_port(authority);
    if (authority.len == 0)
        return sl_bytes(NULL, 0);
    sl_text_format(&url, "https://%.*s", (int)authority.len, authority.base);
    if (port != HTTPS_PORT)
        sl_text_format(&url, ":%u", (unsigned)port);
    if (rest.len == 0 || rest.base[0] != '/')
        sl_text_put(&url, "/");
    if (rest.len != 0 && rest.base[0] != '*')
        sl_text_append(&url, rest.base, rest.len);
    h2o_iovec_t copy = sl_exchange_copy(exchange, sl_bytes(url.base, url.size));
    sl_text_dispose(&url);
    return copy;
}

sl_verdict_t sl_redirect(sl_exchange_t *exchange)
{
    const sl_connection_t *connection = exchange->connection;
    h2o_req_t *req = exchange->req;
    if (connection == NULL || !connection->listen->redirects_to_https ||
        sl_bytes_equal_fold(exchange->client.proto, SL_LIT("https")))
        return SL_NEXT;
    h2o_iovec_t url = sl_https_url(exchange, connection->listen->redirect_port);
    if (url.len == 0)
        return sl_answer(exchange, SL_ANSWER_BAD_REQUEST,
                         &(sl_answer_details_t){.text = SL_LIT("Without Host there is no URL to send it to.")});
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_LOCATION, NULL, url.base, url.len);
    return sl_answer(exchange, SL_ANSWER_TO_HTTPS, NULL);
}
