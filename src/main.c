/* main: which command? `serve` is meant when none is named, so that `sluice -c FILE` runs a node. */
#include "cli/command.h"
#include "sluice/parse.h"
#include <stdio.h>
#include <string.h>

static void print_usage(FILE *out)
{
    fputs("usage: sluice [COMMAND] [ARGUMENT...]\n\n", out);
    for (size_t i = 0; i != SL_COMMAND_COUNT; ++i)
        fprintf(out, "  %-9s %-39s %s\n", sl_commands[i].name, sl_commands[i].arguments, sl_commands[i].summary);
    fputs("\n`sluice COMMAND --help` tells more.\n", out);
}

static int refuse(const char *word)
{
    const char *names[SL_COMMAND_COUNT];
    for (size_t i = 0; i != SL_COMMAND_COUNT; ++i)
        names[i] = sl_commands[i].name;
    const char *nearest = sl_nearest_name(sl_bytes_of(word), names, SL_COMMAND_COUNT);
    fprintf(stderr, "sluice: there is no command '%s'", word);
    if (nearest != NULL)
        fprintf(stderr, " (did you mean '%s'?)", nearest);
    fputs("\n\n", stderr);
    print_usage(stderr);
    return 2;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* What every other program's user tries first. */
static bool asks_for_version(const char *word)
{
    return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0;
}

/* A key that was made and could not be shown is lost: a full disk behind `>` is no success. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    fprintf(stderr, "sluice: the output could not be written: %m\n");
    return status != 0 ? status : 1;
}

int main(int argc, char **argv)
{
    if (argc > 1 && asks_for_help(argv[1])) {
        print_usage(stdout);
        return 0;
    }
    if (argc > 1 && asks_for_version(argv[1]))
        return finish(sl_cli_version(argc - 1, argv + 1));
    if (argc < 2 || argv[1][0] == '-')
        return sl_cli_serve(argc, argv);
    for (size_t i = 0; i != SL_COMMAND_COUNT; ++i)
        if (strcmp(argv[1], sl_commands[i].name) == 0)
            return finish(sl_commands[i].run(argc - 1, argv + 1));
    return refuse(argv[1]);
}
