/* graph: which call needs which. Calls are put into an order in which none stands before one that it needs; where there
 * is no such order, the circle is named. */
#include "composition.h"

typedef struct walk_t {
    sl_reader_t *reader;
    const uint64_t *needs;
    size_t count;
    uint64_t done, on_path;
    size_t path[SL_CALLS_MAX + 1], depth;
    bool has_circle;
} walk_t;

static bool has_bit(uint64_t bits, size_t index)
{
    return (bits >> index & 1) != 0;
}

/* The path from `first` back to itself, told at the call of it that stands first in the file. */
static void report_circle(walk_t *walk, size_t first)
{
    const sl_node_t *calls = walk->reader->scope.calls;
    size_t start = walk->depth - 1, length, least;
    sl_text_t names = {0};

    while (walk->path[start] != first)
        --start;
    length = walk->depth - start;
    least = start;
    for (size_t i = start; i < walk->depth; ++i)
        if (walk->path[i] < walk->path[least])
            least = i;
    for (size_t i = 0; i <= length; ++i)
        sl_text_format(&names, "%s%s", i == 0 ? "" : " -> ",
                       calls->pairs[walk->path[start + (least - start + i) % length]].name.base);
    sl_place_t place = calls->pairs[walk->path[least]].place;
    if (length == 1)
        sl_report_add(walk->reader->report, place, "call '%s' needs its own answer", calls->pairs[first].name.base);
    else
        sl_report_add(walk->reader->report, place, "calls need each other in a circle: %s", names.base);
    sl_text_dispose(&names);
    walk->has_circle = true;
}

/* As deep as there are calls: SL_CALLS_MAX bounds it. */
static void visit(walk_t *walk, size_t call)
{
    walk->path[walk->depth++] = call;
    walk->on_path |= UINT64_C(1) << call;
    for (size_t i = 0; i < walk->count; ++i) {
        if (!has_bit(walk->needs[call], i))
            continue;
        if (has_bit(walk->on_path, i))
            report_circle(walk, i);
        else if (!has_bit(walk->done, i))
            visit(walk, i);
    }
    walk->on_path &= ~(UINT64_C(1) << call);
    walk->done |= UINT64_C(1) << call;
    --walk->depth;
}

static bool has_circle(sl_reader_t *reader, const uint64_t *needs, size_t count)
{
    walk_t walk = {.reader = reader, .needs = needs, .count = count};
    for (size_t i = 0; i < count; ++i)
        if (!has_bit(walk.done, i))
            visit(&walk, i);
    return walk.has_circle;
}

/* The first in the file that is not placed and needs nothing that is not. */
static size_t next_call(const uint64_t *needs, size_t count, uint64_t placed)
{
    for (size_t i = 0; i < count; ++i)
        if (!has_bit(placed, i) && (needs[i] & ~placed) == 0)
            return i;
    h2o_fatal("calls without a circle have an order");
}

/* `order[place]` is a call's index in the file; what is needed stands at places below `place`. */
static void put_needs(sl_reader_t *reader, sl_call_plan_t *call, uint64_t needs, const size_t *order, size_t place)
{
    call->needs = sl_keep_zeroed(reader, place * sizeof(*call->needs));
    for (size_t i = 0; i < place; ++i)
        if (has_bit(needs, order[i]))
            call->needs[call->need_count++] = i;
}

void sl_calls_sort(sl_reader_t *reader, sl_aggregate_t *aggregate, const uint64_t *needs)
{
    size_t count = aggregate->call_count, order[SL_CALLS_MAX];
    uint64_t placed = 0;

    if (has_circle(reader, needs, count))
        return;
    sl_call_plan_t *sorted = sl_keep_zeroed(reader, count * sizeof(*sorted));
    for (size_t i = 0; i < count; ++i) {
        order[i] = next_call(needs, count, placed);
        placed |= UINT64_C(1) << order[i];
        sorted[i] = aggregate->calls[order[i]];
        put_needs(reader, &sorted[i], needs[order[i]], order, i);
    }
    aggregate->calls = sorted;
}
