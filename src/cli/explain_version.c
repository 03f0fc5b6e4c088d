/* explain_version: which version of a route the request asks for, by what, and how its life stands. */
#include "explain.h"
#include "sluice/clock.h"
#include <time.h>

/* Where the version was looked for. */
static void put_place(sl_text_t *out, const sl_versions_t *versions)
{
    static const char *const kinds[] = {[SL_VERSION_BY_PATH] = "path",
                                        [SL_VERSION_BY_HEADER] = "header",
                                        [SL_VERSION_BY_QUERY] = "query parameter",
                                        [SL_VERSION_BY_MEDIA] = "media type in Accept"};
    sl_text_format(out, "%s '%.*s'", kinds[versions->by], (int)versions->name.len, versions->name.base);
}

static void tell_date(sl_outline_t *outline, const char *name, uint64_t unix_s)
{
    char text[40];
    struct tm utc;
    time_t seconds = (time_t)unix_s;

    if (unix_s != 0 && gmtime_r(&seconds, &utc) != NULL && strftime(text, sizeof(text), "%FT%TZ", &utc) != 0)
        sl_outline_text(outline, name, sl_bytes_of(text));
}

static void tell_life(sl_explain_t *explain, const sl_version_t *version)
{
    const sl_version_life_t *life = &version->life;
    uint64_t now_s = sl_clock_wall_ms() / 1000;

    tell_date(&explain->outline, "deprecated", life->deprecated_s);
    tell_date(&explain->outline, "sunset", life->sunset_s);
    if (life->successor.len != 0)
        sl_outline_text(&explain->outline, "successor", life->successor);
    if (life->sunset_s != 0 && life->sunset_s <= now_s)
        sl_explain_refuse(explain, 410, "this version has ended");
    for (size_t i = 0; i != life->brownout_count; ++i)
        if (life->brownouts[i].begin_s <= now_s && now_s < life->brownouts[i].end_s)
            sl_outline_format(&explain->outline, "brown_out", "now: %.1f%% of its requests are answered 410",
                              (double)life->brownouts[i].share_permille / 10);
}

static void tell_choice(sl_explain_t *explain, const sl_version_t *version, h2o_iovec_t wish)
{
    sl_text_t how = {0};

    if (wish.base == NULL)
        sl_text_put(&how, version != NULL ? "initial: the request has no " : "nothing: the request has no ");
    put_place(&how, explain->exchange->route->versions);
    if (wish.base != NULL)
        sl_text_format(&how, ": %.*s", (int)wish.len, wish.base);
    sl_outline_text(&explain->outline, "chosen_by", sl_bytes(how.base, how.size));
    sl_text_dispose(&how);
}

void sl_explain_version(sl_explain_t *explain)
{
    const sl_versions_t *versions = explain->exchange->route->versions;
    h2o_iovec_t wish;
    bool is_one = sl_preview_version(explain->exchange, &wish);
    const sl_version_t *version = explain->exchange->version;

    if (versions == NULL)
        return;
    sl_outline_map(&explain->outline, "version");
    if (!is_one) {
        sl_outline_text(&explain->outline, "chosen_by", SL_LIT("nothing: the request names two different versions"));
        sl_explain_refuse(explain, 400, "the request names two different versions");
        sl_outline_close(&explain->outline);
        return;
    }
    if (version != NULL)
        sl_outline_text(&explain->outline, "name", sl_bytes_of(version->name));
    tell_choice(explain, version, wish);
    if (version != NULL)
        tell_life(explain, version);
    else /* a path that names no version names no resource */
        sl_explain_refuse(explain, versions->by == SL_VERSION_BY_PATH ? 404 : 400,
                          "the request asks for no known version");
    sl_outline_close(&explain->outline);
}
