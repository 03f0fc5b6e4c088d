/* answer: how an answer of the demo service is sent. All of them name the service, so that a reader of the worked
 * example sees which one was reached. */
#include "demo.h"

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{400, "Bad Request"}, {404, "Not Found"},           {405, "Method Not Allowed"},
                   {204, "No Content"},  {503, "Service Unavailable"}, {500, "Internal Server Error"}};

    for (size_t i = 0; i != sizeof(reasons) / sizeof(reasons[0]); ++i)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return status < 400 ? "OK" : "Error";
}

void demo_begin(demo_call_t *call, int status, const char *content_type)
{
    h2o_req_t *req = call->req;

    req->res.status = status;
    req->res.reason = reason_of(status);
    if (content_type != NULL)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type, strlen(content_type));
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-service"), 0, NULL, call->demo->service,
                          strlen(call->demo->service));
    if (call->demo->is_leaving)
        req->http1_is_persistent = 0;
}

void demo_answer(demo_call_t *call, int status, struct json_object *json)
{
    h2o_req_t *req = call->req;
    bool is_bodiless = status == 204 || status == 205 || status == 304;

    if (!json_object_object_get_ex(json, "service", NULL) && !json_object_object_get_ex(json, "openapi", NULL))
        json_object_object_add(json, "service", json_object_new_string(call->demo->service));

    size_t len;
    const char *text =
        json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    h2o_iovec_t body = h2o_strdup(&req->pool, text, len);
    json_object_put(json);

    demo_begin(call, status, is_bodiless ? NULL : "application/json");
    if (is_bodiless)
        body.len = 0;
    /* a 204 has no length (RFC 9110 §8.6) */
    req->res.content_length = status == 204 || status == 304 ? SIZE_MAX : body.len;
    h2o_send_inline(req, body.base, body.len);
}

void demo_refuse(demo_call_t *call, int status, const char *detail)
{
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "error", json_object_new_string(detail));
    json_object_object_add(json, "status", json_object_new_int(status));
    demo_answer(call, status, json);
}
