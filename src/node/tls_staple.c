/*
 * tls_staple: the OCSP response of the certificate that was chosen goes to a client that asks for it (RFC 6066 §8).
 * It comes from a file that somebody else keeps fresh; one whose time is over would make clients refuse us, so it stays
 * here and the log says so.
 */
#include "sluice/clock.h"
#include "sluice/log.h"
#include "tls.h"
#include <openssl/ssl.h>

static const sl_certificate_t *find_certificate(const sl_tls_t *tls, const X509 *leaf)
{
    const sl_tls_settings_t *settings = &tls->listen->tls;
    for (size_t i = 0; i != settings->certificate_count; ++i)
        if (settings->certificates[i].leaf == leaf)
            return &settings->certificates[i];
    return NULL;
}

static bool is_fresh(const sl_certificate_t *certificate)
{
    if (certificate->staple_expires_s == 0 || certificate->staple_expires_s > (int64_t)(sl_clock_wall_ms() / 1000))
        return true;
    sl_log_limited(SL_LOG_WARN, "staple_expired", "'%s' has expired and is not sent", certificate->ocsp_path);
    return false;
}

static int on_status_wanted(SSL *ssl, void *unused)
{
    (void)unused;
    const sl_certificate_t *certificate = find_certificate(sl_tls_of(ssl), SSL_get_certificate(ssl));
    if (certificate == NULL || certificate->staple.len == 0 || !is_fresh(certificate))
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char *copy = OPENSSL_memdup(certificate->staple.base, certificate->staple.len);
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)certificate->staple.len); /* OpenSSL frees it */
    return SSL_TLSEXT_ERR_OK;
}

void sl_tls_staple(SSL_CTX *context)
{
    SSL_CTX_set_tlsext_status_cb(context, on_status_wanted);
}
