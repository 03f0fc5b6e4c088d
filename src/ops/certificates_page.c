/* certificates_page: when each certificate of each listener ends, so that an alert can come before the browsers'. */
#include "page.h"
#include <inttypes.h>

#define NAME "sluice_tls_certificate_expiry_seconds"

/* Paths and names may hold what a label has to escape. */
static void put_label(sl_text_t *page, const char *name, const char *value)
{
    sl_text_format(page, "%s=\"", name);
    for (; *value != '\0'; ++value) {
        if (*value == '\n')
            sl_text_put(page, "\\n");
        else
            sl_text_format(page, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
    }
    sl_text_put(page, "\"");
}

static void put_certificate(sl_text_t *page, const sl_listen_t *listen, const sl_certificate_t *certificate)
{
    sl_text_put(page, NAME "{");
    put_label(page, "listener", listen->text);
    sl_text_put(page, ",");
    put_label(page, "name", certificate->name_count != 0 ? certificate->names[0] : "");
    sl_text_put(page, ",");
    put_label(page, "file", certificate->cert_path);
    sl_text_format(page, "} %" PRId64 "\n", certificate->expires_s);
}

void sl_certificates_page(const sl_config_t *config, sl_text_t *page)
{
    sl_text_put(page,
                "# HELP " NAME " When the certificate expires, in seconds since 1970; name is the first of its names.\n"
                "# TYPE " NAME " gauge\n");
    for (size_t i = 0; i != config->listen_count; ++i)
        for (size_t j = 0; j != config->listens[i].tls.certificate_count; ++j)
            put_certificate(page, &config->listens[i], &config->listens[i].tls.certificates[j]);
}
