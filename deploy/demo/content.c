/* content: made-up but deterministic answers of the three services. The same question has the same answer on every
 * machine, so examples in the documentation can be checked word by word. */
#include "demo.h"
#include <inttypes.h>

#define RESULTS_MAX 1000
#define QUERY_BYTES_MAX 4096

typedef struct question_t {
    h2o_iovec_t text; /* in the request's pool */
    uint64_t num_results;
} question_t;

static const char *read_body(demo_call_t *call, const char *field, question_t *question)
{
    struct json_object *body = demo_parse_object(call->req->entity), *value;
    const char *error = NULL;

    if (body == NULL)
        return "the body must be one JSON object";
    if (json_object_object_get_ex(body, field, &value) && json_object_get_type(value) == json_type_string)
        question->text =
            h2o_strdup(&call->req->pool, json_object_get_string(value), (size_t)json_object_get_string_len(value));
    if (json_object_object_get_ex(body, "num_results", &value)) {
        int64_t number = json_object_get_int64(value);
        if (json_object_get_type(value) != json_type_int || number < 0 || number > RESULTS_MAX)
            error = "num_results must be a whole number from 0 to 1000";
        question->num_results = (uint64_t)number;
    }
    json_object_put(body);
    return error;
}

static const char *read_query(demo_call_t *call, const char *field, question_t *question)
{
    question->text = demo_query_value(call, field);
    h2o_iovec_t number = demo_query_value(call, "num_results");
    if (number.base != NULL && !demo_parse_number(number, RESULTS_MAX, &question->num_results))
        return "num_results must be a whole number from 0 to 1000";
    return NULL;
}

/* POST asks in the body, GET in the query. False once the call was refused. */
static bool read_question(demo_call_t *call, const char *field, uint64_t default_results, question_t *question)
{
    bool is_post = sl_bytes_equal(call->req->method, SL_LIT("POST"));
    *question = (question_t){.num_results = default_results};
    const char *error = is_post ? read_body(call, field, question) : read_query(call, field, question);

    if (error == NULL && question->text.len == 0)
        error = strcmp(field, "url") == 0 ? "url is missing" : "query is missing";
    if (error == NULL && question->text.len > QUERY_BYTES_MAX)
        error = "the question is longer than 4096 bytes";
    if (error != NULL)
        demo_refuse(call, 400, error);
    return error == NULL;
}

/* FNV-1a; ids have all 63 bits, so that whoever rounds numbers on the way is found out. */
static uint64_t id_of(h2o_iovec_t text, uint64_t rank)
{
    uint64_t hash = 0xcbf29ce484222325u ^ rank;
    for (size_t i = 0; i != text.len; ++i)
        hash = (hash ^ (uint8_t)text.base[i]) * 0x100000001b3u;
    return hash >> 1 | 1;
}

static struct json_object *address_of(const char *kind, uint64_t id)
{
    char text[128];
    int len = snprintf(text, sizeof(text), "https://example.org/%s/%016" PRIx64, kind, id);
    return json_object_new_string_len(text, len);
}

/* "0.50" to "0.99" as a number that keeps its two digits */
static struct json_object *confidence_of(uint64_t id)
{
    char text[16];
    snprintf(text, sizeof(text), "0.%u", 50 + (unsigned)(id % 50));
    return json_object_new_double_s(strtod(text, NULL), text);
}

static struct json_object *titled(h2o_iovec_t text, const char *kind, uint64_t rank)
{
    char tail[64];
    int len = snprintf(tail, sizeof(tail), ": %s %" PRIu64, kind, rank);
    h2o_iovec_t title = h2o_concat(NULL, text, sl_bytes(tail, (size_t)len));
    struct json_object *json = demo_json_text(title);
    free(title.base);
    return json;
}

static struct json_object *search_result(h2o_iovec_t query, uint64_t rank)
{
    struct json_object *result = json_object_new_object();
    uint64_t id = id_of(query, rank);

    json_object_object_add(result, "id", json_object_new_int64((int64_t)id));
    json_object_object_add(result, "title", titled(query, "result", rank));
    json_object_object_add(result, "url", address_of("pages", id));
    json_object_object_add(result, "rank", json_object_new_int64((int64_t)rank));
    return result;
}

static struct json_object *finding(h2o_iovec_t query, uint64_t rank)
{
    struct json_object *result = json_object_new_object(), *sources = json_object_new_array();

    for (uint64_t i = 0; i != 2; ++i)
        json_object_array_add(sources, address_of("papers", id_of(query, rank * 2 + i)));
    json_object_object_add(result, "finding", titled(query, "finding", rank));
    json_object_object_add(result, "confidence", confidence_of(id_of(query, rank)));
    json_object_object_add(result, "sources", sources);
    return result;
}

static void answer_list(demo_call_t *call, const question_t *question,
                        struct json_object *(*make)(h2o_iovec_t query, uint64_t rank))
{
    struct json_object *json = json_object_new_object(), *results = json_object_new_array();

    for (uint64_t rank = 1; rank <= question->num_results; ++rank)
        json_object_array_add(results, make(question->text, rank));
    json_object_object_add(json, "service", json_object_new_string(call->demo->service));
    json_object_object_add(json, "query", demo_json_text(question->text));
    json_object_object_add(json, "results", results);
    demo_answer(call, 200, json);
}

void demo_search(demo_call_t *call)
{
    question_t question;
    if (read_question(call, "query", 3, &question))
        answer_list(call, &question, search_result);
}

void demo_research(demo_call_t *call)
{
    question_t question;
    if (read_question(call, "query", 2, &question))
        answer_list(call, &question, finding);
}

void demo_scrape(demo_call_t *call)
{
    question_t question;
    if (!read_question(call, "url", 2, &question))
        return;

    struct json_object *json = json_object_new_object(), *links = json_object_new_array();
    for (uint64_t i = 1; i <= question.num_results; ++i)
        json_object_array_add(links, address_of("pages", id_of(question.text, i)));
    json_object_object_add(json, "service", json_object_new_string(call->demo->service));
    json_object_object_add(json, "url", demo_json_text(question.text));
    json_object_object_add(json, "title", titled(question.text, "page", 1));
    json_object_object_add(json, "links", links);
    demo_answer(call, 200, json);
}
