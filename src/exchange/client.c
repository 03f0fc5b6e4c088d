/*
 * client: who is at the other end. The peer's address is a fact; what it says in X-Forwarded-* is believed only when
 * the peer is one of `trusted_proxies`.
 *
 * From a trusted peer, the client is the rightmost address of X-Forwarded-For that is not itself a trusted proxy:
 * everything left of it could have been written by anybody. From anyone else the field begins anew with the peer.
 */
#include "exchange.h"
#include <arpa/inet.h>
#include <stdio.h>

static bool is_in_block(const sl_block_t *block, const uint8_t *address)
{
    unsigned whole = block->bits / 8, rest = block->bits % 8;

    if (memcmp(block->bytes, address, whole) != 0)
        return false;
    return rest == 0 || ((block->bytes[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool sl_blocks_contain(const sl_block_t *blocks, size_t count, const struct sockaddr *address)
{
    int family = address->sa_family;
    const uint8_t *bytes = (const uint8_t *)"";

    if (family == AF_INET)
        bytes = (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (family == AF_INET6)
        bytes = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
    if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)bytes)) {
        family = AF_INET; /* an IPv4 client of a socket that takes both families */
        bytes += 12;
    }
    for (size_t i = 0; i != count; ++i)
        if (blocks[i].family == family && (family == AF_UNIX || is_in_block(&blocks[i], bytes)))
            return true;
    return false;
}

static bool is_trusted(const sl_config_t *config, h2o_iovec_t text)
{
    char zero_terminated[INET6_ADDRSTRLEN];
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;

    if (text.len == 0 || text.len >= sizeof(zero_terminated))
        return false;
    memcpy(zero_terminated, text.base, text.len);
    zero_terminated[text.len] = '\0';
    if (inet_pton(AF_INET, zero_terminated, &v4->sin_addr) == 1)
        address.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, zero_terminated, &v6->sin6_addr) == 1)
        address.ss_family = AF_INET6;
    else
        return false;
    return sl_blocks_contain(config->trusted, config->trusted_count, (const struct sockaddr *)&address);
}

/* The rightmost entry that is no trusted proxy; the leftmost when all are. */
static h2o_iovec_t find_origin(const sl_config_t *config, h2o_iovec_t list)
{
    h2o_iovec_t entry = {NULL, 0};
    const char *end = list.base + list.len;

    while (end > list.base) {
        const char *begin = end;
        while (begin > list.base && begin[-1] != ',')
            --begin;
        entry = sl_bytes_trim(sl_bytes(begin, (size_t)(end - begin)));
        if (!is_trusted(config, entry))
            break;
        end = begin > list.base ? begin - 1 : begin;
    }
    return entry;
}

/* Several X-Forwarded-For lines are one list (RFC 9110 §5.3). */
static h2o_iovec_t join_forwarded_for(sl_exchange_t *exchange, h2o_iovec_t peer)
{
    const h2o_headers_t *headers = &exchange->req->headers;
    size_t room = peer.len;
    ssize_t index = -1;

    while ((index = h2o_find_header(headers, H2O_TOKEN_X_FORWARDED_FOR, index)) != -1)
        room += headers->entries[index].value.len + 2;
    if (room == peer.len)
        return peer;
    h2o_iovec_t list = {h2o_mem_alloc_pool(&exchange->req->pool, room), 0};
    while ((index = h2o_find_header(headers, H2O_TOKEN_X_FORWARDED_FOR, index)) != -1) {
        h2o_iovec_t value = headers->entries[index].value;
        memcpy(list.base + list.len, value.base, value.len);
        memcpy(list.base + list.len + value.len, ", ", 2);
        list.len += value.len + 2;
    }
    memcpy(list.base + list.len, peer.base, peer.len);
    list.len += peer.len;
    return list;
}

void sl_exchange_find_client(sl_exchange_t *exchange)
{
    sl_client_t *client = &exchange->client;
    h2o_req_t *req = exchange->req;
    h2o_iovec_t peer = exchange->connection != NULL ? sl_bytes_of(exchange->connection->peer) : SL_LIT("unknown");

    *client = (sl_client_t){.address = peer,
                            .forwarded_for = peer,
                            .proto = req->input.scheme != NULL ? req->input.scheme->name : SL_LIT("http"),
                            .is_believed = exchange->connection != NULL && exchange->connection->is_trusted_peer};
    if (!client->is_believed)
        return;

    client->forwarded_for = join_forwarded_for(exchange, peer);
    if (client->forwarded_for.len > peer.len + 2) {
        h2o_iovec_t before = {client->forwarded_for.base, client->forwarded_for.len - peer.len - 2};
        h2o_iovec_t origin = find_origin(exchange->config, before);
        if (origin.len != 0)
            client->address = origin;
    }
    h2o_iovec_t proto = sl_exchange_header(exchange, H2O_STRLIT("x-forwarded-proto"));
    if (sl_bytes_equal_fold(proto, SL_LIT("http")) || sl_bytes_equal_fold(proto, SL_LIT("https")))
        client->proto = proto;
    client->host = sl_exchange_header(exchange, H2O_STRLIT("x-forwarded-host"));
}
