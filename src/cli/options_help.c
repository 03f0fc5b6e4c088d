/* options_help: the text of --help, made from a command's form. */
#include "options.h"
#include "sluice/bytes.h"

static bool takes_options(const sl_form_t *form, const sl_verb_t *verb)
{
    const char *word = verb->word != NULL ? verb->word : "";

    for (size_t i = 0; i != form->option_count; ++i)
        if (form->options[i].verb == NULL || strcmp(form->options[i].verb, word) == 0)
            return true;
    return false;
}

static void put_usage(const sl_form_t *form, sl_text_t *out)
{
    for (size_t i = 0; i != form->verb_count; ++i) {
        const sl_verb_t *verb = &form->verbs[i];
        sl_text_format(out, "%s sluice %s", i == 0 ? "usage:" : "      ", form->command);
        if (verb->word != NULL)
            sl_text_format(out, " %s", verb->word);
        if (verb->arguments[0] != '\0')
            sl_text_format(out, " %s", verb->arguments);
        sl_text_put(out, takes_options(form, verb) ? " [OPTION...]\n" : "\n");
    }
}

static void put_verbs(const sl_form_t *form, sl_text_t *out)
{
    int width = 0;

    if (form->verbs[0].word == NULL)
        return;
    for (size_t i = 0; i != form->verb_count; ++i)
        width = (int)strlen(form->verbs[i].word) > width ? (int)strlen(form->verbs[i].word) : width;
    sl_text_put(out, "\n");
    for (size_t i = 0; i != form->verb_count; ++i)
        sl_text_format(out, "  %-*s  %s\n", width, form->verbs[i].word, form->verbs[i].help);
}

/* "-c, --config FILE"; returns its length. */
static size_t put_name(const sl_option_t *option, sl_text_t *out)
{
    size_t start = out->size;

    if (option->letter != '\0')
        sl_text_format(out, "-%c, ", option->letter);
    else
        sl_text_put(out, "    ");
    sl_text_format(out, "--%s", option->name);
    if (option->value != NULL)
        sl_text_format(out, " %s", option->value);
    return out->size - start;
}

static size_t widest_name(const sl_form_t *form)
{
    sl_text_t name = {0};
    size_t widest = sizeof("-h, --help") - 1;

    for (size_t i = 0; i != form->option_count; ++i) {
        size_t width = put_name(&form->options[i], &name);
        widest = width > widest ? width : widest;
    }
    sl_text_dispose(&name);
    return widest;
}

static void put_option(const sl_option_t *option, size_t widest, sl_text_t *out)
{
    sl_text_put(out, "  ");
    size_t width = put_name(option, out);
    sl_text_format(out, "%*s%s\n", (int)(widest - width) + 2, "", option->help);
}

/* Those that all verbs take come last, after the groups of single verbs. */
static void put_options(const sl_form_t *form, sl_text_t *out)
{
    static const sl_option_t help = {"help", 'h', NULL, "this text", SL_OPTION_FLAG, 0, NULL};
    size_t widest = widest_name(form);
    const char *verb = "";

    for (size_t i = 0; i != form->option_count; ++i) {
        const sl_option_t *option = &form->options[i];
        if (verb != option->verb) {
            if (option->verb != NULL)
                sl_text_format(out, "\nOptions of %s:\n", option->verb);
            else
                sl_text_put(out, "\n");
            verb = option->verb;
        }
        put_option(option, widest, out);
    }
    if (form->option_count == 0 || verb != NULL)
        sl_text_put(out, "\n");
    put_option(&help, widest, out);
}

void sl_options_help(const sl_form_t *form, FILE *out)
{
    sl_text_t text = {0};

    put_usage(form, &text);
    if (form->about != NULL)
        sl_text_format(&text, "\n%s", form->about);
    put_verbs(form, &text);
    if (form->words != NULL)
        sl_text_format(&text, "\n%s", form->words);
    put_options(form, &text);
    if (form->closing != NULL)
        sl_text_format(&text, "\n%s", form->closing);
    fwrite(text.base, 1, text.size, out);
    sl_text_dispose(&text);
}
