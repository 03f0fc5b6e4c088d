/* listens: where the node listens, and whose word it takes about clients (`trusted_proxies`). Both are addresses, never
 * names. */
#include "endpoint.h"
#include "settings.h"
#include <arpa/inet.h>
#include <stdio.h>

/* --- listeners --- */

static socklen_t read_address(h2o_iovec_t text, struct sockaddr_storage *address)
{
    sl_endpoint_t endpoint;
    if (text.len > 5 && memcmp(text.base, "unix:", 5) == 0)
        return sl_endpoint_unix(sl_bytes(text.base + 5, text.len - 5), address);
    if (!sl_endpoint_read(text, &endpoint) || !endpoint.has_port)
        return 0;
    if (strcmp(endpoint.host, "*") == 0) { /* the IPv6 wildcard takes both families (IPV6_V6ONLY off) */
        strcpy(endpoint.host, "::");
        endpoint.is_bracketed = true;
    }
    return sl_endpoint_literal(&endpoint, address);
}

static bool take_address(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *item, sl_listen_t *listen)
{
    listen->address_len = read_address(item->text, &listen->address);
    if (listen->address_len == 0) {
        sl_reject(reader, setting, item);
        return false;
    }
    listen->text = sl_keep(reader, item->text).base;
    return true;
}

/* A bare address stands for a mapping with nothing else in it. */
static bool read_listen(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *item, void *slot)
{
    sl_listen_t *listen = slot;
    sl_pair_t pair = {SL_LIT("address"), item->place, item};
    sl_node_t map = {.kind = SL_NODE_MAP, .place = item->place, .count = 1, .pairs = &pair};
    if (item->kind == SL_NODE_MAP)
        sl_section_read(reader, setting->section, item, listen);
    else if (take_address(reader, setting, item, listen))
        sl_section_read(reader, setting->section, &map, listen);
    return listen->text != NULL;
}

static bool has_terms(const sl_listen_t *listen)
{
    return listen->has_tls || listen->http2 || listen->proxy_protocol || listen->redirects_to_https;
}

static void print_address(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    (void)setting;
    sl_emit_text(emitter, sl_bytes_of(((const sl_listen_t *)target)->text));
}

static void print_listens(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_config_t *config = target;
    bool is_plain = true;
    for (size_t i = 0; i < config->listen_count; ++i)
        is_plain = is_plain && !has_terms(&config->listens[i]);
    sl_emit_list(emitter, is_plain);
    for (size_t i = 0; i < config->listen_count; ++i)
        if (has_terms(&config->listens[i]))
            sl_section_print(emitter, setting->section, &config->listens[i]);
        else
            print_address(emitter, setting, &config->listens[i]);
    sl_emit_list_end(emitter);
}

static void put_listens_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_put(out,
                "\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{");
    sl_schema_section(out, setting->section);
    sl_text_put(out, "}]}}]");
}

static bool is_any(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* It stands at the same place for both families. */
static in_port_t port_of(const sl_listen_t *listen)
{
    return ((const struct sockaddr_in *)&listen->address)->sin_port;
}

/* Could only one of them be bound? The wildcard of IPv6 takes IPv4, too. */
static bool takes_in(const sl_listen_t *a, const sl_listen_t *b)
{
    bool is_same_family = a->address.ss_family == b->address.ss_family;
    if (a->address.ss_family == AF_UNIX || b->address.ss_family == AF_UNIX)
        return is_same_family && strcmp(a->text, b->text) == 0;
    if (port_of(a) != port_of(b))
        return false;
    if (is_any(&a->address))
        return is_same_family || a->address.ss_family == AF_INET6;
    return is_same_family && memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

static bool get_in_the_way(const sl_listen_t *a, const sl_listen_t *b)
{
    return takes_in(a, b) || takes_in(b, a);
}

/* Mappings are not held against each other by the list itself. */
static void check_addresses(sl_reader_t *reader, const sl_node_t *node, const sl_config_t *config)
{
    const sl_listen_t *listens = config->listens;
    for (size_t i = 0; i < config->listen_count; ++i)
        for (size_t j = 0; j < i; ++j)
            if (strcmp(listens[i].text, listens[j].text) == 0)
                sl_report_add(reader->report, node->place, "two listeners have the address '%s'", listens[i].text);
            else if (get_in_the_way(&listens[i], &listens[j]))
                sl_report_add(reader->report, node->place,
                              "listeners cannot have both '%s' and '%s': one takes in the other", listens[j].text,
                              listens[i].text);
}

static void read_listens(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_list_read(reader, setting, node, target);
    check_addresses(reader, node, target);
}

/* In its own section; the struct is the listener's. */
static void read_address_setting(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (sl_take_scalar(reader, setting, node))
        take_address(reader, setting, node, target);
}

/* --- how the terms of one listener fit together --- */

static h2o_iovec_t make_hsts(sl_reader_t *reader, const sl_hsts_t *hsts)
{
    char field[96];
    int len = snprintf(field, sizeof(field), "max-age=%llu%s%s", (unsigned long long)(hsts->max_age_ms / 1000),
                       hsts->include_subdomains ? "; includeSubDomains" : "", hsts->preload ? "; preload" : "");
    return sl_keep(reader, sl_bytes(field, (size_t)len));
}

void sl_finish_listen(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    sl_listen_t *listen = target;
    const sl_node_t *redirect = sl_node_find(node, "redirect");
    if (sl_node_find(node, "http2") == NULL)
        listen->http2 = listen->has_tls;
    if (listen->redirects_to_https && listen->has_tls)
        sl_report_add(reader->report, redirect->place,
                      "'redirect' leads to https, so it is for listeners without 'tls'");
    if (listen->has_hsts)
        listen->hsts.field = make_hsts(reader, &listen->hsts);
    if (listen->has_hsts && !listen->has_tls)
        sl_report_add(reader->report, sl_node_find(node, "hsts")->place, "'hsts' is for listeners with 'tls'");
}

/* --- blocks of addresses --- */

static void clear_host_bits(sl_block_t *block)
{
    for (unsigned bit = block->bits; bit < 8 * sizeof(block->bytes); ++bit)
        block->bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
}

static bool parse_block(h2o_iovec_t text, sl_block_t *block)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = memchr(text.base, '/', text.len);
    size_t len = slash != NULL ? (size_t)(slash - text.base) : text.len;
    if (sl_bytes_equal(text, SL_LIT("unix"))) {
        block->family = AF_UNIX;
        return true;
    }
    if (len >= sizeof(address))
        return false;
    memcpy(address, text.base, len);
    address[len] = 0;

    block->family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
    uint64_t width = block->family == AF_INET6 ? 128 : 32, bits = width;
    if (inet_pton(block->family, address, block->bytes) != 1)
        return false;
    if (slash != NULL && (!sl_parse_count(sl_bytes(slash + 1, text.len - len - 1), &bits) || bits > width))
        return false;
    block->bits = (unsigned)bits;
    clear_host_bits(block);
    return true;
}

static bool read_block(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *item, void *slot)
{
    sl_block_t block = {0};
    if (!parse_block(item->text, &block)) {
        sl_reject(reader, setting, item);
        return false;
    }
    *(sl_block_t *)slot = block;
    return true;
}

static void print_block(sl_emitter_t *emitter, const void *slot)
{
    const sl_block_t *block = slot;
    char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8] = "unix";
    if (block->family != AF_UNIX)
        snprintf(text, sizeof(text), "%s/%u", inet_ntop(block->family, block->bytes, address, sizeof(address)),
                 block->bits);
    sl_emit_text(emitter, sl_bytes_of(text));
}

/* --- the types --- */

#define EXAMPLES " such as *:8080, 127.0.0.1:8080, [::1]:8080 or unix:/run/sluice.sock"

const sl_type_t sl_type_listens = {.noun = "addresses" EXAMPLES,
                                   .is_list = true,
                                   .read = read_listens,
                                   .print = print_listens,
                                   .is_set = sl_list_is_set,
                                   .put_schema = put_listens_schema,
                                   .item_size = sizeof(sl_listen_t),
                                   .read_item = read_listen};
const sl_type_t sl_type_address = {.noun = "an address" EXAMPLES,
                                   .schema = "\"type\":\"string\"",
                                   .read = read_address_setting,
                                   .print = print_address};
const sl_type_t sl_type_blocks =
    SL_LIST_TYPE("addresses such as 10.0.0.0/8, 2001:db8::/32, 127.0.0.1 or unix", sl_block_t, read_block, print_block);

static void read_ops(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    if (!sl_node_is_off(node) && sl_take_scalar(reader, setting, node))
        take_address(reader, setting, node, sl_field(setting, target));
}

static void print_ops(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_listen_t *ops = sl_field_const(setting, target);
    if (ops->text == NULL)
        sl_emit_word(emitter, "off");
    else
        sl_emit_text(emitter, sl_bytes_of(ops->text));
}

const sl_type_t sl_type_ops = {.noun = "an address such as 127.0.0.1:9090 or unix:/run/sluice-ops.sock, or off",
                               .schema = "\"anyOf\":[{\"type\":\"string\"},{\"const\":false}]",
                               .read = read_ops,
                               .print = print_ops};

/* Metrics beside the traffic of strangers, or a bind that can only fail: neither is meant. */
void sl_finish_root(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    const sl_config_t *config = target;
    const sl_node_t *ops = sl_node_find(node, "ops");
    const sl_place_t place = ops != NULL ? ops->place : node->place;
    for (size_t i = 0; config->ops.text != NULL && i < config->listen_count; ++i)
        if (strcmp(config->listens[i].text, config->ops.text) == 0)
            sl_report_add(reader->report, place, "'ops' and 'listen' cannot have the same address '%s'",
                          config->ops.text);
        else if (get_in_the_way(&config->ops, &config->listens[i]))
            sl_report_add(reader->report, place, "'ops' cannot be '%s' beside '%s' in 'listen': one takes in the other",
                          config->ops.text, config->listens[i].text);
}
