/* What composing asks of a template before it is filled in: has it a hole, and does it want the request's body? */
#include "sluice/template.h"
#include <criterion/criterion.h>

/* request.query.there is "x", .empty is "", .null is null; nothing else is known. */
static sl_template_value_t resolve(void *data, h2o_iovec_t source, h2o_iovec_t first, const sl_json_path_t *rest)
{
    h2o_iovec_t name = sl_json_path_name(rest);
    sl_template_value_t value = {.is_known = false};
    (void)data;
    (void)source;
    if (!sl_bytes_equal(first, SL_LIT("query")))
        return value;
    if (sl_bytes_equal(name, SL_LIT("there")))
        return (sl_template_value_t){.is_known = true, .text = SL_LIT("x")};
    if (sl_bytes_equal(name, SL_LIT("empty")))
        return (sl_template_value_t){.is_known = true, .text = SL_LIT("")};
    if (sl_bytes_equal(name, SL_LIT("null")))
        return (sl_template_value_t){.is_known = true, .text = SL_LIT("null"), .is_json = true};
    return value;
}

static h2o_mem_pool_t pool;

static sl_template_t *compile(const char *text)
{
    const char *error;
    size_t offset;
    sl_template_t *made = sl_template_compile_text(&pool, sl_bytes_of(text), &error, &offset);
    cr_assert_not_null(made, "'%s': %s", text, error);
    return made;
}

static void begin(void)
{
    h2o_mem_init_pool(&pool);
}

static void end(void)
{
    h2o_mem_clear_pool(&pool);
}

TestSuite(template_holes, .init = begin, .fini = end);

static void expect_hole(const char *text, bool wanted)
{
    cr_expect_eq(sl_template_lacks(compile(text), resolve, NULL), wanted, "%s", text);
}

Test(template_holes, a_hole_is_a_reference_that_leads_nowhere)
{
    expect_hole("/plain", false);
    expect_hole("/${request.query.there}", false);
    expect_hole("/${request.query.absent}", true);
    expect_hole("/${request.query.null}", true);
    expect_hole("/${request.query.empty}", true);
    expect_hole("/${request.query.there}/${request.query.absent}", true);
    expect_hole("$request.query.absent", true);
}

Test(template_holes, a_default_fills_it_unless_it_is_empty_itself)
{
    expect_hole("/${request.query.absent ?? 7}", false);
    expect_hole("/${request.query.absent ?? $request.query.there}", false);
    expect_hole("/${request.query.absent ?? \"\"}", true);
    expect_hole("/${request.query.absent ?? null}", true);
}

static void expect_body(const char *text, bool wanted)
{
    cr_expect_eq(sl_template_refers(compile(text), SL_LIT("request"), SL_LIT("body")), wanted, "%s", text);
}

Test(template_holes, every_link_of_a_chain_is_a_reference)
{
    expect_body("/plain", false);
    expect_body("/${request.body.x}", true);
    expect_body("/${request.query.x}", false);
    expect_body("/${other.body.x}", false);
    expect_body("/${request.query.x ?? $other.body.x ?? $request.body}", true);
}
