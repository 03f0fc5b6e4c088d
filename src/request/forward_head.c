/*
 * forward_head: what the service gets to see of the request's head.
 *
 * Target: the normalised path, its prefix cut and replaced as the route says, and the query as it came (without the
 * key, when that was its carrier). Fields: the client's, without those that speak of one connection, without the key,
 * without anything that only we may say (X-Forwarded-*, X-Consumer-*, X-Client-Cert-*, request id, trace), then ours,
 * then the route's own operations. Framing fields and Host are the upstream client's business.
 */
#include "sluice/path.h"
#include "transform.h"

/* Lower case. Those up to `te` are hop-by-hop in both directions (RFC 9110 §7.6.1); a client may not set the others. */
static const h2o_iovec_t hop_by_hop[] = {
    {H2O_STRLIT("connection")},
    {H2O_STRLIT("keep-alive")},
    {H2O_STRLIT("proxy-connection")},
    {H2O_STRLIT("transfer-encoding")},
    {H2O_STRLIT("upgrade")},
    {H2O_STRLIT("trailer")},
    {H2O_STRLIT("proxy-authenticate")},
    {H2O_STRLIT("proxy-authorization")},
    {H2O_STRLIT("te")},
};
static const h2o_iovec_t ours[] = {
    {H2O_STRLIT("x-real-ip")},
    {H2O_STRLIT("forwarded")},
    {H2O_STRLIT("x-request-id")},
    {H2O_STRLIT("traceparent")},
    {H2O_STRLIT("x-consumer-id")},
    {H2O_STRLIT("x-consumer-name")},
    {H2O_STRLIT("x-credential-identifier")},
    {H2O_STRLIT("x-client-cert-verify")},
    {H2O_STRLIT("x-client-cert-subject")},
    {H2O_STRLIT("x-client-cert-fingerprint")},
    {H2O_STRLIT("expect")},
    {H2O_STRLIT("content-length")},
    {H2O_STRLIT("host")},
};

/* Programs that get fields as CGI variables cannot tell X_Consumer_Id from X-Consumer-Id, so neither do we. */
static bool is_same_to_cgi(h2o_iovec_t ours_is, h2o_iovec_t name)
{
    if (ours_is.len != name.len)
        return false;
    for (size_t i = 0; i != name.len; ++i)
        if (ours_is.base[i] != (name.base[i] == '_' ? '-' : name.base[i]))
            return false;
    return true;
}

static bool is_among(const h2o_iovec_t *names, size_t count, h2o_iovec_t name)
{
    for (size_t i = 0; i != count; ++i)
        if (is_same_to_cgi(names[i], name))
            return true;
    return false;
}

/* Many services take '_' and '-' in a field's name for the same (CGI, WSGI): to them X_Consumer_Id is X-Consumer-Id. Of
 * X-Forwarded-* frameworks believe more than we send (-Ssl, -Scheme, -Port, -Server), so the whole family is ours. */
static bool is_ours(h2o_iovec_t name)
{
    static const h2o_iovec_t family = {H2O_STRLIT("x-forwarded-")};
    char dashed[32];

    if (name.len <= sizeof(dashed) && memchr(name.base, '_', name.len) != NULL) {
        for (size_t i = 0; i != name.len; ++i)
            dashed[i] = name.base[i] == '_' ? '-' : name.base[i];
        name.base = dashed;
    }
    if (name.len > family.len && memcmp(name.base, family.base, family.len) == 0)
        return true;
    return is_among(ours, sizeof(ours) / sizeof(ours[0]), name);
}

bool sl_is_hop_by_hop(h2o_iovec_t name, h2o_iovec_t connection)
{
    if (is_among(hop_by_hop, sizeof(hop_by_hop) / sizeof(hop_by_hop[0]), name))
        return true;
    return connection.len != 0 && h2o_contains_token(connection.base, connection.len, name.base, name.len, ',');
}

bool sl_is_keep_alive(h2o_iovec_t connection)
{
    return sl_bytes_equal_fold(connection, SL_LIT("keep-alive"));
}

/* The path without the route's prefix; a prefix ends at a segment's border or it is none. */
static h2o_iovec_t cut_prefix(h2o_iovec_t path, h2o_iovec_t prefix)
{
    while (prefix.len != 0 && prefix.base[prefix.len - 1] == '/')
        --prefix.len;
    if (prefix.len == 0 || path.len < prefix.len || memcmp(path.base, prefix.base, prefix.len) != 0)
        return path;
    bool ends_at_border = path.len == prefix.len || path.base[prefix.len] == '/';
    return ends_at_border ? sl_bytes(path.base + prefix.len, path.len - prefix.len) : path;
}

static h2o_iovec_t forwarded_query(const sl_exchange_t *exchange)
{
    return exchange->changed.query.base != NULL ? exchange->changed.query : exchange->query;
}

static h2o_iovec_t put_query(const sl_exchange_t *exchange, char *to)
{
    h2o_iovec_t query = forwarded_query(exchange);
    const sl_key_settings_t *keys = &exchange->config->keys;
    size_t len = query.len;

    if (query.base == NULL || (query.len == 0 && exchange->changed.query.base != NULL))
        return sl_bytes(to, 0);
    to[0] = '?';
    if (keys->query != NULL && !keys->forward) {
        len = sl_query_remove(query, sl_bytes_of(keys->query), to + 1);
        if (len == 0 && query.len != 0)
            return sl_bytes(to, 0); /* the key was all there was */
    } else if (len != 0) {
        memcpy(to + 1, query.base, len);
    }
    return sl_bytes(to, len + 1);
}

/* Without the segment that told the version, when its service does not know of it. */
static h2o_iovec_t forwarded_path(sl_exchange_t *exchange)
{
    const sl_versions_t *versions = exchange->route->versions;
    h2o_iovec_t path = exchange->path;

    if (versions == NULL || versions->by != SL_VERSION_BY_PATH || !versions->cut_segment)
        return path;
    h2o_iovec_t segment = sl_pattern_parameter(exchange->route->pattern.path, path, versions->name);
    if (segment.base == NULL)
        return path;
    size_t before = (size_t)(segment.base - path.base) - 1; /* its slash goes too */
    h2o_iovec_t behind = sl_bytes(segment.base + segment.len, path.len - before - 1 - segment.len);
    return h2o_concat(&exchange->req->pool, sl_bytes(path.base, before), behind);
}

h2o_iovec_t sl_forward_target(sl_exchange_t *exchange)
{
    const sl_route_t *route = exchange->route;
    h2o_iovec_t prefix = route->add_prefix, rest = cut_prefix(forwarded_path(exchange), route->strip_prefix);

    while (prefix.len != 0 && prefix.base[prefix.len - 1] == '/')
        --prefix.len;
    char *target = h2o_mem_alloc_pool(&exchange->req->pool, prefix.len + rest.len + forwarded_query(exchange).len + 3),
         *end = target;
    if (prefix.len != 0)
        end = (char *)memcpy(end, prefix.base, prefix.len) + prefix.len;
    if (rest.len != 0)
        end = (char *)memcpy(end, rest.base, rest.len) + rest.len;
    else if (prefix.len == 0)
        *end++ = '/';
    end += put_query(exchange, end).len;
    return sl_bytes(target, (size_t)(end - target));
}

/* --- fields --- */

static void put_line(sl_text_t *lines, h2o_iovec_t name, h2o_iovec_t value)
{
    char *to = sl_text_reserve(lines, name.len + value.len + 4);

    memcpy(to, name.base, name.len);
    memcpy(to + name.len, ": ", 2);
    if (value.len != 0)
        memcpy(to + name.len + 2, value.base, value.len);
    memcpy(to + name.len + 2 + value.len, "\r\n", 2);
    lines->size += name.len + value.len + 4;
}

static bool is_replaced_by_route(const sl_route_t *route, h2o_iovec_t name)
{
    for (size_t i = 0; i != route->request_header_count; ++i)
        if (route->request_headers[i].kind != SL_HEADER_APPEND &&
            sl_bytes_equal_fold(route->request_headers[i].name, name))
            return true;
    return false;
}

bool sl_carries_key(const sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t value)
{
    const sl_key_settings_t *keys = &exchange->config->keys;

    if (keys->forward)
        return false;
    if (sl_bytes_equal_fold(name, sl_bytes_of(keys->header)))
        return true;
    return keys->bearer && exchange->caller.has_key && sl_bytes_equal(name, SL_LIT("authorization")) && value.len > 7 &&
           strncasecmp(value.base, "Bearer ", 7) == 0;
}

static bool goes_on(const sl_exchange_t *exchange, const h2o_header_t *header, h2o_iovec_t connection)
{
    h2o_iovec_t name = *header->name;

    if (sl_is_hop_by_hop(name, connection) || is_ours(name))
        return false;
    if (sl_bytes_equal(name, SL_LIT("tracestate")) && !exchange->client.is_believed)
        return false;
    return !sl_carries_key(exchange, name, header->value) && !is_replaced_by_route(exchange->route, name);
}

static h2o_iovec_t join_connection(const sl_exchange_t *exchange)
{
    const h2o_headers_t *headers = &exchange->req->headers;
    ssize_t first = h2o_find_header(headers, H2O_TOKEN_CONNECTION, -1);

    if (first == -1)
        return sl_bytes(NULL, 0);
    ssize_t next = h2o_find_header(headers, H2O_TOKEN_CONNECTION, first);
    if (next == -1 && sl_is_keep_alive(headers->entries[first].value))
        return sl_bytes(NULL, 0);
    if (next == -1)
        return headers->entries[first].value;

    size_t room = 0;
    for (ssize_t at = first; at != -1; at = h2o_find_header(headers, H2O_TOKEN_CONNECTION, at))
        room += headers->entries[at].value.len + 1;
    h2o_iovec_t all = {h2o_mem_alloc_pool(&exchange->req->pool, room), 0};
    for (ssize_t at = first; at != -1; at = h2o_find_header(headers, H2O_TOKEN_CONNECTION, at)) {
        memcpy(all.base + all.len, headers->entries[at].value.base, headers->entries[at].value.len);
        all.len += headers->entries[at].value.len;
        all.base[all.len++] = ',';
    }
    return all;
}

/* HTTP/2 clients may send each cookie as a field of its own; in HTTP/1 they are one (RFC 9113 §8.2.3). */
static void put_cookies(sl_exchange_t *exchange, sl_text_t *lines, ssize_t first)
{
    const h2o_headers_t *headers = &exchange->req->headers;

    sl_text_put(lines, "cookie: ");
    for (ssize_t at = first; at != -1; at = h2o_find_header(headers, H2O_TOKEN_COOKIE, at)) {
        if (at != first)
            sl_text_put(lines, "; ");
        sl_text_append(lines, headers->entries[at].value.base, headers->entries[at].value.len);
    }
    sl_text_put(lines, "\r\n");
}

/* Speaks of the client's own body, or of the form in which it wants the answer: calls have bodies and forms of their
 * own. */
static bool speaks_of_content(h2o_iovec_t name)
{
    static const h2o_iovec_t beginnings[] = {{H2O_STRLIT("content-")}, {H2O_STRLIT("if-")}};
    static const h2o_iovec_t names[] = {{H2O_STRLIT("accept")},
                                        {H2O_STRLIT("accept-charset")},
                                        {H2O_STRLIT("accept-encoding")},
                                        {H2O_STRLIT("range")},
                                        {H2O_STRLIT("x-request-deadline-ms")}};

    for (size_t i = 0; i != sizeof(beginnings) / sizeof(beginnings[0]); ++i)
        if (name.len > beginnings[i].len && memcmp(name.base, beginnings[i].base, beginnings[i].len) == 0)
            return true;
    return is_among(names, sizeof(names) / sizeof(names[0]), name);
}

/* --- fields that a transformation makes wrong --- */

static bool is_replaced_by_transform(const sl_exchange_t *exchange, h2o_iovec_t name)
{
    static const h2o_iovec_t of_body[] = {{H2O_STRLIT("content-type")},
                                          {H2O_STRLIT("content-md5")},
                                          {H2O_STRLIT("digest")},
                                          {H2O_STRLIT("content-digest")},
                                          {H2O_STRLIT("repr-digest")}};
    static const h2o_iovec_t of_answer[] = {
        {H2O_STRLIT("accept-encoding")}, {H2O_STRLIT("range")}, {H2O_STRLIT("if-range")}};

    if (exchange->changed.body.base != NULL && is_among(of_body, sizeof(of_body) / sizeof(of_body[0]), name))
        return true;
    if (!sl_changes_answers(exchange->transform))
        return false;
    return is_among(of_answer, sizeof(of_answer) / sizeof(of_answer[0]), name) ||
           (sl_bytes_equal(name, SL_LIT("accept")) && sl_wants_msgpack(exchange));
}

static void put_unless_replaced(const sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t value, sl_text_t *lines)
{
    if (!is_replaced_by_route(exchange->route, name))
        put_line(lines, name, value);
}

/* Ranges and codings are of no use where the whole must be read; who wants MessagePack gets it made of JSON. */
static void put_transform_fields(const sl_exchange_t *exchange, sl_text_t *lines)
{
    if (exchange->changed.body.base != NULL)
        put_unless_replaced(exchange, SL_LIT("Content-Type"), exchange->changed.content_type, lines);
    if (!sl_changes_answers(exchange->transform))
        return;
    put_unless_replaced(exchange, SL_LIT("Accept-Encoding"), SL_LIT("identity"), lines);
    if (sl_wants_msgpack(exchange))
        put_unless_replaced(exchange, SL_LIT("Accept"), SL_LIT("application/json"), lines);
}

static void put_client_fields(sl_exchange_t *exchange, bool with_content, sl_text_t *lines)
{
    const h2o_headers_t *headers = &exchange->req->headers;
    h2o_iovec_t connection = join_connection(exchange);
    ssize_t first_cookie = h2o_find_header(headers, H2O_TOKEN_COOKIE, -1);

    for (size_t i = 0; i != headers->size; ++i) {
        const h2o_header_t *header = &headers->entries[i];
        if (!goes_on(exchange, header, connection) || is_replaced_by_transform(exchange, *header->name) ||
            (!with_content && speaks_of_content(*header->name)))
            continue;
        if (exchange->req->version >= 0x200 && header->name == &H2O_TOKEN_COOKIE->buf) {
            if (first_cookie == (ssize_t)i)
                put_cookies(exchange, lines, first_cookie);
            continue;
        }
        h2o_iovec_t name = header->orig_name != NULL ? sl_bytes(header->orig_name, header->name->len) : *header->name;
        put_line(lines, name, sl_hops_left(exchange, *header->name, sl_bytes_trim(header->value)));
    }
}

static void put_trace(const sl_exchange_t *exchange, sl_text_t *lines)
{
    char value[55];

    memcpy(value, "00-", 3);
    memcpy(value + 3, exchange->trace_id, SL_TRACE_ID_HEX);
    value[35] = '-';
    memcpy(value + 36, exchange->span_id, SL_SPAN_ID_HEX);
    value[52] = '-';
    memcpy(value + 53, exchange->trace_flags, 2);
    put_line(lines, SL_LIT("traceparent"), sl_bytes(value, sizeof(value)));
}

/* Only where the listener asks for certificates; elsewhere the fields do not exist. */
static void put_client_certificate(const sl_exchange_t *exchange, sl_text_t *lines)
{
    const sl_connection_t *connection = exchange->connection;
    if (connection == NULL || !connection->listen->has_tls ||
        connection->listen->tls.client_certificates == SL_CLIENT_CERTIFICATES_OFF)
        return;
    const sl_tls_facts_t *facts = &connection->tls;
    bool has_one = facts->client_subject != NULL;
    put_line(lines, SL_LIT("X-Client-Cert-Verify"), has_one ? SL_LIT("SUCCESS") : SL_LIT("NONE"));
    if (!has_one)
        return;
    put_line(lines, SL_LIT("X-Client-Cert-Subject"), sl_bytes_of(facts->client_subject));
    put_line(lines, SL_LIT("X-Client-Cert-Fingerprint"), sl_bytes_of(facts->client_fingerprint));
}

static void put_our_fields(const sl_exchange_t *exchange, sl_text_t *lines)
{
    const sl_client_t *client = &exchange->client;
    h2o_iovec_t host = client->host.len != 0 ? client->host : exchange->authority;

    put_line(lines, SL_LIT("X-Forwarded-For"), client->forwarded_for);
    put_line(lines, SL_LIT("X-Forwarded-Proto"), client->proto);
    if (host.len != 0)
        put_line(lines, SL_LIT("X-Forwarded-Host"), host);
    if (exchange->route->strip_prefix.len != 0) /* what links that the service makes must begin with */
        put_line(lines, SL_LIT("X-Forwarded-Prefix"), exchange->route->strip_prefix);
    sl_text_put(lines, exchange->req->version >= 0x200   ? "Via: 2 "
                       : exchange->req->version >= 0x101 ? "Via: 1.1 "
                                                         : "Via: 1.0 ");
    sl_text_put(lines, exchange->config->server_name);
    sl_text_put(lines, "\r\n");
    put_line(lines, SL_LIT("X-Request-Id"), sl_bytes(exchange->request_id, exchange->request_id_len));
    put_client_certificate(exchange, lines);
    if (!exchange->caller.has_key)
        return;
    put_line(lines, SL_LIT("X-Credential-Identifier"), sl_bytes(exchange->caller.digest, 8));
    if (exchange->caller.owner.len != 0)
        put_line(lines, SL_LIT("X-Consumer-Id"), exchange->caller.owner);
    if (exchange->caller.name.len != 0)
        put_line(lines, SL_LIT("X-Consumer-Name"), exchange->caller.name);
}

h2o_iovec_t sl_forward_headers(sl_exchange_t *exchange)
{
    static sl_text_t lines; /* one thread: the memory is used again and again */
    const sl_route_t *route = exchange->route;

    sl_text_clear(&lines);
    put_client_fields(exchange, true, &lines);
    put_transform_fields(exchange, &lines);
    put_our_fields(exchange, &lines);
    put_trace(exchange, &lines);
    for (size_t i = 0; i != route->request_header_count; ++i)
        if (route->request_headers[i].kind != SL_HEADER_REMOVE)
            put_line(&lines, route->request_headers[i].name, route->request_headers[i].value);
    return sl_exchange_copy(exchange, sl_bytes(lines.base, lines.size));
}

h2o_iovec_t sl_forward_common_headers(sl_exchange_t *exchange)
{
    static sl_text_t lines;

    sl_text_clear(&lines);
    put_client_fields(exchange, false, &lines);
    put_our_fields(exchange, &lines);
    sl_text_put(&lines, "Accept: application/json\r\nAccept-Encoding: identity\r\n");
    return sl_exchange_copy(exchange, sl_bytes(lines.base, lines.size));
}
