/*
 * terms: what a listener is like under one configuration: its settings, and the TLS contexts made from them. Counted:
 * the listener holds one, each connection holds the one it was accepted with. So a reload changes what the next
 * connection meets and nothing for those that are here; libh2o, which keeps bare pointers to both the accept context
 * and the SSL_CTX until a handshake is over, never sees one of them freed.
 */
#ifndef SLUICE_NODE_TERMS_H
#define SLUICE_NODE_TERMS_H

#include "sluice/config.h"
#include "sluice/connection.h"
#include "tls.h"

struct sl_terms_t {
    size_t references;
    sl_config_t *config; /* retained */
    const sl_listen_t *listen;
    sl_tls_t *tls;           /* NULL: in the clear */
    h2o_accept_ctx_t accept; /* as h2o_accept wants it */
};

/* `listen` is one of config->listens. NULL with an error when OpenSSL refuses what the configuration's check let
 * through. */
sl_terms_t *sl_terms_create(sl_config_t *config, const sl_listen_t *listen, const h2o_accept_ctx_t *accept,
                            const sl_ticket_keys_t *ticket_keys, sl_text_t *error);
sl_terms_t *sl_terms_retain(sl_terms_t *terms);
void sl_terms_release(sl_terms_t *terms); /* the last one frees */

#endif
