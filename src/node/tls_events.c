/*
 * tls_events: what handshakes tell. libh2o has no way from its socket to the SSL object, but the other way there is
 * one: the object's BIO carries the socket, and the socket our connection (libh2o.md 2.3).
 */
#include "sluice/worker.h"
#include "tls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define SUBJECT_BYTES_MAX 2048 /* a header field upstream; nobody's name is that long */

static sl_connection_t *connection_of(const SSL *ssl)
{
    const h2o_socket_t *sock = BIO_get_data(SSL_get_rbio(ssl));
    return sock->on_close.data;
}

/* --- client certificates --- */

/* In ASCII, with everything else escaped: it becomes a header field as it is. */
static char *print_subject(const X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes, *subject = NULL;
    X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    long len = BIO_get_mem_data(bio, &bytes);
    subject = h2o_strdup(NULL, bytes, len > SUBJECT_BYTES_MAX ? 0 : (size_t)len).base;
    BIO_free(bio);
    ERR_clear_error();
    return subject;
}

static void note_client(sl_tls_facts_t *facts, const SSL *ssl)
{
    unsigned char fingerprint[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == NULL || X509_digest(certificate, EVP_sha256(), fingerprint, &len) != 1)
        return;
    h2o_hex_encode(facts->client_fingerprint, fingerprint, len);
    facts->client_subject = print_subject(certificate);
}

/* --- the handshake --- */

static sl_tls_version_t version_of(const SSL *ssl)
{
    return SSL_version(ssl) == TLS1_3_VERSION ? SL_TLS_1_3 : SL_TLS_1_2;
}

static void note_done(sl_connection_t *connection, const SSL *ssl)
{
    sl_worker_slot_t *slot = connection->worker->slot;
    sl_tls_facts_t *facts = &connection->tls;
    if (facts->is_done) /* TLS 1.3 calls this again for messages that come later */
        return;
    facts->is_done = true;
    facts->version = version_of(ssl);
    facts->cipher = SSL_get_cipher_name(ssl);
    note_client(facts, ssl);
    sl_number_add(&slot->tls_handshakes[facts->version], 1);
    if (SSL_session_reused((SSL *)ssl))
        sl_number_add(&slot->numbers[SL_M_TLS_RESUMPTIONS], 1);
}

static void on_event(const SSL *ssl, int where, int value)
{
    sl_connection_t *connection = connection_of(ssl);
    if (where == SSL_CB_HANDSHAKE_DONE)
        note_done(connection, ssl);
    else if (where == SSL_CB_HANDSHAKE_START)
        connection->tls.has_begun = true;
    else if (where == SSL_CB_ACCEPT_LOOP && SSL_get_state(ssl) == TLS_ST_SW_SRVR_HELLO)
        connection->tls.version = version_of(ssl);
    else if (where == SSL_CB_ACCEPT_EXIT && value < 0 && connection->tls.version == SL_TLS_NONE)
        sl_tls_answer_plain(connection);
}

void sl_tls_watch(SSL_CTX *context)
{
    SSL_CTX_set_info_callback(context, on_event);
}

void sl_tls_note_gone(sl_connection_t *connection)
{
    const sl_tls_facts_t *facts = &connection->tls;
    if (facts->has_begun && !facts->is_done)
        sl_number_add(&connection->worker->slot->tls_failures[facts->version], 1);
    free(facts->client_subject);
}
