/* endpoint: reads hosts and ports; no name is resolved here. */
#include "endpoint.h"
#include "sluice/parse.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <sys/un.h>

static bool read_port(h2o_iovec_t text, sl_endpoint_t *endpoint)
{
    uint64_t port;
    if (!sl_parse_count(text, &port) || port == 0 || port > UINT16_MAX)
        return false;
    endpoint->port = (uint16_t)port;
    endpoint->has_port = true;
    return true;
}

static bool take_host(h2o_iovec_t host, sl_endpoint_t *endpoint)
{
    if (host.len == 0 || host.len >= sizeof(endpoint->host))
        return false;
    memcpy(endpoint->host, host.base, host.len);
    endpoint->host[host.len] = 0;
    return true;
}

bool sl_endpoint_read(h2o_iovec_t text, sl_endpoint_t *endpoint)
{
    *endpoint = (sl_endpoint_t){.is_bracketed = text.len != 0 && text.base[0] == '['};
    const char *end = text.base + text.len;
    const char *colon = text.len != 0 ? memchr(text.base, ':', text.len) : NULL;
    if (endpoint->is_bracketed) {
        const char *bracket = memchr(text.base, ']', text.len);
        if (bracket == NULL || (bracket + 1 != end && bracket[1] != ':'))
            return false;
        colon = bracket + 1 != end ? bracket + 1 : NULL;
        if (!take_host(sl_bytes(text.base + 1, (size_t)(bracket - text.base - 1)), endpoint))
            return false;
    } else if (!take_host(sl_bytes(text.base, (size_t)((colon != NULL ? colon : end) - text.base)), endpoint)) {
        return false;
    }
    return colon == NULL || read_port(sl_bytes(colon + 1, (size_t)(end - colon - 1)), endpoint);
}

socklen_t sl_endpoint_literal(const sl_endpoint_t *endpoint, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof(*address));
    struct sockaddr_in *four = (void *)address;
    struct sockaddr_in6 *six = (void *)address;
    if (endpoint->is_bracketed && inet_pton(AF_INET6, endpoint->host, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(endpoint->port);
        return sizeof(*six);
    }
    if (!endpoint->is_bracketed && inet_pton(AF_INET, endpoint->host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(endpoint->port);
        return sizeof(*four);
    }
    return 0;
}

bool sl_endpoint_is_name(const sl_endpoint_t *endpoint)
{
    bool has_letter = false;
    for (const char *at = endpoint->host; *at != 0; ++at) {
        if (!isalnum((unsigned char)*at) && strchr("-_.", *at) == NULL)
            return false;
        has_letter = has_letter || isalpha((unsigned char)*at);
    }
    return has_letter && !endpoint->is_bracketed;
}

socklen_t sl_endpoint_unix(h2o_iovec_t path, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof(*address));
    struct sockaddr_un *local = (void *)address;
    if (path.len == 0 || path.base[0] != '/' || path.len >= sizeof(local->sun_path))
        return 0;
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path.base, path.len);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
}
