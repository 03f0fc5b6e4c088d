/*
 * options: what a command takes, declared once as a table: read by one parser, told by one --help, and the nearest name
 * is offered where a word is unknown.
 */
#ifndef SLUICE_CLI_OPTIONS_H
#define SLUICE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define SL_OPTION_VALUES_MAX 64 /* of an option that may be given several times */

typedef enum sl_option_kind_t {
    SL_OPTION_FLAG,  /* field: bool */
    SL_OPTION_TEXT,  /* field: const char *, NULL until it is given */
    SL_OPTION_VALUES /* field: sl_option_values_t; may be given several times */
} sl_option_kind_t;

typedef struct sl_option_values_t {
    const char *list[SL_OPTION_VALUES_MAX];
    size_t count;
} sl_option_values_t;

typedef struct sl_option_t {
    const char *name;
    char letter;       /* '\0': only the long form */
    const char *value; /* as --help calls it; NULL: a flag */
    const char *help;
    sl_option_kind_t kind;
    size_t offset;    /* of its field in the struct that the command reads into */
    const char *verb; /* the only one that takes it; NULL: all do */
} sl_option_t;

/* What may stand behind the command's name: "list", "show KEY...". A command that knows no such words has one verb
 * without a word. */
typedef struct sl_verb_t {
    const char *word;
    const char *arguments; /* as --help writes them; "" for none */
    const char *help;
    size_t least, most; /* words behind it */
} sl_verb_t;

typedef struct sl_form_t {
    const char *command;
    const char *about; /* in front of the verbs; ends with a newline. NULL: nothing */
    const sl_verb_t *verbs;
    size_t verb_count;
    const char *words; /* what the arguments are, in front of the options; ends with a newline. NULL: clear anyway */
    const sl_option_t *options;
    size_t option_count;
    const char *closing; /* behind the options; ends with a newline. NULL: nothing */
} sl_form_t;

/* The initialisers of a form's tables. */
#define SL_FORM_VERBS(table) .verbs = (table), .verb_count = sizeof(table) / sizeof((table)[0])
#define SL_FORM_OPTIONS(table) .options = (table), .option_count = sizeof(table) / sizeof((table)[0])

/* Two rows that most commands have. */
#define SL_OPTION_CONFIG_HELP "the configuration; default: $SLUICE_CONFIG, ./sluice.yaml, /etc/sluice/sluice.yaml"
#define SL_OPTION_CONFIG(type, field)                                                                                  \
    {                                                                                                                  \
        "config", 'c', "FILE", SL_OPTION_CONFIG_HELP, SL_OPTION_TEXT, offsetof(type, field), NULL                      \
    }
#define SL_OPTION_JSON(type, field)                                                                                    \
    {                                                                                                                  \
        "json", '\0', NULL, "one JSON document instead of text", SL_OPTION_FLAG, offsetof(type, field), NULL           \
    }

/* What was typed, besides the options. */
typedef struct sl_typed_t {
    size_t verb; /* its index in the form */
    char **words;
    size_t count;
} sl_typed_t;

/* Fills `into` (all zero before) and `typed`. False: nothing is left to do; help or a complaint was printed, and
 * `status` is how the command ends. */
bool sl_options_read(const sl_form_t *form, int argc, char **argv, void *into, sl_typed_t *typed, int *status);

/* A complaint of wrong use, on standard error; returns status 2. */
int sl_options_misused(const sl_form_t *form, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* options_help.c: the text of --help. */
void sl_options_help(const sl_form_t *form, FILE *out);

#endif
