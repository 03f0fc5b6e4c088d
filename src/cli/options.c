/*
 * options: reads what was typed against a command's form (options.h). getopt_long does the splitting, with its own
 * messages switched off: it knows neither the verbs nor the nearest name.
 */
#include "options.h"
#include "sluice/parse.h"
#include <assert.h>
#include <getopt.h>
#include <stdarg.h>

#define ROWS_MAX 24
#define LONG_BASE 256 /* long options are numbered from here: no letter is in the way */
#define HELP (LONG_BASE + ROWS_MAX)

int sl_options_misused(const sl_form_t *form, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "sluice %s: ", form->command);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nsee sluice %s --help\n", form->command);
    return 2;
}

/* "there is no ...", and what is near it. */
static int complain_of_name(const sl_form_t *form, const char *kind, h2o_iovec_t word, const char *const *names,
                            size_t count)
{
    const char *nearest = sl_nearest_name(word, names, count);
    const char *dashes = kind[0] == 'o' ? "--" : "";

    if (nearest == NULL)
        return sl_options_misused(form, "there is no %s '%s%.*s'", kind, dashes, (int)word.len, word.base);
    return sl_options_misused(form, "there is no %s '%s%.*s' (did you mean '%s%s'?)", kind, dashes, (int)word.len,
                              word.base, dashes, nearest);
}

/* --- the options --- */

typedef struct forms_t {
    char letters[2 * ROWS_MAX + 4]; /* as getopt wants them */
    struct option longs[ROWS_MAX + 2];
} forms_t;

static void translate(const sl_form_t *form, forms_t *forms)
{
    char *letter = forms->letters;

    assert(form->option_count <= ROWS_MAX);
    *letter++ = ':'; /* a missing value is told apart from an unknown option */
    for (size_t i = 0; i != form->option_count; ++i) {
        const sl_option_t *option = &form->options[i];
        int takes = option->kind == SL_OPTION_FLAG ? no_argument : required_argument;
        forms->longs[i] = (struct option){option->name, takes, NULL, LONG_BASE + (int)i};
        if (option->letter != '\0') {
            *letter++ = option->letter;
            if (takes != no_argument)
                *letter++ = ':';
        }
    }
    forms->longs[form->option_count] = (struct option){"help", no_argument, NULL, HELP};
    *letter++ = 'h';
    *letter = '\0';
}

static const sl_option_t *find_option(const sl_form_t *form, int number)
{
    for (size_t i = 0; i != form->option_count; ++i)
        if (number == LONG_BASE + (int)i || (number != '\0' && number == form->options[i].letter))
            return &form->options[i];
    return NULL;
}

static bool take(const sl_option_t *option, void *into)
{
    void *field = (char *)into + option->offset;

    switch (option->kind) {
    case SL_OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case SL_OPTION_TEXT:
        *(const char **)field = optarg;
        return true;
    case SL_OPTION_VALUES: {
        sl_option_values_t *values = field;
        if (values->count == SL_OPTION_VALUES_MAX)
            return false;
        values->list[values->count++] = optarg;
        return true;
    }
    }
    return false;
}

static int complain_of_option(const sl_form_t *form, int what, char *const *argv)
{
    const sl_option_t *known = find_option(form, optopt);
    const char *names[ROWS_MAX + 1] = {"help"};

    if (known != NULL && what == ':')
        return sl_options_misused(form, "--%s needs a value: %s", known->name, known->value);
    if (known != NULL || optopt == HELP)
        return sl_options_misused(form, "--%s takes no value", known != NULL ? known->name : "help");
    if (optopt != 0)
        return sl_options_misused(form, "there is no option '-%c'", optopt);

    const char *word = argv[optind - 1] + 2;
    for (size_t i = 0; i != form->option_count; ++i)
        names[i + 1] = form->options[i].name;
    return complain_of_name(form, "option", sl_bytes(word, strcspn(word, "=")), names, form->option_count + 1);
}

/* --- the verb and the words behind it --- */

static int find_verb(const sl_form_t *form, const char *word, size_t *verb)
{
    const char *names[ROWS_MAX];

    assert(form->verb_count <= ROWS_MAX);
    for (size_t i = 0; i != form->verb_count; ++i) {
        names[i] = form->verbs[i].word;
        if (word != NULL && strcmp(word, names[i]) == 0) {
            *verb = i;
            return 0;
        }
    }
    if (word != NULL)
        return complain_of_name(form, "command", sl_bytes_of(word), names, form->verb_count);

    sl_text_t list = {0};
    for (size_t i = 0; i != form->verb_count; ++i)
        sl_text_format(&list, "%s%s", i == 0 ? "" : i + 1 == form->verb_count ? " or " : ", ", names[i]);
    int status = sl_options_misused(form, "what is to be done: %s?", list.base);
    sl_text_dispose(&list);
    return status;
}

static int check_words(const sl_form_t *form, const sl_typed_t *typed)
{
    const sl_verb_t *verb = &form->verbs[typed->verb];
    const char *word = verb->word != NULL ? verb->word : form->command;

    if (typed->count < verb->least)
        return sl_options_misused(form, "'%s' needs %s", word, verb->arguments);
    if (typed->count > verb->most)
        return sl_options_misused(form, "'%s' has no use for '%s'", word, typed->words[verb->most]);
    return 0;
}

/* An option that another verb takes. */
static int check_verb(const sl_form_t *form, const sl_typed_t *typed, const bool *given)
{
    const char *word = form->verbs[typed->verb].word;

    if (word == NULL)
        return 0;
    for (size_t i = 0; i != form->option_count; ++i)
        if (given[i] && form->options[i].verb != NULL && strcmp(form->options[i].verb, word) != 0)
            return sl_options_misused(form, "'%s' takes no --%s; only '%s' does", word, form->options[i].name,
                                      form->options[i].verb);
    return 0;
}

static int read_words(const sl_form_t *form, int argc, char **argv, sl_typed_t *typed)
{
    bool has_verbs = form->verbs[0].word != NULL;
    int status = has_verbs ? find_verb(form, optind != argc ? argv[optind] : NULL, &typed->verb) : 0;

    if (status != 0)
        return status;
    typed->words = argv + optind + has_verbs;
    typed->count = (size_t)(argc - optind) - has_verbs;
    return check_words(form, typed);
}

bool sl_options_read(const sl_form_t *form, int argc, char **argv, void *into, sl_typed_t *typed, int *status)
{
    forms_t forms = {{0}, {{0}}};
    bool given[ROWS_MAX] = {false};

    *typed = (sl_typed_t){.verb = 0};
    translate(form, &forms);
    opterr = 0;
    optind = 0; /* the reference reads the forms of all commands in one run */
    for (int number; (number = getopt_long(argc, argv, forms.letters, forms.longs, NULL)) != -1;) {
        const sl_option_t *option = find_option(form, number);
        if (number == 'h' || number == HELP) {
            sl_options_help(form, stdout);
            *status = 0;
            return false;
        }
        if (option == NULL || !take(option, into)) {
            *status = option == NULL
                          ? complain_of_option(form, number, argv)
                          : sl_options_misused(form, "--%s at most %d times", option->name, SL_OPTION_VALUES_MAX);
            return false;
        }
        given[option - form->options] = true;
    }
    *status = read_words(form, argc, argv, typed);
    if (*status == 0)
        *status = check_verb(form, typed, given);
    return *status == 0;
}
