/* collisions: two members of one name in an object that an answer is made of. YAML's own duplicates are found by
 * tree.c; here it is about "name" beside "name?", and about spreads of which the members are known: those of a call's
 * `default`, and of an object behind "??". */
#include "composition.h"
#include "sluice/json.h"
#include <h2o/string_.h>

typedef struct known_t {
    h2o_iovec_t name;
    const char *origin; /* NULL: written in the object itself */
} known_t;

typedef struct checker_t {
    sl_reader_t *reader;
    const sl_aggregate_t *aggregate;
    H2O_VECTOR(known_t) known; /* of the object at hand */
} checker_t;

static h2o_iovec_t plain_name(h2o_iovec_t name)
{
    return name.len > 1 && name.base[name.len - 1] == '?' ? sl_bytes(name.base, name.len - 1) : name;
}

static void add(checker_t *checker, h2o_iovec_t name, const char *origin, sl_place_t place)
{
    for (size_t i = 0; i < checker->known.size; ++i) {
        const known_t *first = &checker->known.entries[i];
        const char *named = origin != NULL ? origin : first->origin;
        if (!sl_bytes_equal(first->name, name) || (origin != NULL && first->origin == origin))
            continue;
        if (named != NULL)
            sl_report_add(checker->reader->report, place, "'%.*s' stands in this object twice: %s has it too",
                          sl_shown(name), name.base, named);
        else
            sl_report_add(checker->reader->report, place, "'%.*s' stands in this object twice", sl_shown(name),
                          name.base);
        return;
    }
    h2o_vector_reserve(checker->reader->scratch, &checker->known, checker->known.size + 1);
    checker->known.entries[checker->known.size++] = (known_t){name, origin};
}

static const char *origin_of(checker_t *checker, const char *call)
{
    return h2o_concat(checker->reader->scratch, SL_LIT("the default of call '"), sl_bytes_of(call), SL_LIT("'")).base;
}

static void add_members(checker_t *checker, h2o_iovec_t text, const char *origin, sl_place_t place)
{
    sl_json_t json = {0};
    size_t offset;
    if (sl_json_index(&json, text, &(sl_json_limits_t){64, 1000000}, &offset) == NULL &&
        json.values[0].type == SL_JSON_OBJECT) {
        uint32_t child = 1;
        for (uint32_t left = json.values[0].count; left > 0; --left, child = json.values[child].next) {
            sl_text_t name = {0};
            sl_json_unescape(&json, child, true, &name);
            add(checker, h2o_strdup(checker->reader->scratch, name.base, name.size), origin, place);
            sl_text_dispose(&name);
        }
    }
    sl_json_dispose(&json);
}

/* Is it "$<call>.body", all of it, with or without a default behind? */
static bool is_body_of(h2o_iovec_t text, const char *call)
{
    size_t len = strlen(call);
    return text.len >= len + 6 && text.base[0] == '$' && memcmp(text.base + 1, call, len) == 0 &&
           memcmp(text.base + 1 + len, ".body", 5) == 0 && (text.len == len + 6 || text.base[len + 6] == ' ');
}

/* "$user.body ?? {...}", or a list of such. */
static void add_spread(checker_t *checker, const sl_node_t *node)
{
    h2o_iovec_t text = node->raw;
    for (size_t i = 0; node->kind == SL_NODE_LIST && i < node->count; ++i)
        add_spread(checker, node->items[i]);
    if (node->kind != SL_NODE_SCALAR || text.len == 0)
        return;
    for (size_t i = 0; i < checker->aggregate->call_count; ++i) {
        const sl_call_plan_t *call = &checker->aggregate->calls[i];
        if (is_body_of(text, call->name) && call->default_json.len != 0)
            add_members(checker, call->default_json, origin_of(checker, call->name), node->place);
    }
    const char *mark = strstr(text.base, "??");
    if (mark != NULL)
        add_members(checker, sl_bytes_trim(sl_bytes(mark + 2, (size_t)(text.base + text.len - mark) - 2)),
                    "what stands behind ??", node->place);
}

static void check(checker_t *checker, const sl_node_t *node)
{
    if (node->kind == SL_NODE_MAP) {
        checker->known.size = 0;
        for (size_t i = 0; i < node->count; ++i) {
            const sl_pair_t *pair = &node->pairs[i];
            if (sl_bytes_equal(pair->name, SL_LIT("...")))
                add_spread(checker, pair->value);
            else
                add(checker, plain_name(pair->name), NULL, pair->place);
        }
    }
    for (size_t i = 0; i < node->count; ++i)
        check(checker, node->kind == SL_NODE_MAP ? node->pairs[i].value : node->items[i]);
}

void sl_check_collisions(sl_reader_t *reader, const sl_node_t *answer, const sl_aggregate_t *aggregate)
{
    checker_t checker = {.reader = reader, .aggregate = aggregate};
    check(&checker, answer);
}
