/*
 * explain: sluice explain METHOD URL. What would happen to this request, and why? Nothing is sent to a service, nothing
 * is charged, nothing changes; what is told comes from the functions that serve requests (sluice/preview.h) and from
 * scripts that only read.
 *
 * The outcome is told first and known last: it is put in front of the story that led to it.
 */
#include "explain.h"
#include "command.h"
#include "options.h"
#include <assert.h>
#include <stdio.h>

#define BODY_BYTES_MAX (64 << 20)

typedef struct options_t {
    const char *config_path, *key, *body_path;
    sl_option_values_t headers;
    bool as_json;
} options_t;

#define FIELD(name) offsetof(options_t, name)
static const sl_option_t options[] = {
    {"key", 'k', "KEY", "the API key, as if it came in its header", SL_OPTION_TEXT, FIELD(key), NULL},
    {"header", 'H', "'NAME: VALUE'", "a header field of the request; may be given several times", SL_OPTION_VALUES,
     FIELD(headers), NULL},
    {"body", 'b', "FILE", "the body of the request; -: standard input", SL_OPTION_TEXT, FIELD(body_path), NULL},
    SL_OPTION_CONFIG(options_t, config_path),
    SL_OPTION_JSON(options_t, as_json)};
#undef FIELD

static const sl_verb_t verbs[] = {{NULL, "METHOD URL", NULL, 2, 2}};

static const sl_form_t form = {
    .command = "explain",
    .about =
        "Tells what would happen to a request, and why: which route takes it and why no other does, what the key's\n"
        "limits have left, what its service would get; for an aggregate which calls go out and what they ask. METHOD\n"
        "is taken as it is given (get is not GET); URL is a path with its query, or absolute. Nothing is sent, no\n"
        "token is taken, nothing changes. Secrets are masked. Without Redis it tells the rest.\n",
    SL_FORM_VERBS(verbs),
    SL_FORM_OPTIONS(options),
    .closing =
        "Exit status: 0 it would be served, 1 it would not (or the configuration has errors), 2 the command was\n"
        "used wrongly.\n"};

/* --- the request --- */

static bool read_body(const sl_session_t *session, const char *path, sl_text_t *body)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    size_t got = 1;

    if (file == NULL) {
        sl_session_complain(session, "the body cannot be read from '%s': %m", path);
        return false;
    }
    while (got != 0 && body->size <= BODY_BYTES_MAX) {
        got = fread(sl_text_reserve(body, 65536), 1, 65536, file);
        body->size += got;
    }
    bool is_well = ferror(file) == 0 && body->size <= BODY_BYTES_MAX;
    if (!is_well)
        sl_session_complain(session, "the body cannot be read from '%s'", path);
    if (file != stdin)
        fclose(file);
    return is_well;
}

static bool add_header(sl_explain_t *explain, const char *line)
{
    assert(line != NULL); /* getopt gives each -H its word */
    const char *colon = strchr(line, ':');

    if (colon == NULL || colon == line) {
        sl_session_complain(&explain->session, "'%s' is no header: NAME: VALUE", line);
        return false;
    }
    sl_preview_add_header(explain->exchange, sl_bytes(line, (size_t)(colon - line)),
                          sl_bytes_trim(sl_bytes_of(colon + 1)));
    return true;
}

static bool make_request(sl_explain_t *explain, const options_t *wanted, char **words)
{
    sl_text_t body = {0};
    bool is_well = wanted->body_path == NULL || read_body(&explain->session, wanted->body_path, &body);

    explain->exchange = sl_preview_create(explain->session.config, sl_bytes_of(words[0]), sl_bytes_of(words[1]),
                                          sl_bytes(body.base, body.size));
    sl_preview_add_header(explain->exchange, SL_LIT("Host"), SL_LIT("localhost"));
    for (size_t i = 0; is_well && i != wanted->headers.count; ++i)
        is_well = add_header(explain, wanted->headers.list[i]);
    if (wanted->key != NULL)
        sl_preview_add_header(explain->exchange, sl_bytes_of(explain->session.config->keys.header),
                              sl_bytes_of(wanted->key));
    sl_text_dispose(&body);
    return is_well;
}

/* --- the story --- */

static void tell_served(sl_explain_t *explain)
{
    sl_exchange_t *exchange = explain->exchange;

    sl_explain_version(explain);
    if (exchange->req->entity.len > exchange->route->body_max)
        sl_explain_refuse(explain, 413, "the body is larger than the route takes");
    sl_explain_limits(explain);
    if (exchange->route->aggregate != NULL)
        sl_explain_aggregate(explain);
    else if (!exchange->route->is_health)
        sl_explain_forward(explain);
}

static int tell(sl_explain_t *explain, bool as_json)
{
    sl_outline_begin(&explain->outline, as_json);
    if (sl_explain_request(explain) && sl_explain_route(explain))
        tell_served(explain);
    if (explain->was_routed)
        sl_explain_other_routes(explain);
    sl_outline_end(&explain->outline);
    sl_explain_outcome(explain);
    fwrite(explain->outline.text.base, 1, explain->outline.text.size, stdout);
    sl_outline_dispose(&explain->outline);
    return explain->refusal == NULL ? 0 : 1;
}

static int run(const options_t *wanted, char **words)
{
    sl_explain_t explain = {.refusal = NULL};
    int status = 1;

    if (!sl_session_read(&explain.session, "explain", wanted->config_path))
        return 1;
    if (make_request(&explain, wanted, words)) {
        if (!sl_session_connect(&explain.session))
            fputs("sluice explain: keys, limits and breakers are left out\n", stderr);
        status = tell(&explain, wanted->as_json);
    }
    sl_preview_destroy(explain.exchange);
    sl_session_close(&explain.session);
    return status;
}

int sl_cli_explain(int argc, char **argv)
{
    options_t wanted = {.key = NULL};
    sl_typed_t typed;
    int status;

    return sl_options_read(&form, argc, argv, &wanted, &typed, &status) ? run(&wanted, typed.words) : status;
}
