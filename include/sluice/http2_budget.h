/*
 * http2_budget: how much of what costs us more than it costs the client one HTTP/2 connection may do. Pure.
 *
 * Amounts hold for ten seconds. Each stream that is opened adds to them, because honest clients do most of these things
 * in proportion to their requests. They are generous: a client that exceeds one is not clumsy, it attacks, and its
 * connection is closed with GOAWAY(ENHANCE_YOUR_CALM).
 */
#ifndef SLUICE_HTTP2_BUDGET_H
#define SLUICE_HTTP2_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* X(identifier, name in the log, amount per ten seconds, more per ten streams, why) */
#define SL_HTTP2_BUDGETS(X)                                                                                            \
    X(RESETS, "resets", 200, 5,                                                                                        \
      "requests given up before their end, by whichever side (CVE-2023-44487, "                                        \
      "CVE-2025-8671); pages that are left and searches that are typed give up some")                                  \
    X(REFUSED, "refused streams", 400, 0, "beyond the 100 at once that our SETTINGS allow")                            \
    X(MALFORMED, "malformed requests", 100, 0, "each is answered 4xx; a client that keeps sending them is broken")     \
    X(RST_FRAMES, "RST_STREAM frames", 1000, 20, "also for streams that have ended")                                   \
    X(PING, "PING frames", 1000, 20, "each is answered; some clients measure bandwidth with them")                     \
    X(SETTINGS, "SETTINGS frames", 100, 0, "each is answered and visits every stream")                                 \
    X(PRIORITY, "PRIORITY frames", 1000, 40, "each rebuilds the tree; browsers rearrange what they load")              \
    X(WINDOW_UPDATE, "WINDOW_UPDATE frames", 1000, 40, "and one per 512 bytes of answers (CVE-2019-9511)")             \
    X(EMPTY_DATA, "empty DATA frames", 200, 10, "they carry nothing and end nothing (CVE-2019-9518)")                  \
    X(CONTINUATION, "CONTINUATION frames", 400, 10, "a head of the allowed size needs two (CVE-2024-27316 class)")     \
    X(UNKNOWN, "frames of unknown types", 1000, 40, "browsers send PRIORITY_UPDATE and grease")                        \
    X(HEADER_BYTES, "bytes of headers", 67108864, 0, "compressed; 50,000 requests a second with 128 bytes each")

typedef enum {
#define X(id, name, amount, more, why) SL_HTTP2_BUDGET_##id,
    SL_HTTP2_BUDGETS(X)
#undef X
        SL_HTTP2_BUDGET_COUNT
} sl_http2_budget_t;

#define SL_HTTP2_BUDGET_WINDOW_US 10000000

/* Of one connection; all zero is a new one. */
typedef struct sl_http2_ledger_t {
    uint64_t began_us; /* of the ten seconds */
    uint64_t streams;  /* opened in them */
    uint64_t sent;     /* bytes of answers */
    uint64_t spent[SL_HTTP2_BUDGET_COUNT];
    uint64_t block_bytes; /* of the head that is arriving: HEADERS and its CONTINUATIONs */
    bool is_exceeded;     /* stays so */
    sl_http2_budget_t exceeded;
} sl_http2_ledger_t;

void sl_http2_note_stream(sl_http2_ledger_t *ledger, uint64_t now_us);
void sl_http2_note_sent(sl_http2_ledger_t *ledger, uint64_t bytes, uint64_t now_us);
/* False when the budget is exceeded by it. */
bool sl_http2_spend(sl_http2_ledger_t *ledger, sl_http2_budget_t budget, uint64_t amount, uint64_t now_us);
const char *sl_http2_budget_name(sl_http2_budget_t budget);

#endif
