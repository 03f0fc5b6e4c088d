/* check: sluice check [FILE]. Is this configuration fine? All its errors at once, else one line that says what it
 * holds.
 */
#include "command.h"
#include "options.h"
#include "sluice/config.h"
#include <stdio.h>

typedef struct options_t {
    bool is_strict;
} options_t;

static const sl_option_t options[] = {
    {"strict", '\0', NULL, "warnings are errors", SL_OPTION_FLAG, offsetof(options_t, is_strict), NULL}};

static const sl_verb_t verbs[] = {{NULL, "[FILE]", NULL, 0, 1}};

static const sl_form_t form = {
    .command = "check",
    .about = "Reads the configuration FILE as a node would, with the same environment, and tells all\n"
             "of its errors at once, each as file:line:column, and warnings of what is hardly meant:\n"
             "calls that nothing uses, shapes that are never chosen, limits that can never be met,\n"
             "words that other gateways understand otherwise.\n"
             "Nothing is started or changed.\n",
    SL_FORM_VERBS(verbs),
    .words = "FILE is the configuration; default: $SLUICE_CONFIG, ./sluice.yaml, /etc/sluice/sluice.yaml\n",
    SL_FORM_OPTIONS(options),
    .closing = "Exit status: 0 the file is fine, 1 it is not, 2 the command was used wrongly.\n"};

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void tell(const char *path, const sl_config_t *config, size_t warnings)
{
    size_t routes = config->route_count;
    if (routes != 0 && config->routes[routes - 1].is_health) /* not one that the file wrote */
        --routes;
    printf("%s: fine: %zu service%s, %zu route%s", path, config->service_count, plural(config->service_count), routes,
           plural(routes));
    if (warnings != 0)
        printf(", %zu warning%s", warnings, plural(warnings));
    putchar('\n');
}

static int check(const char *path, bool is_strict)
{
    sl_config_errors_t errors = {0};
    sl_config_t *config = sl_config_read_file(path, NULL, &errors);
    bool is_fine = config != NULL && (!is_strict || errors.warning_count == 0);
    if (errors.count != 0)
        fputs(errors.text.base, stderr);
    if (errors.warning_count != 0)
        fputs(errors.warnings.base, stderr);
    if (is_fine)
        tell(path, config, errors.warning_count);
    if (config != NULL)
        sl_config_release(config);
    sl_config_errors_dispose(&errors);
    return is_fine ? 0 : 1;
}

int sl_cli_check(int argc, char **argv)
{
    options_t wanted = {.is_strict = false};
    sl_typed_t typed;
    int status;

    if (!sl_options_read(&form, argc, argv, &wanted, &typed, &status))
        return status;
    return check(typed.count != 0 ? typed.words[0] : sl_cli_default_config(), wanted.is_strict);
}
