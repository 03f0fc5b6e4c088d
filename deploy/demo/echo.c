/* echo: what reached the service, as JSON, so that everything a gateway does to a request can be looked at. */
#include "demo.h"

/* Longer bodies are counted, not shown. */
#define BODY_SHOWN_MAX 4096

/* A header that came more than once is shown as an array, in the order of arrival. */
static void add_header(struct json_object *headers, h2o_iovec_t name, struct json_object *value)
{
    struct json_object *key = demo_json_text(name), *before;
    const char *key_text = json_object_get_string(key);

    if (!json_object_object_get_ex(headers, key_text, &before)) {
        json_object_object_add(headers, key_text, value);
    } else if (json_object_get_type(before) == json_type_array) {
        json_object_array_add(before, value);
    } else {
        struct json_object *all = json_object_new_array();
        json_object_array_add(all, json_object_get(before));
        json_object_array_add(all, value);
        json_object_object_add(headers, key_text, all);
    }
    json_object_put(key);
}

static struct json_object *show_headers(h2o_req_t *req)
{
    struct json_object *headers = json_object_new_object();

    /* libh2o takes Host out of the list */
    add_header(headers, SL_LIT("host"), demo_json_text(req->authority));
    for (size_t i = 0; i != req->headers.size; ++i)
        add_header(headers, *req->headers.entries[i].name, demo_json_text(req->headers.entries[i].value));
    return headers;
}

void demo_echo(demo_call_t *call)
{
    h2o_req_t *req = call->req;
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "service", json_object_new_string(call->demo->service));
    json_object_object_add(json, "method", demo_json_text(req->method));
    json_object_object_add(json, "path", demo_json_text(call->path));
    json_object_object_add(json, "query", call->query.base == NULL ? NULL : demo_json_text(call->query));
    json_object_object_add(json, "headers", show_headers(req));
    json_object_object_add(json, "body_bytes", json_object_new_int64((int64_t)req->entity.len));
    if (req->entity.len != 0 && req->entity.len <= BODY_SHOWN_MAX && demo_is_text(req->entity))
        json_object_object_add(json, "body", demo_json_text(req->entity));
    demo_answer(call, 200, json);
}
