/* ciphers: one setting names the cipher suites of both versions of TLS, of which OpenSSL keeps two lists. */
#include "settings.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

static bool is_for_1_3(h2o_iovec_t name)
{
    return name.len > 4 && memcmp(name.base, "TLS_", 4) == 0;
}

/* The names of one version, colons between. */
static void pick(sl_text_t *out, const char *ciphers, bool for_1_3)
{
    for (const char *at = ciphers; *at != 0;) {
        h2o_iovec_t name = sl_bytes(at, strcspn(at, ":"));
        if (is_for_1_3(name) == for_1_3)
            sl_text_format(out, "%s%.*s", out->size != 0 ? ":" : "", (int)name.len, name.base);
        at += name.len + (at[name.len] == ':');
    }
}

bool sl_ciphers_apply(SSL_CTX *ctx, const char *ciphers)
{
    sl_text_t for_1_3 = {0}, for_1_2 = {0};
    pick(&for_1_3, ciphers, true);
    pick(&for_1_2, ciphers, false);
    bool is_well = for_1_3.size == 0 || SSL_CTX_set_ciphersuites(ctx, for_1_3.base) == 1;
    if (for_1_2.size != 0)
        is_well = is_well && SSL_CTX_set_cipher_list(ctx, for_1_2.base) == 1;
    else
        SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION); /* nothing is left to speak 1.2 with */
    sl_text_dispose(&for_1_3);
    sl_text_dispose(&for_1_2);
    ERR_clear_error();
    return is_well;
}

/* Each name alone, because OpenSSL passes over those that it does not know when others are beside them. */
const char *sl_check_ciphers(h2o_iovec_t text)
{
    static char why[160];
    const char *error = NULL;
    SSL_CTX *scratch = SSL_CTX_new(TLS_server_method());
    for (const char *at = text.base; *at != 0 && error == NULL;) {
        char name[80];
        size_t len = strcspn(at, ":");
        snprintf(name, sizeof(name), "%.*s", (int)len, at);
        if (len == 0 || len >= sizeof(name) || !sl_ciphers_apply(scratch, name)) {
            snprintf(why, sizeof(why), "takes cipher suites that OpenSSL knows, which '%s' is not", name);
            error = why;
        }
        at += len + (at[len] == ':');
    }
    SSL_CTX_free(scratch);
    return error;
}
