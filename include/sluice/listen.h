/*
 * listen: where a node listens and on which terms. Settings only; what a worker makes of them is in src/node/terms.c.
 *
 * Certificates are read with the configuration and live in its snapshot: a worker that is born again gets the pair that
 * was checked, whatever has happened to the files since.
 */
#ifndef SLUICE_LISTEN_H
#define SLUICE_LISTEN_H

#include "sluice/bytes.h"
#include "sluice/metrics.h"
#include <openssl/safestack.h>
#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* One element of tls.certificates. Key, certificate and chain are known to fit together. */
typedef struct sl_certificate_t {
    char *cert_path, *key_path, *ocsp_path; /* ocsp_path NULL: nothing is stapled */
    X509 *leaf;
    STACK_OF(X509) * chain; /* intermediates, as they stand in the file */
    EVP_PKEY *key;
    int key_type;             /* EVP_PKEY_RSA, EVP_PKEY_EC ...: a name may have one certificate of each */
    char **names;             /* DNS names of its subjectAltName, lower case, "*.example" too */
    size_t name_count;        /* 0: it serves as default only */
    int64_t expires_s;        /* Unix seconds */
    h2o_iovec_t staple;       /* OCSP response, DER; len 0: none */
    int64_t staple_expires_s; /* 0: it names no end */
} sl_certificate_t;

typedef enum {
    SL_CLIENT_CERTIFICATES_OFF,
    SL_CLIENT_CERTIFICATES_OPTIONAL,
    SL_CLIENT_CERTIFICATES_REQUIRED
} sl_client_certificates_t;

typedef struct sl_tls_settings_t {
    sl_certificate_t *certificates; /* the first is the default */
    size_t certificate_count;
    sl_tls_version_t min_version;
    char *ciphers; /* names of OpenSSL with colons between; those that begin with TLS_ are for 1.3 */
    sl_client_certificates_t client_certificates;
    char *client_ca; /* path; NULL exactly when client_certificates is off */
    STACK_OF(X509) * client_ca_certificates;
    bool session_tickets;
} sl_tls_settings_t;

typedef struct sl_hsts_t {
    uint64_t max_age_ms;
    bool include_subdomains, preload;
    h2o_iovec_t field; /* all of it as the value of the header field */
} sl_hsts_t;

/* address: "*:8080" "127.0.0.1:8080" "[::1]:8080" "unix:/run/sluice.sock"; "*" is all addresses of both families. */
typedef struct sl_listen_t {
    char *text; /* the address as in the file; it names the listener across reloads */
    struct sockaddr_storage address;
    socklen_t address_len;
    bool has_tls;
    sl_tls_settings_t tls;
    bool http2;              /* by ALPN with TLS, by prior knowledge without; and only when the guard is effective */
    bool proxy_protocol;     /* every connection begins with a PROXY header */
    bool redirects_to_https; /* every request is answered 308 */
    uint64_t redirect_port;  /* 443 is left out of the URL */
    bool has_hsts;
    sl_hsts_t hsts;
} sl_listen_t;

/* Puts the names in force; false when OpenSSL does not know one. */
bool sl_ciphers_apply(SSL_CTX *ctx, const char *ciphers);

#endif
