/* version: sluice version [--json]. What was built, and the libraries that it runs on now. */
#include "command.h"
#include "options.h"
#include <h2o/version.h>
#include <openssl/crypto.h>
#include <stdio.h>

typedef struct options_t {
    bool as_json;
} options_t;

static const sl_option_t options[] = {SL_OPTION_JSON(options_t, as_json)};

static const sl_verb_t verbs[] = {{NULL, "", NULL, 0, 0}};

static const sl_form_t form = {.command = "version",
                               .about = "The version of this program, and of the libraries that it runs on now.\n",
                               SL_FORM_VERBS(verbs),
                               SL_FORM_OPTIONS(options)};

int sl_cli_version(int argc, char **argv)
{
    options_t wanted = {.as_json = false};
    sl_typed_t typed;
    int status;

    if (!sl_options_read(&form, argc, argv, &wanted, &typed, &status))
        return status;
    printf(wanted.as_json ? "{\"version\":\"%s\",\"libh2o\":\"%s\",\"openssl\":\"%s\"}\n"
                          : "sluice %s (libh2o %s, OpenSSL %s)\n",
           SL_VERSION, H2O_VERSION, OpenSSL_version(OPENSSL_VERSION_STRING));
    return 0;
}
