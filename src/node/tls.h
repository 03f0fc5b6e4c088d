/*
 * tls: the OpenSSL contexts of one listener.
 *
 *   tls.c          the policy, and one context per set of certificates
 *   tls_owner.c    whose context it is
 *   tls_names.c    which context serves a name
 *   tls_staple.c   OCSP responses
 *   tls_tickets.c  sealing and opening session tickets
 *   tls_events.c   what handshakes tell: counters, facts of the connection
 */
#ifndef SLUICE_NODE_TLS_H
#define SLUICE_NODE_TLS_H

#include "sluice/connection.h"
#include "sluice/listen.h"
#include "sluice/ticket_keys.h"

#define SL_TLS_KEY_TYPES 4 /* certificates that one name may have, each with another type of key */

/* Certificates that serve the same names together. */
typedef struct sl_tls_set_t {
    const sl_certificate_t *certificates[SL_TLS_KEY_TYPES];
    size_t count;
    SSL_CTX *context;
} sl_tls_set_t;

typedef struct sl_tls_name_t {
    const char *name; /* "a.example", "*.example" */
    size_t set;
} sl_tls_name_t;

typedef struct sl_tls_t {
    const sl_listen_t *listen;
    const sl_ticket_keys_t *ticket_keys;
    sl_tls_set_t *sets; /* the first is the default */
    size_t set_count;
    sl_tls_name_t *names; /* sorted */
    size_t name_count;
} sl_tls_t;

/* The settings must outlive it. NULL with an error. */
sl_tls_t *sl_tls_create(const sl_listen_t *listen, const sl_ticket_keys_t *ticket_keys, sl_text_t *error);
/* Only when no connection uses it any more. */
void sl_tls_destroy(sl_tls_t *tls);
SSL_CTX *sl_tls_default_context(const sl_tls_t *tls);

/* tls_owner.c: the listener that a handshake belongs to. */
void sl_tls_own(SSL_CTX *context, sl_tls_t *tls);
const sl_tls_t *sl_tls_of(const SSL *ssl);

/* tls_names.c */
void sl_tls_make_sets(sl_tls_t *tls);
/* The set for a name as the client sent it; the default when nobody serves it. */
const sl_tls_set_t *sl_tls_find_set(const sl_tls_t *tls, h2o_iovec_t name);
void sl_tls_choose_by_name(SSL_CTX *context, sl_tls_t *tls);

/* tls_staple.c, tls_tickets.c, tls_events.c: each hangs its callbacks on a context. */
void sl_tls_staple(SSL_CTX *context);
void sl_tls_seal_tickets(SSL_CTX *context);
void sl_tls_watch(SSL_CTX *context);

/* tls_plain.c: a handshake does not get on; if that is because its client speaks plain HTTP, it is told so. */
void sl_tls_answer_plain(sl_connection_t *connection);

/* tls_events.c: the connection ends; a handshake that was begun and not completed is counted. */
void sl_tls_note_gone(sl_connection_t *connection);

#endif
