/* numbers: counts, durations, sizes, shares, rates, statuses; and choices, which are numbers with names. */
#include "settings.h"
#include <stdio.h>

/* --- one number with a range --- */

static bool is_in_range(const sl_setting_t *setting, uint64_t value)
{
    uint64_t least, most;
    const char *dots = strstr(setting->range, "..");
    if (!setting->type->parse(sl_bytes(setting->range, (size_t)(dots - setting->range)), &least) ||
        !setting->type->parse(sl_bytes_of(dots + 2), &most))
        h2o_fatal("a number's range is written like its values");
    return value >= least && value <= most;
}

static bool read_value(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, uint64_t *value)
{
    if (node->kind == SL_NODE_SCALAR && setting->type->parse(node->text, value) && is_in_range(setting, *value))
        return true;
    sl_reject(reader, setting, node);
    return false;
}

static void read_number(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    uint64_t value;
    if (read_value(reader, setting, node, &value))
        *(uint64_t *)sl_field(setting, target) = value;
}

static void print_value(sl_emitter_t *emitter, const sl_setting_t *setting, uint64_t value)
{
    char text[40];
    text[setting->type->format(text, value)] = 0;
    sl_emit_word(emitter, text);
}

static void print_number(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    print_value(emitter, setting, *(const uint64_t *)sl_field_const(setting, target));
}

static size_t format_count(char *text, uint64_t value)
{
    return (size_t)snprintf(text, 32, "%llu", (unsigned long long)value);
}

static void put_count_schema(sl_text_t *out, const sl_setting_t *setting)
{
    const char *dots = strstr(setting->range, "..");
    sl_text_format(out, "\"anyOf\":[{\"type\":\"integer\",\"minimum\":%.*s,\"maximum\":%s}," SL_SCHEMA_ENVIRONMENT "]",
                   (int)(dots - setting->range), setting->range, dots + 2);
}

const sl_type_t sl_type_count = {.noun = "a whole number",
                                 .put_schema = put_count_schema,
                                 .read = read_number,
                                 .print = print_number,
                                 .parse = sl_parse_count,
                                 .format = format_count};

const sl_type_t sl_type_duration = {
    .noun = "a duration such as 250ms, 1s or 5m",
    .schema = "\"type\":[\"string\",\"integer\"],\"maximum\":0,\"pattern\":\"^(0|[0-9]+(ms|s|m|h|d))$|\\\\$\\\\{\"",
    .read = read_number,
    .print = print_number,
    .parse = sl_parse_duration_ms,
    .format = sl_print_duration_ms};

const sl_type_t sl_type_size = {
    .noun = "a size such as 512, 64KiB or 10MiB",
    .schema = "\"type\":[\"string\",\"integer\"],\"minimum\":0,\"pattern\":\"^[0-9]+([KMG]i?B|B)?$|\\\\$\\\\{\"",
    .read = read_number,
    .print = print_number,
    .parse = sl_parse_size,
    .format = sl_print_size};

/* --- a share, kept in thousandths: "50%", "2.5%" --- */

static bool parse_share(h2o_iovec_t text, uint64_t *permille)
{
    if (text.len == 0 || text.base[text.len - 1] != '%')
        return false;
    --text.len;
    uint64_t tenths = 0;
    if (text.len > 2 && text.base[text.len - 2] == '.') {
        if (!sl_parse_count(sl_bytes(text.base + text.len - 1, 1), &tenths))
            return false;
        text.len -= 2;
    }
    if (!sl_parse_count(text, permille) || *permille > 100)
        return false;
    *permille = *permille * 10 + tenths;
    return true;
}

static size_t format_share(char *text, uint64_t permille)
{
    unsigned whole = (unsigned)(permille / 10), tenths = (unsigned)(permille % 10);
    return (size_t)(tenths != 0 ? snprintf(text, 32, "%u.%u%%", whole, tenths) : snprintf(text, 32, "%u%%", whole));
}

const sl_type_t sl_type_share = {.noun = "a share such as 50% or 2.5%",
                                 .schema = "\"type\":\"string\",\"pattern\":\"^[0-9]+([.][0-9])?%$|\\\\$\\\\{\"",
                                 .read = read_number,
                                 .print = print_number,
                                 .parse = parse_share,
                                 .format = format_share};

/* --- a rate --- */

/* Far beyond use, and near enough for microseconds in Redis' doubles to stay exact. */
enum { RATE_LIMIT_MAX = 1000000000, RATE_WINDOW_MAX_S = 31 * 86400 };

static void read_rate(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_rate_t rate;
    if (node->kind != SL_NODE_SCALAR || !sl_parse_rate(node->text, &rate) || rate.limit > RATE_LIMIT_MAX ||
        rate.window_s > RATE_WINDOW_MAX_S)
        sl_reject(reader, setting, node);
    else
        *(sl_rate_t *)sl_field(setting, target) = rate;
}

static void print_rate(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    char text[64];
    const sl_rate_t *rate = sl_field_const(setting, target);
    snprintf(text, sizeof(text), "%llu/%llus", (unsigned long long)rate->limit, (unsigned long long)rate->window_s);
    sl_emit_word(emitter, text);
}

const sl_type_t sl_type_rate = {.noun = "a rate such as 100/60s, at most 1000000000 and 31d",
                                .schema = "\"type\":\"string\",\"pattern\":\"^[0-9]+/[0-9]+(ms|s|m|h|d)$|\\\\$\\\\{\"",
                                .read = read_rate,
                                .print = print_rate};

/* --- a status of an answer; 0: none --- */

static void read_status(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    uint64_t value;
    if (read_value(reader, setting, node, &value))
        *(int *)sl_field(setting, target) = (int)value;
}

static void print_status(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    print_value(emitter, setting, (uint64_t) * (const int *)sl_field_const(setting, target));
}

const sl_type_t sl_type_status = {.noun = "a status code",
                                  .put_schema = put_count_schema,
                                  .read = read_status,
                                  .print = print_status,
                                  .parse = sl_parse_count,
                                  .format = format_count};

/* --- yes and no --- */

static void read_flag(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"}; /* YAML 1.1's; even ones deny */
    for (size_t i = 0; node->kind == SL_NODE_SCALAR && i < sizeof(words) / sizeof(*words); ++i)
        if (sl_bytes_equal(node->text, sl_bytes_of(words[i]))) {
            *(bool *)sl_field(setting, target) = i % 2 != 0;
            return;
        }
    sl_reject(reader, setting, node);
}

static void print_flag(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    sl_emit_word(emitter, *(const bool *)sl_field_const(setting, target) ? "true" : "false");
}

const sl_type_t sl_type_flag = {.noun = "true or false",
                                .schema = "\"anyOf\":[{\"type\":\"boolean\"}," SL_SCHEMA_ENVIRONMENT "]",
                                .read = read_flag,
                                .print = print_flag};

/* --- one word of the range; kept as its number, from 0 --- */

static bool find_word(const sl_setting_t *setting, const sl_node_t *node, unsigned *index)
{
    *index = 0;
    for (const char *word = setting->range; node->kind == SL_NODE_SCALAR; ++*index) {
        size_t len = strcspn(word, "|");
        if (sl_bytes_equal(sl_bytes(word, len), node->text))
            return true;
        if (word[len] == 0)
            return false;
        word += len + 1;
    }
    return false;
}

static void print_word(sl_emitter_t *emitter, const sl_setting_t *setting, unsigned index)
{
    const char *word = setting->range;
    while (index-- > 0)
        word += strcspn(word, "|") + 1;
    char copy[32];
    snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(word, "|"), word);
    sl_emit_word(emitter, copy);
}

static void read_choice(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    unsigned index;
    if (find_word(setting, node, &index))
        memcpy(sl_field(setting, target), &index, sizeof(index)); /* enumerations and int share this size */
    else
        sl_reject(reader, setting, node);
}

static void print_choice(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    unsigned index;
    memcpy(&index, sl_field_const(setting, target), sizeof(index));
    print_word(emitter, setting, index);
}

static void put_choice_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_put(out, "\"anyOf\":[{\"enum\":[");
    for (const char *word = setting->range; *word != 0;) {
        size_t len = strcspn(word, "|");
        sl_text_json(out, sl_bytes(word, len));
        if (sl_bytes_equal(sl_bytes(word, len), SL_LIT("off")))
            sl_text_put(out, ",false"); /* YAML 1.1 tools read a bare off so */
        if (*word >= '0' && *word <= '9')
            sl_text_format(out, ",%.*s", (int)len, word); /* and a bare 1.2 as a number */
        word += len;
        if (*word != 0) {
            sl_text_put(out, ",");
            ++word;
        }
    }
    sl_text_put(out, "]}," SL_SCHEMA_ENVIRONMENT "]");
}

const sl_type_t sl_type_choice = {.put_schema = put_choice_schema, .read = read_choice, .print = print_choice};

/* A choice of two, kept as a bool: is it the second? */
static void read_side(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    unsigned index;
    if (find_word(setting, node, &index))
        *(bool *)sl_field(setting, target) = index != 0;
    else
        sl_reject(reader, setting, node);
}

static void print_side(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    print_word(emitter, setting, *(const bool *)sl_field_const(setting, target));
}

const sl_type_t sl_type_side = {.put_schema = put_choice_schema, .read = read_side, .print = print_side};
