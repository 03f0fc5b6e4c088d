/* Whatever Redis sends: a reply that is taken has values within their bounds and borrows only from its own bytes, and
 * the header fields made of it stay in their room and in printable characters. */
#include "sluice/admission.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_borrowed(h2o_iovec_t part, h2o_iovec_t reply)
{
    require(part.base >= reply.base && part.base + part.len <= reply.base + reply.len);
}

static void check_field(size_t (*print)(const sl_admission_t *, char *, size_t), const sl_admission_t *admission,
                        size_t size)
{
    char *text = malloc(size + 1);
    size_t len = print(admission, text, size);
    require(len <= size);
    require(size < 512 || (len != 0) == (admission->limit_count != 0));
    for (size_t i = 0; i != len; ++i)
        require(text[i] >= 0x20 && text[i] < 0x7f);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    h2o_iovec_t reply = sl_bytes((const char *)data, size);
    sl_admission_t admission;
    if (!sl_admission_read(reply, &admission))
        return 0;

    require(admission.verdict < SL_VERDICT_COUNT && admission.limit_count <= SL_LIMIT_KINDS);
    for (size_t i = 0; i != admission.limit_count; ++i)
        require(admission.limits[i].kind < SL_LIMIT_KINDS && admission.limits[i].remaining <= 1ull << 53);
    check_borrowed(admission.owner, reply);
    check_borrowed(admission.name, reply);
    check_field(sl_admission_policy_field, &admission, 512);
    check_field(sl_admission_ratelimit_field, &admission, 512);
    check_field(sl_admission_policy_field, &admission, size % 48);
    const sl_limit_state_t *tightest = sl_admission_tightest(&admission);
    require((tightest != NULL) == (admission.limit_count != 0));
    require(sl_retry_after_s(admission.wait_us) >= 1);
    return 0;
}
