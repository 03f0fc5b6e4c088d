/*
 * tls_tickets: session tickets are sealed with AES-256-CBC and HMAC-SHA-256 under the node's newest key and opened with
 * the last three (sluice/ticket_keys.h).
 */
#include "tls.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

enum { FAILED = -1, NO_TICKET = 0, TAKEN = 1, TAKEN_AND_RENEWED = 2 };

static bool set_digest(EVP_MAC_CTX *digest, sl_ticket_key_t *key)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->digest, sizeof key->digest),
                           OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
                           OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(digest, params) == 1;
}

static int seal(const sl_ticket_keys_t *keys, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                EVP_MAC_CTX *digest)
{
    sl_ticket_key_t key;
    if (!sl_ticket_keys_newest(keys, &key))
        return NO_TICKET;
    memcpy(name, key.name, sizeof key.name);
    bool is_well = RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 &&
                   EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 && set_digest(digest, &key);
    OPENSSL_cleanse(&key, sizeof key);
    return is_well ? TAKEN : FAILED;
}

/* TLS 1.3 wants a ticket to be used once, so the client gets another one each time (RFC 8446 appendix C.4). */
static int open_sealed(const SSL *ssl, const sl_ticket_keys_t *keys, const unsigned char *name, const unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *digest)
{
    sl_ticket_key_t key;
    bool is_newest;
    if (!sl_ticket_keys_find(keys, name, &key, &is_newest))
        return NO_TICKET;
    bool is_well = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 && set_digest(digest, &key);
    OPENSSL_cleanse(&key, sizeof key);
    if (!is_well)
        return FAILED;
    return is_newest && SSL_version(ssl) != TLS1_3_VERSION ? TAKEN : TAKEN_AND_RENEWED;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *digest,
                     int is_new)
{
    const sl_ticket_keys_t *keys = sl_tls_of(ssl)->ticket_keys;
    return is_new ? seal(keys, name, iv, cipher, digest) : open_sealed(ssl, keys, name, iv, cipher, digest);
}

void sl_tls_seal_tickets(SSL_CTX *context)
{
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}
