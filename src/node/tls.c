/*
 * tls: the policy of a listener as OpenSSL's settings (deploy/guide/tls.md has it as a table).
 *
 * The context is chosen when the ClientHello is read, before OpenSSL looks for a session: each context has a session id
 * context of its own, made from everything that must be the same for a session to be taken up again. A session that
 * was made under another name's certificate, with another listener, or against other authorities is not even looked at.
 */
#include "tls.h"
#include "sluice/guard.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define GROUPS "X25519:P-256:P-384"

/* --- sessions --- */

static void digest_certificate(EVP_MD_CTX *digest, const X509 *certificate)
{
    unsigned char fingerprint[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    X509_digest(certificate, EVP_sha256(), fingerprint, &len);
    EVP_DigestUpdate(digest, fingerprint, len);
}

/* Policy and identity of a context in 32 octets. */
static void name_sessions(SSL_CTX *context, const sl_tls_t *tls, const sl_tls_set_t *set)
{
    const sl_tls_settings_t *settings = &tls->listen->tls;
    unsigned char id[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    EVP_DigestUpdate(digest, tls->listen->text, strlen(tls->listen->text) + 1);
    EVP_DigestUpdate(digest, &settings->min_version, sizeof settings->min_version);
    EVP_DigestUpdate(digest, settings->ciphers, strlen(settings->ciphers) + 1);
    EVP_DigestUpdate(digest, &settings->client_certificates, sizeof settings->client_certificates);
    for (int i = 0; i < sk_X509_num(settings->client_ca_certificates); ++i) /* -1 for none */
        digest_certificate(digest, sk_X509_value(settings->client_ca_certificates, i));
    for (size_t i = 0; i != set->count; ++i)
        digest_certificate(digest, set->certificates[i]->leaf);
    EVP_DigestFinal_ex(digest, id, &len);
    EVP_MD_CTX_free(digest);
    SSL_CTX_set_session_id_context(context, id, len);
}

static void allow_resumption(SSL_CTX *context, const sl_tls_settings_t *settings)
{
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* a worker's own cache is of no use to the others */
    SSL_CTX_set_timeout(context, SL_TICKET_LIFE_S);
    if (settings->session_tickets) {
        sl_tls_seal_tickets(context);
    } else {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context, 0);
    }
}

/* --- client certificates --- */

static bool ask_clients(SSL_CTX *context, const sl_tls_settings_t *settings)
{
    if (settings->client_certificates == SL_CLIENT_CERTIFICATES_OFF)
        return true;
    bool is_required = settings->client_certificates == SL_CLIENT_CERTIFICATES_REQUIRED;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    bool is_well = true;
    for (int i = 0; i < sk_X509_num(settings->client_ca_certificates) && is_well; ++i) {
        X509 *authority = sk_X509_value(settings->client_ca_certificates, i);
        is_well = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1 &&
                  SSL_CTX_add_client_CA(context, authority) == 1;
    }
    return is_well;
}

/* --- protocols --- */

/* HTTP/2 first, wherever it is safe to speak it. A client that offers neither gets HTTP/1. */
static void offer_protocols(SSL_CTX *context, const sl_listen_t *listen)
{
    static const h2o_iovec_t protocols[] = {{H2O_STRLIT("h2")}, {H2O_STRLIT("http/1.1")}, {NULL, 0}};
    bool has_http2 = listen->http2 && sl_guard_http2_is_effective();
    h2o_ssl_register_alpn_protocols(context, has_http2 ? protocols : protocols + 1);
}

static bool set_policy(SSL_CTX *context, const sl_tls_settings_t *settings)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
    /* no chain is made up from the clients' authorities; idle connections keep no buffers */
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_min_proto_version(context, settings->min_version == SL_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
    return SSL_CTX_set1_groups_list(context, GROUPS) == 1 && sl_ciphers_apply(context, settings->ciphers);
}

/* --- contexts --- */

static bool use_certificates(SSL_CTX *context, const sl_tls_set_t *set)
{
    for (size_t i = 0; i != set->count; ++i) {
        const sl_certificate_t *one = set->certificates[i];
        if (SSL_CTX_use_cert_and_key(context, one->leaf, one->key, one->chain, 1) != 1)
            return false;
    }
    return true;
}

static SSL_CTX *create_context(sl_tls_t *tls, const sl_tls_set_t *set)
{
    const sl_tls_settings_t *settings = &tls->listen->tls;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    sl_tls_own(context, tls);
    bool is_well = set_policy(context, settings) && use_certificates(context, set) && ask_clients(context, settings);
    if (!is_well) {
        SSL_CTX_free(context);
        return NULL;
    }
    name_sessions(context, tls, set);
    allow_resumption(context, settings);
    offer_protocols(context, tls->listen);
    sl_tls_staple(context);
    sl_tls_watch(context);
    return context;
}

sl_tls_t *sl_tls_create(const sl_listen_t *listen, const sl_ticket_keys_t *ticket_keys, sl_text_t *error)
{
    sl_tls_t *tls = h2o_mem_alloc(sizeof *tls);
    *tls = (sl_tls_t){.listen = listen, .ticket_keys = ticket_keys};
    sl_tls_make_sets(tls);
    for (size_t i = 0; i != tls->set_count; ++i) {
        tls->sets[i].context = create_context(tls, &tls->sets[i]);
        if (tls->sets[i].context != NULL)
            continue;
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        sl_text_format(error, "TLS of %s with '%s': %s", listen->text, tls->sets[i].certificates[0]->cert_path,
                       reason != NULL ? reason : "refused by OpenSSL");
        ERR_clear_error();
        sl_tls_destroy(tls);
        return NULL;
    }
    sl_tls_choose_by_name(tls->sets[0].context, tls);
    return tls;
}

void sl_tls_destroy(sl_tls_t *tls)
{
    for (size_t i = 0; i != tls->set_count; ++i)
        SSL_CTX_free(tls->sets[i].context);
    free(tls->sets);
    free(tls->names);
    free(tls);
}

SSL_CTX *sl_tls_default_context(const sl_tls_t *tls)
{
    return tls->sets[0].context;
}
