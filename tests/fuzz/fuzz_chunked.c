/* Whatever the bytes and wherever reads cut them: no crash, payload inside the read, and the same body, verdict and end
 * as in one piece. */
#include "upstream/chunked.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome_t {
    sl_chunked_verdict_t verdict;
    size_t used;
    sl_text_t body;
} outcome_t;

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

/* Reads of `seed`-dependent sizes; 0: one read. Each in memory of exactly its size. */
static outcome_t decode(h2o_iovec_t stream, unsigned seed)
{
    sl_chunked_t decoder = {0};
    outcome_t outcome = {.verdict = SL_CHUNKED_MORE};
    while (outcome.verdict == SL_CHUNKED_MORE && outcome.used != stream.len) {
        seed = seed == 0 ? 0 : seed * 1103515245 + 12345;
        size_t rest = stream.len - outcome.used, used;
        size_t len = seed == 0 || 1 + (seed >> 16) % 9 > rest ? rest : 1 + (seed >> 16) % 9;
        char *copy = memcpy(malloc(len), stream.base + outcome.used, len);
        h2o_iovec_t payload;
        outcome.verdict = sl_chunked_decode(&decoder, sl_bytes(copy, len), &payload, &used);
        require(payload.base >= copy && payload.base + payload.len <= copy + len && used <= len);
        require(used == len || outcome.verdict != SL_CHUNKED_MORE);
        sl_text_append(&outcome.body, payload.base, payload.len);
        outcome.used += used;
        free(copy);
    }
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    h2o_iovec_t stream = sl_bytes((const char *)data + 1, size - 1);
    outcome_t whole = decode(stream, 0);
    outcome_t cut = decode(stream, data[0] + 1u);
    require(whole.verdict == cut.verdict && whole.used == cut.used);
    require(sl_bytes_equal(sl_bytes(whole.body.base, whole.body.size), sl_bytes(cut.body.base, cut.body.size)));
    sl_text_dispose(&whole.body);
    sl_text_dispose(&cut.body);
    return 0;
}
