/*
 * command: the subcommands of sluice. commands.c holds their table; each lives in the file of its name and gets its own
 * name as argv[0], like a program of its own. They return the exit status: 0 well, 1 no, 2 used wrongly. Each answers
 * --help itself, on standard output.
 */
#ifndef SLUICE_CLI_COMMAND_H
#define SLUICE_CLI_COMMAND_H

typedef struct sl_command_t {
    const char *name;
    const char *arguments;
    const char *summary;
    int (*run)(int argc, char **argv);
} sl_command_t;

enum { SL_COMMAND_COUNT = 9 };
extern const sl_command_t sl_commands[]; /* commands.c */

int sl_cli_serve(int argc, char **argv);
int sl_cli_check(int argc, char **argv);
int sl_cli_config(int argc, char **argv);
int sl_cli_explain(int argc, char **argv);
int sl_cli_key(int argc, char **argv);
int sl_cli_breaker(int argc, char **argv);
int sl_cli_versions(int argc, char **argv);
int sl_cli_reference(int argc, char **argv);
int sl_cli_version(int argc, char **argv);

/* The configuration that is meant when no -c names one: $SLUICE_CONFIG, else ./sluice.yaml where there is one, else
 * /etc/sluice/sluice.yaml; when there is none of them, standard error says so. */
const char *sl_cli_default_config(void);

#endif
