/* flow: answers of many bytes, made as fast as the client takes them; no answer holds more than one block. */
#include "demo.h"

#define BYTES_MAX ((uint64_t)1 << 40)
#define BLOCK_BYTES 65536

typedef struct flow_t {
    h2o_generator_t generator;
    uint64_t left;
} flow_t;

/* Lines of 64 characters, so that a piece cut out of the middle can be told by eye. */
static const char *block(void)
{
    static const char line[] = "0123456789 the demo service sends lines of sixty-four characters";
    static char bytes[BLOCK_BYTES];

    if (bytes[0] == '\0')
        for (size_t i = 0; i != BLOCK_BYTES; ++i)
            bytes[i] = i % 64 == 63 ? '\n' : line[i % 64];
    return bytes;
}

static void send_block(h2o_generator_t *generator, h2o_req_t *req)
{
    flow_t *flow = (flow_t *)generator;
    h2o_iovec_t piece = sl_bytes(block(), flow->left < BLOCK_BYTES ? (size_t)flow->left : BLOCK_BYTES);

    flow->left -= piece.len;
    h2o_send(req, &piece, 1, flow->left == 0 ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

void demo_bytes(demo_call_t *call)
{
    h2o_req_t *req = call->req;
    uint64_t count;

    if (!demo_parse_number(call->argument, BYTES_MAX, &count)) {
        demo_refuse(call, 400, "a count of bytes is a number up to 2^40");
        return;
    }
    flow_t *flow = h2o_mem_alloc_pool(&req->pool, sizeof(*flow));
    *flow = (flow_t){.generator = {send_block, NULL}, .left = count};
    demo_begin(call, 200, "application/octet-stream");
    req->res.content_length = count;
    h2o_start_response(req, &flow->generator);
    if (sl_bytes_equal(req->method, SL_LIT("HEAD")))
        h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
    else
        send_block(&flow->generator, req);
}
