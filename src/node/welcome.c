/*
 * welcome: from accept(2) to libh2o, and the life of sl_connection_t.
 *
 *   accepted ─ listener expects a PROXY header? ─ no ──────────────────────> too many of this address? ─ no ─> libh2o
 *                              └ yes ─ peer trusted? ─ yes ─ greeting.c ─> (its client's address)  ─┘
 *   libh2o has closed it ─ may its client still send? ─ yes ─> linger.c
 *
 * Who is refused here is reset rather than closed: it costs nothing afterwards, and a flood from one address must cost
 * the others as little as possible.
 */
#include "process.h"
#include "sluice/clock.h"
#include "sluice/exchange.h"
#include "sluice/log.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#define USER_TIMEOUT_MS 30000u /* a peer that acknowledges nothing for so long is dropped by the kernel */

static void on_connection_gone(void *data);

/* A socket that takes both families reports IPv4 peers as ::ffff:a.b.c.d; the rest of the house knows them as IPv4. */
static void unmap(struct sockaddr_storage *address)
{
    const struct sockaddr_in6 wide = *(const struct sockaddr_in6 *)address;
    if (wide.sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&wide.sin6_addr))
        return;
    struct sockaddr_in narrow = {.sin_family = AF_INET, .sin_port = wide.sin6_port};
    memcpy(&narrow.sin_addr, wide.sin6_addr.s6_addr + 12, sizeof narrow.sin_addr);
    memcpy(address, &narrow, sizeof narrow);
}

static void note_peer(sl_connection_t *connection, const struct sockaddr_storage *address)
{
    const sl_config_t *config = connection->worker->config;
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    switch (address->ss_family) {
    case AF_INET:
        inet_ntop(AF_INET, &in->sin_addr, connection->peer, sizeof connection->peer);
        connection->peer_port = ntohs(in->sin_port);
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &in6->sin6_addr, connection->peer, sizeof connection->peer);
        connection->peer_port = ntohs(in6->sin6_port);
        break;
    case AF_UNIX:
        strcpy(connection->peer, "unix");
        break;
    default: /* gone before we could ask */
        strcpy(connection->peer, "unknown");
        return;
    }
    connection->is_trusted_peer =
        sl_blocks_contain(config->trusted, config->trusted_count, (const struct sockaddr *)address);
}

static sl_connection_t *create(sl_listener_t *listener, h2o_socket_t *sock)
{
    sl_worker_t *worker = &listener->process->super;
    sl_connection_t *connection = h2o_mem_alloc(sizeof *connection);
    *connection = (sl_connection_t){.worker = worker,
                                    .sock = sock,
                                    .listen = listener->terms->listen,
                                    .terms = sl_terms_retain(listener->terms),
                                    .tls.version = SL_TLS_NONE,
                                    .second_fd = -1,
                                    .accepted_us = sl_clock_us()};
    h2o_linklist_insert(&worker->connections, &connection->link);
    ++worker->connection_count;
    sl_number_add(&worker->slot->numbers[SL_M_CONNECTIONS], 1);
    sl_number_add(&worker->slot->numbers[SL_M_CONNECTIONS_OPEN], 1);
    sock->on_close.cb = on_connection_gone;
    sock->on_close.data = connection;
    return connection;
}

void sl_welcome(sl_listener_t *listener, h2o_socket_t *sock)
{
    sl_connection_t *connection = create(listener, sock);
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    h2o_socket_getpeername(sock, (struct sockaddr *)&address);
    unmap(&address);
    note_peer(connection, &address);

    unsigned user_timeout_ms = USER_TIMEOUT_MS;
    if (connection->peer_port != 0)
        setsockopt(h2o_socket_get_fd(sock), IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
    if (!connection->listen->proxy_protocol) {
        sl_welcome_in(connection, &address);
    } else if (connection->is_trusted_peer) {
        sl_greeting_start(connection);
    } else {
        sl_log_limited(SL_LOG_WARN, "proxy_untrusted", "%s is none of trusted_proxies: its connection to %s is refused",
                       connection->peer, connection->listen->text);
        sl_welcome_refuse(connection, SL_REFUSAL_PROXY_UNTRUSTED);
    }
}

void sl_welcome_as(sl_connection_t *connection, const struct sockaddr_storage *source)
{
    struct sockaddr_storage address = *source;
    unmap(&address);
    note_peer(connection, &address);
    sl_welcome_in(connection, &address);
}

/* Counts it among its address's. Proxies bring many clients each and are not counted. */
static bool is_one_too_many(sl_connection_t *connection, const struct sockaddr_storage *address)
{
    sl_worker_t *worker = connection->worker;
    uint64_t most = worker->config->limits.connections_per_address;
    const sl_shared_t *shared = worker->shared;

    if (connection->is_trusted_peer ||
        !sl_crowd_place((const struct sockaddr *)address, shared->crowd_secret, &connection->place))
        return false;
    sl_crowd_enter(&worker->slot->crowd, &connection->place);
    connection->is_counted = true;
    return most != 0 && sl_crowd_count(&shared->slots[0].crowd, sizeof shared->slots[0],
                                       sl_number_get(&shared->workers), &connection->place) > most;
}

void sl_welcome_in(sl_connection_t *connection, const struct sockaddr_storage *address)
{
    if (is_one_too_many(connection, address)) {
        sl_log_limited(SL_LOG_WARN, "address_full", "%s has %llu connections: no more until one closes",
                       connection->peer,
                       (unsigned long long)connection->worker->config->limits.connections_per_address);
        sl_welcome_refuse(connection, SL_REFUSAL_ADDRESS_FULL);
        return;
    }
    h2o_accept(&connection->terms->accept, connection->sock);
}

void sl_welcome_refuse(sl_connection_t *connection, sl_refusal_t refusal)
{
    const struct linger at_once = {.l_onoff = 1};
    sl_number_add(&connection->worker->slot->refusals[refusal], 1);
    setsockopt(h2o_socket_get_fd(connection->sock), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    h2o_socket_close(connection->sock);
}

void on_connection_gone(void *data)
{
    sl_connection_t *connection = data;
    sl_process_t *process = H2O_STRUCT_FROM_MEMBER(sl_process_t, super, connection->worker);
    h2o_linklist_unlink(&connection->link);
    sl_tls_note_gone(connection);
    if (connection->second_fd != -1 && !connection->is_doomed)
        sl_linger_begin(process, connection);
    else
        sl_welcome_forget(connection);
}

void sl_welcome_forget(sl_connection_t *connection)
{
    sl_worker_t *worker = connection->worker;
    sl_process_t *process = H2O_STRUCT_FROM_MEMBER(sl_process_t, super, worker);
    if (connection->second_fd != -1)
        close(connection->second_fd);
    if (connection->is_counted) {
        sl_crowd_leave(&worker->slot->crowd, &connection->place);
        if (connection->http2.is_exceeded)
            sl_grudge_bear(process, connection);
    }
    sl_terms_release(connection->terms);
    free(connection->unwanted);
    free(connection);
    --worker->connection_count;
    sl_number_sub(&worker->slot->numbers[SL_M_CONNECTIONS_OPEN], 1);
    sl_listeners_reconsider(process);
    sl_drain_note_gone(process);
}
