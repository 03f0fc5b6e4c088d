/* openapi: the document of a demo service (OpenAPI 3.0.3), made from the table of routes. */
#include "demo.h"
#include <assert.h>

/* Schemas that the rows of the table name. All services have an `Answer` of their own: whoever merges the documents of
 * several services has a clash to solve, as with real ones. */
static const char *const schemas_of_all =
    "{\"Anything\":{},"
    "\"Query\":{\"type\":\"object\",\"required\":[\"query\"],\"properties\":{"
    "\"query\":{\"type\":\"string\",\"maxLength\":4096},"
    "\"num_results\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000}}},"
    "\"Address\":{\"type\":\"object\",\"required\":[\"url\"],\"properties\":{"
    "\"url\":{\"type\":\"string\",\"maxLength\":4096},"
    "\"num_results\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000}}},"
    "\"Error\":{\"type\":\"object\",\"required\":[\"service\",\"status\"],\"properties\":{"
    "\"service\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"error\":{\"type\":\"string\"}}},"
    "\"Waited\":{\"type\":\"object\",\"properties\":{"
    "\"service\":{\"type\":\"string\"},\"waited_ms\":{\"type\":\"integer\"}}},"
    "\"Health\":{\"type\":\"object\",\"properties\":{"
    "\"service\":{\"type\":\"string\"},\"status\":{\"type\":\"string\"}}},"
    "\"Echo\":{\"type\":\"object\",\"properties\":{\"service\":{\"type\":\"string\"},\"method\":{\"type\":\"string\"},"
    "\"path\":{\"type\":\"string\"},\"query\":{\"type\":\"string\",\"nullable\":true},"
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":true},"
    "\"body_bytes\":{\"type\":\"integer\"},\"body\":{\"type\":\"string\"}}}}";

static const struct {
    const char *service, *answer;
} schemas_of_one[] = {
    {"search", "{\"type\":\"object\",\"required\":[\"results\"],\"properties\":{\"service\":{\"type\":\"string\"},"
               "\"query\":{\"type\":\"string\"},\"results\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
               "\"properties\":{\"id\":{\"type\":\"integer\",\"format\":\"int64\"},\"title\":{\"type\":\"string\"},"
               "\"url\":{\"type\":\"string\"},\"rank\":{\"type\":\"integer\"}}}}}}"},
    {"scrape", "{\"type\":\"object\",\"required\":[\"links\"],\"properties\":{\"service\":{\"type\":\"string\"},"
               "\"url\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
               "\"links\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}"},
    {"research", "{\"type\":\"object\",\"required\":[\"results\"],\"properties\":{\"service\":{\"type\":\"string\"},"
                 "\"query\":{\"type\":\"string\"},\"results\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
                 "\"properties\":{\"finding\":{\"type\":\"string\"},\"confidence\":{\"type\":\"number\"},"
                 "\"sources\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}}"},
};

static struct json_object *parsed(const char *text)
{
    struct json_object *json = demo_parse_object(sl_bytes_of(text));
    assert(json != NULL);
    return json;
}

static struct json_object *schemas(const char *service)
{
    struct json_object *all = parsed(schemas_of_all);

    for (size_t i = 0; i != sizeof(schemas_of_one) / sizeof(schemas_of_one[0]); ++i)
        if (strcmp(schemas_of_one[i].service, service) == 0)
            json_object_object_add(all, "Answer", parsed(schemas_of_one[i].answer));
    return all;
}

/* {"content":{"application/json":{"schema":{"$ref":...}}}} */
static struct json_object *content(const char *schema)
{
    struct json_object *outer = json_object_new_object(), *types = json_object_new_object(),
                       *type = json_object_new_object(), *reference = json_object_new_object();
    char target[64];

    snprintf(target, sizeof(target), "#/components/schemas/%s", schema);
    json_object_object_add(reference, "$ref", json_object_new_string(target));
    json_object_object_add(type, "schema", reference);
    json_object_object_add(types, "application/json", type);
    json_object_object_add(outer, "content", types);
    return outer;
}

static struct json_object *described(struct json_object *response, const char *description)
{
    json_object_object_add(response, "description", json_object_new_string(description));
    return response;
}

static struct json_object *responses(const demo_route_t *route)
{
    struct json_object *all = json_object_new_object();
    bool is_any_status = route->gives != NULL && strcmp(route->gives, "Error") == 0;

    if (route->gives == NULL)
        json_object_object_add(all, "200",
                               described(parsed("{\"content\":{\"application/octet-stream\":{}}}"), "The bytes"));
    else if (!is_any_status)
        json_object_object_add(all, "200", described(content(route->gives), "The answer"));
    json_object_object_add(all, "default", described(content("Error"), is_any_status ? "The answer" : "A refusal"));
    return all;
}

static struct json_object *parameter(const char *name, size_t name_len, const char *place, const char *type,
                                     bool is_required)
{
    struct json_object *json = json_object_new_object(), *schema = json_object_new_object();

    json_object_object_add(json, "name", json_object_new_string_len(name, (int)name_len));
    json_object_object_add(json, "in", json_object_new_string(place));
    json_object_object_add(json, "required", json_object_new_boolean(is_required));
    json_object_object_add(schema, "type", json_object_new_string(type));
    json_object_object_add(json, "schema", schema);
    return json;
}

static struct json_object *parameters(const demo_route_t *route, const char *path, bool has_body)
{
    struct json_object *all = json_object_new_array();
    const char *open = strchr(path, '{');

    if (open != NULL) {
        size_t name_len = strcspn(open + 1, "}");
        bool is_text = strncmp(open, "{rest}", 6) == 0;
        json_object_array_add(all, parameter(open + 1, name_len, "path", is_text ? "string" : "integer", true));
    }
    if (!has_body && route->service != NULL) {
        const char *question = strcmp(route->takes, "Address") == 0 ? "url" : "query";
        json_object_array_add(all, parameter(question, strlen(question), "query", "string", true));
        json_object_array_add(all, parameter("num_results", 11, "query", "integer", false));
    }
    return all;
}

static struct json_object *operation(const demo_t *demo, const demo_route_t *route, const char *path, unsigned method)
{
    struct json_object *json = json_object_new_object(), *tags = json_object_new_array();
    bool has_body = route->takes != NULL && (1u << method & (DEMO_POST | DEMO_PUT | DEMO_PATCH)) != 0;
    char id[64];

    snprintf(id, sizeof(id), "%s%s%s", route->operation, method == 0 ? "" : "By",
             method == 0 ? "" : demo_method_names[method]);
    json_object_object_add(json, "operationId", json_object_new_string(id));
    json_object_object_add(json, "summary", json_object_new_string(route->summary));
    json_object_array_add(tags, json_object_new_string(demo->service));
    json_object_object_add(json, "tags", tags);
    json_object_object_add(json, "parameters", parameters(route, path, has_body));
    if (has_body)
        json_object_object_add(json, "requestBody", content(route->takes));
    json_object_object_add(json, "responses", responses(route));
    return json;
}

static struct json_object *path_item(const demo_t *demo, const demo_route_t *route, const char *path)
{
    struct json_object *item = json_object_new_object();

    for (unsigned method = 0; method != DEMO_METHODS; ++method) {
        char name[16];
        if ((route->methods & 1u << method) == 0)
            continue;
        snprintf(name, sizeof(name), "%s", demo_method_names[method]);
        h2o_strtolower(name, strlen(name));
        json_object_object_add(item, name, operation(demo, route, path, method));
    }
    return item;
}

static struct json_object *paths(const demo_t *demo)
{
    struct json_object *all = json_object_new_object();
    static const char own[] = "{service}";

    for (const demo_route_t *route = demo_routes; route->pattern != NULL; ++route) {
        char path[128];
        const char *at = strstr(route->pattern, own);
        if (route->service != NULL && strcmp(route->service, demo->service) != 0)
            continue;
        if (at == NULL)
            snprintf(path, sizeof(path), "%s", route->pattern);
        else
            snprintf(path, sizeof(path), "%.*s%s%s", (int)(at - route->pattern), route->pattern, demo->service,
                     at + sizeof(own) - 1);
        json_object_object_add(all, path, path_item(demo, route, path));
    }
    return all;
}

void demo_openapi(demo_call_t *call)
{
    struct json_object *json = json_object_new_object(), *info = json_object_new_object(),
                       *components = json_object_new_object();

    json_object_object_add(info, "title", json_object_new_string(call->demo->service));
    json_object_object_add(info, "version", json_object_new_string("1.0.0"));
    json_object_object_add(info, "description", json_object_new_string("A demo service behind the gateway"));
    json_object_object_add(components, "schemas", schemas(call->demo->service));
    json_object_object_add(json, "openapi", json_object_new_string("3.0.3"));
    json_object_object_add(json, "info", info);
    json_object_object_add(json, "paths", paths(call->demo));
    json_object_object_add(json, "components", components);
    demo_answer(call, 200, json);
}
