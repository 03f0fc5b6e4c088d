/* serve: runs the node in the foreground until it is told to end. */
#include "command.h"
#include "options.h"
#include "sluice/node.h"
#include "sluice/ops.h"

typedef struct options_t {
    const char *config_path;
} options_t;

static const sl_option_t options[] = {SL_OPTION_CONFIG(options_t, config_path)};

static const sl_verb_t verbs[] = {{NULL, "", NULL, 0, 0}};

static const sl_form_t form = {
    .command = "serve",
    .about = "Runs this node in the foreground: a supervisor, its workers, the ops process, and a private\n"
             "redis-server when the configuration names no Redis. `sluice` alone means the same.\n",
    SL_FORM_VERBS(verbs),
    SL_FORM_OPTIONS(options),
    .closing = "Signals to the supervisor:\n"
               "  HUP         reads the configuration again; a file with errors changes nothing and is reported\n"
               "  TERM, INT   /ready says 503, no new connections, running requests finish (limits.drain);\n"
               "              a second one ends at once\n"};

int sl_cli_serve(int argc, char **argv)
{
    options_t wanted = {NULL};
    sl_typed_t typed;
    int status;

    if (!sl_options_read(&form, argc, argv, &wanted, &typed, &status))
        return status;
    return sl_supervise(wanted.config_path != NULL ? wanted.config_path : sl_cli_default_config(), sl_ops_run);
}
