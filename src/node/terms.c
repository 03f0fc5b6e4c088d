/* terms: see terms.h. */
#include "terms.h"
#include <stdlib.h>

sl_terms_t *sl_terms_create(sl_config_t *config, const sl_listen_t *listen, const h2o_accept_ctx_t *accept,
                            const sl_ticket_keys_t *ticket_keys, sl_text_t *error)
{
    sl_tls_t *tls = listen->has_tls ? sl_tls_create(listen, ticket_keys, error) : NULL;
    if (listen->has_tls && tls == NULL)
        return NULL;
    sl_terms_t *terms = h2o_mem_alloc(sizeof *terms);
    *terms = (sl_terms_t){
        .references = 1, .config = sl_config_retain(config), .listen = listen, .tls = tls, .accept = *accept};
    terms->accept.ssl_ctx = tls != NULL ? sl_tls_default_context(tls) : NULL;
    return terms;
}

sl_terms_t *sl_terms_retain(sl_terms_t *terms)
{
    ++terms->references;
    return terms;
}

void sl_terms_release(sl_terms_t *terms)
{
    if (--terms->references != 0)
        return;
    if (terms->tls != NULL)
        sl_tls_destroy(terms->tls);
    sl_config_release(terms->config);
    free(terms);
}
