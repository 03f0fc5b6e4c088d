/*
 * Answers of services, good ones and those that are broken in every way we know (libh2o's own client dies of some), and
 * the four deadlines. Deadlines are short where one has to pass, and no durations are asserted.
 */
#include "upstream_fixture.h"

UPSTREAM_SUITE(upstream_answers);

/* --- good answers --- */

Test(upstream_answers, a_request_is_sent_and_its_answer_told)
{
    serve_first({"<", ">" HELLO, "$"});
    watched_t watched = {0};
    start(&watched, "GET");

    expect_end(&watched, SL_UPSTREAM_OK, "hello");

    char wanted[256];
    snprintf(wanted, sizeof wanted, "GET /path?q=1 HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n", first.authority);
    cr_expect_str_eq(first.request, wanted);
    cr_expect_eq(watched.head.status, 200);
    cr_expect_eq(watched.head.content_length, 5);
    cr_expect(watched.head.has_body);
    cr_expect_eq(watched.facts.instance, &instances[0]);
    cr_expect_eq(watched.facts.tries, 1);
    cr_expect(!watched.facts.was_kept);
    cr_expect(watched.facts.started_us != 0 && watched.facts.head_us >= watched.facts.started_us);
    cr_expect_eq(count_of(SL_UPSTREAM_OK), 1);
    cr_expect_eq(open_connections(), 1);
    cr_expect_eq(idle_connections(), 1);
}

Test(upstream_answers, host_and_body_are_sent_as_asked)
{
    serve_first({"<", ">" HELLO, "$"});
    watched_t watched = {0};
    sl_call_request_t request = request_of("POST");
    request.host = SL_LIT("api.example");
    request.body = SL_LIT("a=1");
    request.has_body = true;
    start_request(&watched, &request);

    expect_end(&watched, SL_UPSTREAM_OK, "hello");

    cr_expect_str_eq(first.request, "POST /path?q=1 HTTP/1.1\r\nHost: api.example\r\nAccept: */*\r\n"
                                    "Content-Length: 3\r\n\r\na=1");
}

Test(upstream_answers, an_empty_body_is_announced)
{
    serve_first({"<", ">" HELLO, "$"});
    watched_t watched = {0};
    sl_call_request_t request = request_of("POST");
    request.has_body = true;
    start_request(&watched, &request);
    expect_end(&watched, SL_UPSTREAM_OK, "hello");
    cr_expect_not_null(strstr(first.request, "Content-Length: 0\r\n\r\n"));
}

Test(upstream_answers, a_clean_connection_is_used_again)
{
    serve_first({"<", ">" HELLO, "<", ">HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                 "<", ">HTTP/1.1 204 No Content\r\n\r\n", "<", ">HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "$"});
    const char *const methods[] = {"GET", "POST", "GET", "HEAD"};
    const char *const bodies[] = {"hello", "abc", "", ""};
    for (size_t i = 0; i != LENGTH_OF(methods); ++i) {
        watched_t watched = {0};
        start(&watched, methods[i]);
        expect_end(&watched, SL_UPSTREAM_OK, bodies[i]);
        cr_expect_eq(watched.facts.was_kept, i != 0);
        cr_expect_eq(watched.head.has_body, *bodies[i] != '\0');
    }
    cr_expect_eq(first.accepted, 1);
}

Test(upstream_answers, an_instance_on_a_unix_socket_is_served_and_its_connections_kept)
{
    static const script_t scripts[] = {{"<", ">" HELLO, "<", ">" HELLO, "$"}};
    service_start_unix(&first, 1, scripts, 1);
    instances[0] = first.instance;
    for (int i = 0; i != 2; ++i) {
        watched_t watched = {0};
        start(&watched, "GET");
        expect_end(&watched, SL_UPSTREAM_OK, "hello");
    }
    cr_expect_eq(first.accepted, 1);
    cr_expect_not_null(strstr(first.request, "Host: localhost\r\n"));
    service_stop_unix(&first);
}

/* --- the catalogue --- */

typedef struct answer_t {
    const char *method;
    script_t script;
    sl_upstream_result_t result;
    const char *body;
    bool is_kept;
} answer_t;

static const answer_t answers[] = {
    /* good ones, some of them odd */
    {"GET", {"<", "." HELLO, "$"}, SL_UPSTREAM_OK, "hello", true},
    {"GET", {"<", "." CHUNKED "5\r\nhello\r\n0\r\nA: b\r\n\r\n", "$"}, SL_UPSTREAM_OK, "hello", true},
    {"GET", {"<", ">" HEAD_OK "Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "$"}, SL_UPSTREAM_OK, "a", true},
    {"GET", {"<", ">" CHUNKED "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "$"}, SL_UPSTREAM_OK, "abc", true},
    {"GET", {"<", ">" HEAD_OK "\r\nto the end", "x"}, SL_UPSTREAM_OK, "to the end", false},
    {"GET", {"<", ">HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "$"}, SL_UPSTREAM_OK, "hello", false},
    {"GET",
     {"<", ">" HEAD_OK "Connection: x, Close\r\nContent-Length: 5\r\n\r\nhello", "$"},
     SL_UPSTREAM_OK,
     "hello",
     false},
    {"GET",
     {"<", ">HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" HELLO, "$"},
     SL_UPSTREAM_OK,
     "hello",
     true},
    {"GET", {"<", ".HTTP/1.1 102 Processing\r\n\r\n" HELLO, "$"}, SL_UPSTREAM_OK, "hello", true},
    {"HEAD", {"<", ">" HEAD_OK "Content-Length: 5\r\n\r\n", "$"}, SL_UPSTREAM_OK, "", true},
    {"HEAD", {"<", ">" CHUNKED, "$"}, SL_UPSTREAM_OK, "", true},
    {"GET", {"<", ">HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "$"}, SL_UPSTREAM_OK, "", true},
    {"GET", {"<", ">HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "$"}, SL_UPSTREAM_OK, "", true},
    /* two answers at once, or a body where none belongs: the connection cannot be believed any more */
    {"GET", {"<", ">" HELLO HELLO, "$"}, SL_UPSTREAM_OK, "hello", false},
    {"GET", {"<", ">" CHUNKED "1\r\na\r\n0\r\n\r\n" HELLO, "$"}, SL_UPSTREAM_OK, "a", false},
    {"HEAD", {"<", ">" HELLO, "$"}, SL_UPSTREAM_OK, "", false},
    {"GET", {"<", ">HTTP/1.1 204 No Content\r\n\r\nbody", "$"}, SL_UPSTREAM_OK, "", false},
    /* heads that break HTTP/1.1 */
    {"GET", {"<", ">garbage\r\n\r\n", "$"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET", {"<", ">HTTP/1.1 042 OK\r\n\r\n", "$"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET", {"<", ">HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "$"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET", {"<", ">" HEAD_OK "Content-Length: abc\r\n\r\n", "$"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET",
     {"<", ">" HEAD_OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "$"},
     SL_UPSTREAM_BROKEN_HEAD,
     "",
     false},
    {"GET", {"<", ">" HEAD_OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "$"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET", {"<", ">" HEAD_OK "A: b\r\n folded\r\n\r\n", "$"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET",
     {"<", ">" HEAD_OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "$"},
     SL_UPSTREAM_BROKEN_HEAD,
     "",
     false},
    {"GET", {"<", ">HTTP/1.1 200 O", "x"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET", {"<", ">HTTP/1.1 200 O", "!"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET", {"<", "x"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET", {"<", "!"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET", {"<", ">HTTP/1.1 100 Continue\r\n\r\n", "x"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    {"GET", {"<", ">" HEAD_OK "A: ", "*100000", "$"}, SL_UPSTREAM_BROKEN_HEAD, "", false},
    /* bodies that are cut or badly framed */
    {"GET", {"<", ">" HEAD_OK "Content-Length: 9\r\n\r\nhello", "x"}, SL_UPSTREAM_BROKEN_BODY, "hello", false},
    {"GET", {"<", ">" HEAD_OK "\r\nto the end", "@", "!"}, SL_UPSTREAM_BROKEN_BODY, "to the end", false},
    {"GET", {"<", ">" CHUNKED "5\r\nhel", "x"}, SL_UPSTREAM_BROKEN_BODY, "hel", false},
    {"GET", {"<", ">" CHUNKED "5\r\nhello\r\n", "x"}, SL_UPSTREAM_BROKEN_BODY, "hello", false},
    {"GET", {"<", ">" CHUNKED "5\r\nhello\r\n0\r\n", "x"}, SL_UPSTREAM_BROKEN_BODY, "hello", false},
    {"GET", {"<", ">" CHUNKED "5\r\nhello\r\nx\r\n", "$"}, SL_UPSTREAM_BROKEN_BODY, "hello", false},
    {"GET", {"<", ">" CHUNKED "5\nhello\n0\n\n", "$"}, SL_UPSTREAM_BROKEN_BODY, "", false},
    {"GET", {"<", ">" CHUNKED "ffffffffffffffff\r\n", "$"}, SL_UPSTREAM_BROKEN_BODY, "", false},
};

Test(upstream_answers, the_catalogue_of_answers_ends_as_it_should)
{
    static scripted_service_t speakers[LENGTH_OF(answers)];
    for (size_t i = 0; i != LENGTH_OF(answers); ++i) {
        const answer_t *answer = &answers[i];
        service_start(&speakers[i], (int)i + 1, &answer->script, 1);
        instances[0] = speakers[i].instance;
        uint64_t idle = idle_connections(), counted = count_of(answer->result);
        watched_t watched = {0};

        start(&watched, answer->method);
        /* a reset must not overtake what was sent before it */
        turn_until(watched.is_over || watched.body.size == strlen(answer->body));
        service_go(&speakers[i], 0);
        expect_end(&watched, answer->result, answer->body);

        cr_expect_eq(idle_connections() - idle, answer->is_kept, "connection of answer %zu", i);
        cr_expect_eq(count_of(answer->result), counted + 1, "count of answer %zu", i);
        cr_expect_eq(speakers[i].accepted, 1, "tries of answer %zu", i);
        cr_expect_eq(watched.heads, answer->result != SL_UPSTREAM_BROKEN_HEAD, "head of answer %zu", i);
    }
}

Test(upstream_answers, too_many_interim_answers_are_broken)
{
    serve_first({"<", ">HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 b\r\n\r\nHTTP/1.1 100 c\r\n\r\nHTTP/1.1 100 d\r\n\r\n",
                 ">HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 b\r\n\r\nHTTP/1.1 100 c\r\n\r\nHTTP/1.1 100 d\r\n\r\n",
                 ">HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 b\r\n\r\nHTTP/1.1 100 c\r\n\r\nHTTP/1.1 100 d\r\n\r\n",
                 ">HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 b\r\n\r\nHTTP/1.1 100 c\r\n\r\nHTTP/1.1 100 d\r\n\r\n",
                 ">HTTP/1.1 100 one too many\r\n\r\n" HELLO, "$"});
    watched_t watched = {0};
    start(&watched, "GET");
    expect_end(&watched, SL_UPSTREAM_BROKEN_HEAD, "");
}

Test(upstream_answers, an_early_refusal_of_a_large_body_is_delivered)
{
    serve_first({">HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge", "x"});
    static char body[10 << 20];
    watched_t watched = {0};
    sl_call_request_t request = request_of("POST");
    request.body = sl_bytes(body, sizeof body);
    request.has_body = true;
    start_request(&watched, &request);

    expect_end(&watched, SL_UPSTREAM_OK, "large");

    cr_expect_eq(watched.head.status, 413);
    cr_expect_eq(idle_connections(), 0);
}

Test(upstream_answers, a_large_body_arrives_whole)
{
    serve_first({"<", ">" HELLO, "$"});
    static char body[10 << 20];
    watched_t watched = {0};
    sl_call_request_t request = request_of("PUT");
    request.body = sl_bytes(body, sizeof body);
    request.has_body = true;
    start_request(&watched, &request);
    expect_end(&watched, SL_UPSTREAM_OK, "hello");
    cr_expect_eq(first.requests, 1);
    cr_expect_eq(idle_connections(), 1);
}

/* --- deadlines --- */

static void expect_timeout(sl_timeouts_t timeouts, sl_upstream_result_t result, const char *body)
{
    watched_t watched = {0};
    sl_call_request_t request = request_of("GET");
    request.timeouts = timeouts;
    start_request(&watched, &request);
    expect_end(&watched, result, body);
    cr_expect_eq(watched.facts.tries, 1);
    cr_expect_eq(open_connections(), 0);
}

Test(upstream_answers, a_service_that_hangs_before_the_head_times_out)
{
    serve_first({"<", "$"});
    expect_timeout((sl_timeouts_t){5000, 50, 5000, 10000}, SL_UPSTREAM_FIRST_BYTE_TIMEOUT, "");
}

/* What follows takes the services more than 150 ms to send. */
#define DRIPPING_FIELD "A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"

Test(upstream_answers, one_deadline_covers_a_head_that_drips)
{
    serve_first({"<", ".HTTP/1.1 200 OK\r\n" DRIPPING_FIELD "Content-Length: 0\r\n\r\n", "$"});
    expect_timeout((sl_timeouts_t){5000, 50, 5000, 10000}, SL_UPSTREAM_FIRST_BYTE_TIMEOUT, "");
}

Test(upstream_answers, interim_answers_do_not_extend_the_deadline_of_the_head)
{
    serve_first(
        {"<", ".HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 b\r\n\r\nHTTP/1.1 100 c\r\n\r\nHTTP/1.1 100 d\r\n\r\n" HELLO, "$"});
    expect_timeout((sl_timeouts_t){5000, 50, 5000, 10000}, SL_UPSTREAM_FIRST_BYTE_TIMEOUT, "");
}

Test(upstream_answers, a_body_that_stops_times_out)
{
    serve_first({"<", ">HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "$"});
    expect_timeout((sl_timeouts_t){5000, 5000, 50, 10000}, SL_UPSTREAM_IDLE_TIMEOUT, "hello");
}

Test(upstream_answers, the_total_deadline_covers_a_body_that_drips)
{
    serve_first({"<", ">HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "$"});
    expect_timeout((sl_timeouts_t){5000, 5000, 5000, 50}, SL_UPSTREAM_TOTAL_TIMEOUT, "hello");
}

Test(upstream_answers, the_total_deadline_covers_connecting_too)
{
    service_black_hole(&first, 1);
    instances[0] = first.instance;
    expect_timeout((sl_timeouts_t){5000, 5000, 5000, 50}, SL_UPSTREAM_TOTAL_TIMEOUT, "");
}

Test(upstream_answers, an_instance_that_cannot_be_connected_to_times_out)
{
    service_black_hole(&first, 1);
    instances[0] = first.instance;
    expect_timeout((sl_timeouts_t){50, 5000, 5000, 10000}, SL_UPSTREAM_CONNECT_TIMEOUT, "");
}

Test(upstream_answers, no_deadline_is_no_deadline)
{
    serve_first({"<", ">HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "@", ">hello", "$"});
    watched_t watched = {0};
    sl_call_request_t request = request_of("GET");
    request.timeouts = (sl_timeouts_t){0};
    start_request(&watched, &request);
    turn_until(watched.heads == 1);
    for (int i = 0; i != 3; ++i)
        turn();
    service_go(&first, 0);
    expect_end(&watched, SL_UPSTREAM_OK, "hello");
}
