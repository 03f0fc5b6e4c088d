/* config: sluice config schema | dump. What may be configured, and what is. */
#include "sluice/config.h"
#include "command.h"
#include "options.h"
#include <stdio.h>

typedef struct options_t {
    const char *config_path;
} options_t;

static const sl_option_t options[] = {
    {"config", 'c', "FILE", SL_OPTION_CONFIG_HELP, SL_OPTION_TEXT, offsetof(options_t, config_path), "dump"}};

enum { SCHEMA, DUMP };

static const sl_verb_t verbs[] = {
    [SCHEMA] = {"schema", "", "the JSON Schema of the configuration, for editors that check and complete YAML", 0, 0},
    [DUMP] = {"dump", "", "the configuration with every default and variable filled in, secrets masked", 0, 0}};

static const sl_form_t form = {
    .command = "config",
    SL_FORM_VERBS(verbs),
    SL_FORM_OPTIONS(options),
    .closing = "Exit status: 0 well, 1 the configuration has errors, 2 the command was used wrongly.\n"};

static int print_schema(void)
{
    sl_text_t schema = {0};
    sl_config_schema(&schema);
    fputs(schema.base, stdout);
    sl_text_dispose(&schema);
    return 0;
}

static int dump(const char *path)
{
    sl_config_errors_t errors = {0};
    sl_text_t text = {0};
    sl_config_t *config = sl_config_read_file(path, NULL, &errors);
    if (config != NULL) {
        sl_config_dump(config, &text);
        fputs(text.base, stdout);
        sl_config_release(config);
    } else {
        fputs(errors.text.base, stderr);
    }
    sl_text_dispose(&text);
    sl_config_errors_dispose(&errors);
    return config != NULL ? 0 : 1;
}

int sl_cli_config(int argc, char **argv)
{
    options_t wanted = {NULL};
    sl_typed_t typed;
    int status;

    if (!sl_options_read(&form, argc, argv, &wanted, &typed, &status))
        return status;
    if (typed.verb == SCHEMA)
        return print_schema();
    return dump(wanted.config_path != NULL ? wanted.config_path : sl_cli_default_config());
}
