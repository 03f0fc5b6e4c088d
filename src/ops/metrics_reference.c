/* metrics_reference: what /metrics holds, read off the page of a node that never was: one route, one service, every
 * number of theirs used. So no family can be exported and missing here. */
#include "page.h"
#include "sluice/ops.h"
#include <stdlib.h>
#include <sys/mman.h>

/* The names in `{route="-",code="200"}`, without the histograms' own. */
static void put_labels(sl_text_t *out, const char *sample)
{
    const char *separator = "", *at = sample + strcspn(sample, "{ \n");
    while (*at == '{' || *at == ',') {
        size_t len = strcspn(++at, "=");
        if (strncmp(at, "le=", 3) != 0) {
            sl_text_format(out, "%s`%.*s`", separator, (int)len, at);
            separator = ", ";
        }
        at += len + 2;
        at += strcspn(at, "\"") + 1;
    }
}

/* "# HELP name help", "# TYPE name type", and the first sample when there is one. */
static void put_family(sl_text_t *out, const char *head)
{
    const char *name = head + strlen("# HELP "), *help = strchr(name, ' ') + 1;
    int name_len = (int)(help - 1 - name), help_len = (int)strcspn(help, "\n");
    const char *type = strchr(strstr(help, "# TYPE ") + strlen("# TYPE "), ' ') + 1;
    int type_len = (int)strcspn(type, "\n");
    sl_text_t cell = {0};

    sl_text_format(out, "| `%.*s` | %.*s | ", name_len, name, type_len, type);
    put_labels(out, type + type_len + 1);
    sl_text_format(&cell, "%.*s", help_len, help);
    sl_text_put(out, " | ");
    sl_text_cell(out, cell.base);
    sl_text_put(out, " |\n");
    sl_text_dispose(&cell);
}

/* Row 0 of routes and of services is there from the beginning. */
static void make_page(sl_text_t *page)
{
    sl_certificate_t certificate = {.cert_path = ""};
    sl_listen_t listen = {.text = "", .tls = {.certificates = &certificate, .certificate_count = 1}};
    sl_config_t config = {.listens = &listen, .listen_count = 1};
    sl_shared_t *shared = sl_shared_create();
    if (shared == NULL)
        abort();
    sl_number_set(&shared->workers, 1);
    memset(&shared->slots[0].routes[0], 1, sizeof(shared->slots[0].routes[0]));
    memset(&shared->slots[0].services[0], 1, sizeof(shared->slots[0].services[0]));
    sl_metrics_page(shared, page);
    sl_certificates_page(&config, page);
    munmap(shared, sizeof(*shared));
}

void sl_metrics_reference(sl_text_t *out)
{
    sl_text_t page = {0};
    make_page(&page);
    sl_text_put(out, "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n");
    for (const char *head = page.base; (head = strstr(head, "# HELP ")) != NULL; ++head)
        put_family(out, head);
    sl_text_dispose(&page);
#define X(id, label) " `" label "`"
    sl_text_put(out, "\n- `outcome`:" SL_ADMISSION_OUTCOMES(X) "\n- `reason`:" SL_REFUSALS(X) "\n- `kind`:" SL_CUTS(
                         X) "\n- `signal`:" SL_DEATHS(X) "\n");
#undef X
#define X(id, label, means) "\n| `" label "` | " means " |"
    sl_text_put(out, "\n| `result` of a try at an instance | meaning |\n| --- | --- |" SL_UPSTREAM_RESULTS(X) "\n");
#undef X
}
