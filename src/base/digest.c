/*
 * digest: SHA-256 and HMAC-SHA-256 of API keys, once per request that carries one.
 *
 * Fetching the algorithm and making a context cost four times the hash of a 48-byte key, so both are kept. HMAC is done
 * by hand over two contexts that have already taken in the padded pepper (RFC 2104 §4 proposes exactly that); a change
 * of pepper keys them again. One set per thread.
 */
#include "sluice/digest.h"
#include <openssl/evp.h>
#include <stdlib.h>

#define DIGEST_BYTES 32
#define BLOCK_BYTES 64

static __thread EVP_MD *sha256;
static __thread EVP_MD_CTX *work, *inner_keyed, *outer_keyed;
static __thread sl_text_t keyed_with;
static __thread bool is_keyed;

/* OpenSSL fails here only when it has no memory or was built without SHA-256: neither can be lived with. */
static void must(int worked)
{
    if (!worked)
        h2o_fatal("OpenSSL cannot compute SHA-256");
}

static void prepare(void)
{
    if (sha256 != NULL)
        return;
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    work = EVP_MD_CTX_new();
    inner_keyed = EVP_MD_CTX_new();
    outer_keyed = EVP_MD_CTX_new();
    must(sha256 != NULL && work != NULL && inner_keyed != NULL && outer_keyed != NULL);
}

static void hash(h2o_iovec_t bytes, unsigned char digest[DIGEST_BYTES])
{
    must(EVP_DigestInit_ex2(work, sha256, NULL) && EVP_DigestUpdate(work, bytes.base, bytes.len) &&
         EVP_DigestFinal_ex(work, digest, NULL));
}

static void take_in_block(EVP_MD_CTX *context, const unsigned char block[BLOCK_BYTES], unsigned char pad)
{
    unsigned char padded[BLOCK_BYTES];
    for (size_t i = 0; i != BLOCK_BYTES; ++i)
        padded[i] = block[i] ^ pad;
    must(EVP_DigestInit_ex2(context, sha256, NULL) && EVP_DigestUpdate(context, padded, BLOCK_BYTES));
}

static void key_contexts(h2o_iovec_t pepper)
{
    if (is_keyed && sl_bytes_equal(pepper, sl_bytes(keyed_with.base, keyed_with.size)))
        return;
    unsigned char block[BLOCK_BYTES] = {0};
    if (pepper.len > BLOCK_BYTES)
        hash(pepper, block);
    else
        memcpy(block, pepper.base, pepper.len);
    take_in_block(inner_keyed, block, 0x36);
    take_in_block(outer_keyed, block, 0x5c);
    sl_text_clear(&keyed_with);
    sl_text_append(&keyed_with, pepper.base, pepper.len);
    is_keyed = true;
}

static void continue_keyed(const EVP_MD_CTX *keyed, const void *bytes, size_t len, unsigned char digest[DIGEST_BYTES])
{
    must(EVP_MD_CTX_copy_ex(work, keyed) && EVP_DigestUpdate(work, bytes, len) &&
         EVP_DigestFinal_ex(work, digest, NULL));
}

void sl_digest_key(h2o_iovec_t pepper, h2o_iovec_t key, char hex[SL_DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[DIGEST_BYTES];

    prepare();
    if (pepper.len == 0) {
        hash(key, digest);
    } else {
        key_contexts(pepper);
        continue_keyed(inner_keyed, key.base, key.len, digest);
        continue_keyed(outer_keyed, digest, sizeof digest, digest);
    }
    for (size_t i = 0; i != DIGEST_BYTES; ++i) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
}
