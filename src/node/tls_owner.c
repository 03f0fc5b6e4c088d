/* tls_owner: an OpenSSL context remembers the listener that it was made for, and callbacks ask it. */
#include "tls.h"
#include <openssl/ssl.h>

static int owner_index(void)
{
    static int index = -1;
    if (index == -1)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

void sl_tls_own(SSL_CTX *context, sl_tls_t *tls)
{
    SSL_CTX_set_ex_data(context, owner_index(), tls);
}

const sl_tls_t *sl_tls_of(const SSL *ssl)
{
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), owner_index());
}
