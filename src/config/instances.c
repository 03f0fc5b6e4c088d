/* instances: where a service listens, as URLs. Addresses are kept ready to connect to; names are left to the resolver.
 */
#include "endpoint.h"
#include "settings.h"

static bool begins_with(h2o_iovec_t text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.base, prefix, len) == 0;
}

/* "unix:/path:" in nginx's manner; the colon at its end may be left out. */
static const char *read_unix(sl_reader_t *reader, h2o_iovec_t rest, sl_instance_t *instance)
{
    const char *colon = memchr(rest.base, ':', rest.len);
    size_t len = colon != NULL ? (size_t)(colon - rest.base) : rest.len;
    h2o_iovec_t after = sl_bytes(rest.base + len, rest.len - len);
    if (after.len > 1 && !sl_bytes_equal(after, SL_LIT(":/")))
        return "takes no path (a route's 'prefix' puts one in front)";
    instance->literal_len = sl_endpoint_unix(sl_bytes(rest.base, len), &instance->literal);
    instance->authority = "localhost";
    instance->url = h2o_concat(reader->pool, SL_LIT("http://unix:"), sl_bytes(rest.base, len), SL_LIT(":")).base;
    return instance->literal_len != 0 ? NULL : "takes an absolute path of at most 107 bytes after unix:";
}

static const char *read_tcp(sl_reader_t *reader, h2o_iovec_t rest, sl_instance_t *instance)
{
    sl_endpoint_t endpoint;
    size_t len = strcspn(rest.base, "/?#");
    h2o_iovec_t authority = sl_keep(reader, sl_bytes(rest.base, len));
    if (memchr(authority.base, '@', len) != NULL)
        return "takes no user and password";
    if (rest.len != len && !sl_bytes_equal(sl_bytes(rest.base + len, rest.len - len), SL_LIT("/")))
        return "takes no path (a route's 'prefix' puts one in front)";
    if (!sl_endpoint_read(authority, &endpoint))
        return "takes a host and a port from 1 to 65535";
    if (!endpoint.has_port)
        endpoint.port = 80;

    instance->authority = authority.base;
    instance->url = h2o_concat(reader->pool, SL_LIT("http://"), authority).base;
    instance->port = endpoint.port;
    instance->literal_len = sl_endpoint_literal(&endpoint, &instance->literal);
    if (instance->literal_len == 0)
        instance->host = sl_keep(reader, sl_bytes_of(endpoint.host)).base;
    return instance->literal_len != 0 || sl_endpoint_is_name(&endpoint) ? NULL : "takes a host's name or address";
}

static bool read_instance(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *item, void *slot)
{
    h2o_iovec_t url = item->text;
    sl_instance_t instance = {0};
    const char *why = NULL;
    if (begins_with(url, "http://unix:"))
        why = read_unix(reader, sl_bytes(url.base + 12, url.len - 12), &instance);
    else if (begins_with(url, "http://"))
        why = read_tcp(reader, sl_bytes(url.base + 7, url.len - 7), &instance);
    else if (begins_with(url, "https://"))
        why = "takes http:// only, TLS to services is not offered";
    else
        why = "takes URLs such as http://127.0.0.1:8001 or http://unix:/run/search.sock:";
    if (why == NULL && strlen(instance.url) >= SL_NAME_BYTES)
        why = "takes URLs of up to 127 bytes";

    if (why != NULL)
        sl_reject_because(reader, setting, item, why);
    else
        *(sl_instance_t *)slot = instance;
    return why == NULL;
}

static void print_instance(sl_emitter_t *emitter, const void *slot)
{
    sl_emit_text(emitter, sl_bytes_of(((const sl_instance_t *)slot)->url));
}

const sl_type_t sl_type_instances =
    SL_LIST_TYPE("URLs such as http://127.0.0.1:8001 or http://unix:/run/search.sock:", sl_instance_t, read_instance,
                 print_instance);
