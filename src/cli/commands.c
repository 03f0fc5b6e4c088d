/* commands: the table of the subcommands, from which main.c chooses and the reference is made. */
#include "command.h"

const sl_command_t sl_commands[] = {
    {"serve", "[-c FILE]", "runs this node (what happens without a command)", sl_cli_serve},
    {"check", "[FILE]", "reads a configuration and tells all its errors", sl_cli_check},
    {"config", "schema|dump", "the JSON Schema of the configuration; the effective settings", sl_cli_config},
    {"explain", "METHOD URL", "what would happen to a request, and why", sl_cli_explain},
    {"key", "create|list|show|disable|enable|delete", "API keys in Redis", sl_cli_key},
    {"breaker", "list|open|close|auto", "circuit breakers of the cluster", sl_cli_breaker},
    {"versions", "[--json]", "who still calls which version of a route", sl_cli_versions},
    {"reference", "", "every setting, answer, log field, metric and command, as Markdown", sl_cli_reference},
    {"version", "[--json]", "the version of this program", sl_cli_version}};
_Static_assert(sizeof(sl_commands) / sizeof(sl_commands[0]) == SL_COMMAND_COUNT, "SL_COMMAND_COUNT counts these rows");
