/*
 * fields: header fields that may stand in a request several times.
 *
 * A list continues from line to line (RFC 9110 §5.3). A field of one value does not: where the lines differ, this node
 * and whoever reads the request behind it could each believe another one.
 */
#include "request.h"

static h2o_iovec_t line_at(const sl_exchange_t *exchange, ssize_t index)
{
    return sl_bytes_trim(exchange->req->headers.entries[index].value);
}

h2o_iovec_t sl_list_field(const sl_exchange_t *exchange, h2o_iovec_t name)
{
    const h2o_headers_t *headers = &exchange->req->headers;
    ssize_t index = h2o_find_header_by_str(headers, name.base, name.len, -1);
    h2o_iovec_t list = {NULL, 0};

    for (; index != -1; index = h2o_find_header_by_str(headers, name.base, name.len, index))
        list = list.base == NULL ? headers->entries[index].value
                                 : h2o_concat(&exchange->req->pool, list, SL_LIT(", "), headers->entries[index].value);
    return list;
}

bool sl_single_field(const sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t *value)
{
    const h2o_headers_t *headers = &exchange->req->headers;
    ssize_t index = h2o_find_header_by_str(headers, name.base, name.len, -1);

    *value = index != -1 ? line_at(exchange, index) : sl_bytes(NULL, 0);
    for (; index != -1; index = h2o_find_header_by_str(headers, name.base, name.len, index))
        if (!sl_bytes_equal(line_at(exchange, index), *value))
            return false;
    return true;
}
