/*
 * reference: sluice reference. Everything that can be set, seen and said, as one page of Markdown, from the tables that
 * the program itself goes by. deploy/guide/reference.md is its output; the docs suite compares them.
 */
#include "command.h"
#include "options.h"
#include "sluice/account.h"
#include "sluice/answer.h"
#include "sluice/config.h"
#include "sluice/ops.h"
#include <ctype.h>
#include <stdio.h>

static const sl_verb_t verbs[] = {{NULL, "", NULL, 0, 0}};

static const sl_form_t form = {.command = "reference",
                               .about =
                                   "Prints every setting, answer, log field, metric and command as Markdown, as this\n"
                                   "version of the program has them.\n",
                               SL_FORM_VERBS(verbs)};

static const char opening[] =
    "# Reference\n"
    "\n"
    "Printed by `sluice reference` from the tables that the program itself goes by: not to be changed by hand.\n"
    "\n"
    "How to use all this is told on the pages beside this one, for the first hour in [README.md](../../README.md).\n"
    "\n"
    "[Settings](#settings) · [Answers](#answers) · [Access log](#access-log) · [Metrics](#metrics) · "
    "[Commands](#commands)\n"
    "\n"
    "## Settings\n"
    "\n"
    "One YAML file. A list of texts may also be one text with blanks or commas between. `${NAME}` and "
    "`${NAME:-default}` "
    "stand for variables of the\n"
    "environment, `$$` for a dollar sign; a value that a variable leaves empty counts as absent. \"Applied by\" tells "
    "what "
    "puts a change in force:\n"
    "HUP to the node, or a restart.\n"
    "\n";

static const char log_opening[] =
    "\n## Access log\n"
    "\n"
    "One JSON object in one line for each request, these members in this order. What there "
    "is no value for is an empty text or 0.\n"
    "\n";

static const char metrics_opening[] = "\n## Metrics\n"
                                      "\n"
                                      "`/metrics` on the ops listener, in Prometheus' text format. Histograms have the "
                                      "samples `_bucket`, `_sum` and `_count`.\n"
                                      "\n";

static void put_answers(sl_text_t *out)
{
    sl_text_put(out,
                "\n## Answers\n"
                "\n"
                "What the gateway answers itself, as a problem (RFC 9457). The word is `reason` in the access log and "
                "ends the problem's `type`.\n"
                "\n"
                "| status | word | `error` | `detail`, where nothing better is known |\n| --- | --- | --- | --- |\n");
#define X(id, status, word, title, text) sl_text_put(out, "| " #status " | `" word "` | " title " | " text " |\n");
    SL_ANSWERS(X)
#undef X
    sl_text_put(out, "\nOther words in `reason`:\n\n| word | meaning |\n| --- | --- |\n");
#define X(word, means) sl_text_put(out, "| `" word "` | " means " |\n");
    SL_OTHER_REASONS(X)
#undef X
}

/* The commands tell about themselves, on standard output like the rest; each of them may be the first that reads its
 * words. */
static void print_commands(void)
{
    printf("\n## Commands\n");
    for (size_t i = 0; i != SL_COMMAND_COUNT; ++i) {
        char *words[] = {(char *)sl_commands[i].name, "--help", NULL};
        printf("\n### `sluice %s`\n\n%c%s.\n\n```text\n", sl_commands[i].name, toupper(sl_commands[i].summary[0]),
               sl_commands[i].summary + 1);
        optind = 0;
        sl_commands[i].run(2, words);
        printf("```\n");
    }
}

static void print_reference(void)
{
    sl_text_t page = {0};
    sl_text_put(&page, opening);
    sl_config_reference(&page);
    put_answers(&page);
    sl_text_put(&page, log_opening);
    sl_account_reference(&page);
    sl_text_put(&page, metrics_opening);
    sl_metrics_reference(&page);
    fputs(page.base, stdout);
    sl_text_dispose(&page);
    print_commands();
}

int sl_cli_reference(int argc, char **argv)
{
    sl_typed_t typed;
    int status;

    if (sl_options_read(&form, argc, argv, NULL, &typed, &status))
        print_reference();
    return status;
}
