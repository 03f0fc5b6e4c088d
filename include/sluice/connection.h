/*
 * connection: one client connection as the exchange sees it. node/welcome.c makes and frees it
 * (h2o_socket_t::on_close); there is one libh2o socket to it all its life.
 */
#ifndef SLUICE_CONNECTION_H
#define SLUICE_CONNECTION_H

#include "sluice/crowd.h"
#include "sluice/framing.h"
#include "sluice/http2_budget.h"
#include "sluice/listen.h"
#include <h2o.h>
#include <stdbool.h>

typedef struct sl_exchange_t sl_exchange_t;
typedef struct sl_worker_t sl_worker_t;

typedef struct sl_terms_t sl_terms_t; /* node/terms.c: what a listener is like under one configuration */

/* What the TLS handshake has settled; without TLS, and before, nothing. Written by node/tls_events.c. */
typedef struct sl_tls_facts_t {
    bool has_begun, is_done;
    sl_tls_version_t version;    /* SL_TLS_NONE: not agreed on yet */
    const char *cipher;          /* in OpenSSL's words; NULL until it is done */
    char *client_subject;        /* RFC 2253; NULL: the client has shown no certificate */
    char client_fingerprint[65]; /* SHA-256 of it, hexadecimal */
} sl_tls_facts_t;

/* HTTP/2: a stream that was answered before its body had come. What still comes of it is thrown away. */
typedef struct sl_unwanted_t {
    uint32_t stream;  /* 0: none */
    uint32_t left;    /* bytes that its window lets the client send */
    bool is_open;     /* libh2o still has the stream */
    bool is_left;     /* never gathered: its head alone is answered */
    bool is_ended;    /* its trailers have come */
    size_t announced; /* with is_left: Content-Length; 0: none */
} sl_unwanted_t;

#define SL_UNWANTED_MAX 128 /* of one connection; more than libh2o takes streams at once */

typedef struct sl_connection_t {
    h2o_linklist_t link; /* worker->connections */
    sl_worker_t *worker;
    h2o_socket_t *sock;
    const sl_listen_t *listen; /* the listener's settings when it was accepted; they live as long as it does */
    sl_terms_t *terms;         /* retained */
    sl_tls_facts_t tls;
    char peer[INET6_ADDRSTRLEN]; /* numeric address; "unix" for Unix sockets */
    uint16_t peer_port;
    bool is_trusted_peer;   /* in trusted_proxies when it was accepted */
    bool is_doomed;         /* shut down: answer nothing more than 503 */
    const char *end_reason; /* with is_doomed: the word for the log, static */
    unsigned in_flight;     /* exchanges alive */
    uint64_t accepted_us;
    uint64_t requests; /* begun */
    /* written by the guard */
    sl_framing_error_t refusal; /* of the head that was parsed last; whoever answers it clears it */
    uint32_t head_lines;        /* HTTP/1: of a head that is not complete yet */
    bool is_body_left;          /* HTTP/1: the head alone of the request that comes next is answered */
    size_t announced;           /* with is_body_left: its Content-Length; 0: none */
    bool is_http2;
    sl_http2_ledger_t http2;
    /* written by exchange/unwanted.c */
    sl_unwanted_t *unwanted; /* SL_UNWANTED_MAX of them, the oldest is overwritten; NULL: there never was one */
    unsigned unwanted_next;
    sl_exchange_t *waiting; /* HTTP/1: the exchange whose client socket is armed; told when the client leaves */
    /* written by node/welcome.c */
    bool is_greeting; /* its PROXY header is awaited; libh2o does not have the connection yet */
    bool is_counted;  /* in the crowd, at `place` */
    sl_crowd_place_t place;
    /* written by exchange/sweep.c */
    uint64_t swept;          /* number of the last sweep that saw a request, or the beginning of one, on it */
    uint64_t swept_requests; /* `requests` when it was last looked at */
    uint64_t idle_since_us;
    uint64_t goodbye_us;     /* HTTP/2: the client was told to go; 0: not yet */
    uint64_t stuck_since_us; /* HTTP/2: a write goes on, and nothing has been taken since */
    uint64_t stuck_at;       /* what the kernel said of it */
    unsigned stuck_seen;     /* so many sweeps in a row */
    int tcp_state;           /* at the last sweep */
    /* how it ends while its client still sends (node/linger.c) */
    int second_fd; /* -1, or what is left of it when libh2o closes its own */
    uint64_t closed_us, lingered_us;
    size_t lingered_bytes;
} sl_connection_t;

/* A head whose body is not here yet: would it be refused anyway? (guard/judge.c asks, request/judge_head.c answers.) */
typedef struct sl_head_question_t {
    const sl_connection_t *connection;
    h2o_iovec_t method, target, authority; /* base NULL: none */
    const sl_head_field_t *fields;
    size_t field_count;
    size_t announced; /* Content-Length; 0: none */
} sl_head_question_t;

/* NULL while libh2o has no socket for it. */
static inline sl_connection_t *sl_connection_of(h2o_req_t *req)
{
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
    return sock != NULL ? sock->on_close.data : NULL;
}

/* Gets rid of it, safe from any callback: shutdown(2), libh2o then sees the end (libh2o.md 2.2). `reason`, a literal,
 * is what the log says of the request that it serves. */
void sl_connection_kill(sl_connection_t *connection, const char *reason);
/* HTTP/1: an answer begins after which libh2o will close the connection, and the client may still be sending. */
void sl_connection_let_linger(sl_connection_t *connection);
/* GOAWAY on a connection of HTTP/2. `is_final`: no further request is taken, and it closes after the last answer.
 * Harmless once that was said. */
void sl_http2_say_goodbye(h2o_socket_t *sock, bool is_final);

/* HTTP/2, for the guard: does DATA on that stream belong to a body that is not wanted any more? Then it was accounted
 * for, and libh2o must not see it. */
bool sl_http2_throw_away(sl_connection_t *connection, uint32_t stream, size_t bytes);
/* The same of its trailers, which come once: behind them every further head is one too many. */
bool sl_http2_throw_trailers_away(sl_connection_t *connection, uint32_t stream);
/* Its head alone will be answered: the body is not gathered at all. */
void sl_http2_leave_body(sl_connection_t *connection, h2o_req_t *req, size_t announced);
/* libh2o has done with a stream: `is_complete` when its answer went out whole. */
void sl_http2_note_closed(sl_connection_t *connection, uint32_t stream, bool is_complete);

#endif
