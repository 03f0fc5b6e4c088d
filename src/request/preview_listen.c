/*
 * preview_listen: which listener would a request have come to, for `sluice explain` (preview.h)?
 *
 * A URL tells it by its port, and where no listener has that port (a balancer stands in front) by its scheme. A bare
 * path says nothing of it: then it is one that serves.
 */
#include "request.h"
#include "sluice/framing.h"
#include "sluice/parse.h"
#include "sluice/preview.h"

static uint64_t port_of_listen(const sl_listen_t *listen)
{
    const struct sockaddr *address = (const struct sockaddr *)&listen->address;

    if (address->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&listen->address)->sin_port);
    return address->sa_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)&listen->address)->sin6_port) : 0;
}

/* What stands behind the last colon of an authority; 0: nothing that is a port. */
static uint64_t port_of_url(h2o_iovec_t authority, bool is_https)
{
    size_t at = authority.len;
    uint64_t port = 0;

    while (at != 0 && authority.base[at - 1] >= '0' && authority.base[at - 1] <= '9')
        --at;
    if (at == 0 || authority.base[at - 1] != ':')
        return is_https ? 443 : 80;
    return sl_parse_count(sl_bytes(authority.base + at, authority.len - at), &port) ? port : 0;
}

static const sl_listen_t *first_that_serves(const sl_config_t *config)
{
    for (size_t i = 0; i != config->listen_count; ++i)
        if (!config->listens[i].redirects_to_https)
            return &config->listens[i];
    return config->listen_count != 0 ? &config->listens[0] : NULL;
}

static const sl_listen_t *by_url(const sl_config_t *config, uint64_t port, bool is_https)
{
    for (size_t i = 0; i != config->listen_count; ++i)
        if (port_of_listen(&config->listens[i]) == port && config->listens[i].has_tls == is_https)
            return &config->listens[i];
    for (size_t i = 0; i != config->listen_count; ++i)
        if (config->listens[i].has_tls == is_https)
            return &config->listens[i];
    return first_that_serves(config);
}

const sl_listen_t *sl_preview_listen(sl_exchange_t *exchange)
{
    h2o_iovec_t target = exchange->req->path, authority = {NULL, 0}, rest;
    bool is_https = target.len > 6 && sl_bytes_equal_fold(sl_bytes(target.base, 6), SL_LIT("https:"));

    if (target.len == 0 || target.base[0] == '/' || target.base[0] == '*')
        return first_that_serves(exchange->config);
    sl_target_split(target, &authority, &rest);
    return by_url(exchange->config, port_of_url(authority, is_https), is_https);
}

bool sl_preview_redirect(sl_exchange_t *exchange, const sl_listen_t *listen, h2o_iovec_t *url)
{
    if (listen->has_tls)
        exchange->client.proto = SL_LIT("https");
    if (!listen->redirects_to_https)
        return false;
    *url = sl_https_url(exchange, listen->redirect_port);
    return true;
}
