/* Any bytes: no crash; a verdict that more bytes do not take back; what is awaited can still come. */
#include "sluice/proxy_protocol.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sl_proxy_header_t whole, part;
    char *bytes = malloc(size + 1); /* its end is watched */
    memcpy(bytes, data, size);
    bytes = realloc(bytes, size != 0 ? size : 1);
    sl_proxy_state_t state = sl_proxy_parse(sl_bytes(bytes, size), &whole);
    if (state == SL_PROXY_COMPLETE && (whole.length > size || whole.length > SL_PROXY_HEADER_MAX))
        abort();
    if (state == SL_PROXY_INCOMPLETE && (whole.length <= size || whole.length > SL_PROXY_HEADER_MAX))
        abort();
    if (state == SL_PROXY_BROKEN && whole.error == NULL)
        abort();
    for (size_t len = 0; len < size && len < 300; ++len) {
        sl_proxy_state_t before = sl_proxy_parse(sl_bytes(bytes, len), &part);
        if (before == SL_PROXY_BROKEN && state != SL_PROXY_BROKEN)
            abort();
        if (before == SL_PROXY_COMPLETE && (state != SL_PROXY_COMPLETE || part.length != whole.length))
            abort();
        if (before == SL_PROXY_INCOMPLETE && state == SL_PROXY_COMPLETE && part.length > whole.length)
            abort();
    }
    free(bytes);
    return 0;
}
