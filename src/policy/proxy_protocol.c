/*
 * proxy_protocol: the two forms of the header.
 *
 *   v1   "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", at most 107 bytes; "PROXY UNKNOWN ...\r\n"
 *   v2   signature (12) | version and command | family | length (2) | addresses | extensions: type, length (2), value
 *
 * Whatever cannot become a header any more is told at the first byte that shows it, so that a client that sends HTTP or
 * TLS instead does not wait for a deadline. Extensions are skipped, but their lengths must add up, and a checksum among
 * them must be right.
 */
#include "sluice/proxy_protocol.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>

#define V1_MAX 107
#define V1_LEAST 15 /* "PROXY UNKNOWN\r\n" */
#define V2_FIXED 16
#define EXTENSION_CRC32C 0x03

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static sl_proxy_state_t refuse(sl_proxy_header_t *header, const char *error)
{
    header->error = error;
    return SL_PROXY_BROKEN;
}

static bool begins_alike(h2o_iovec_t bytes, const char *beginning, size_t len)
{
    return memcmp(bytes.base, beginning, bytes.len < len ? bytes.len : len) == 0;
}

/* --- version 1 --- */

/* The next word, which one blank or the end follows; an empty one when there is none. */
static h2o_iovec_t next_word(h2o_iovec_t *rest)
{
    const char *blank = rest->len != 0 ? memchr(rest->base, ' ', rest->len) : NULL;
    h2o_iovec_t word = sl_bytes(rest->base, blank != NULL ? (size_t)(blank - rest->base) : rest->len);
    size_t used = word.len + (blank != NULL);
    *rest = sl_bytes(rest->base + used, rest->len - used);
    return word;
}

static bool read_port(h2o_iovec_t word, in_port_t *port)
{
    unsigned value = 0;
    if (word.len == 0 || word.len > 5 || (word.len > 1 && word.base[0] == '0'))
        return false;
    for (size_t i = 0; i != word.len; ++i) {
        if (word.base[i] < '0' || word.base[i] > '9')
            return false;
        value = value * 10 + (unsigned)(word.base[i] - '0');
    }
    *port = htons((uint16_t)value);
    return value <= UINT16_MAX;
}

static bool read_address(h2o_iovec_t word, int family, void *target)
{
    char text[INET6_ADDRSTRLEN];
    if (word.len == 0 || word.len >= sizeof text)
        return false;
    memcpy(text, word.base, word.len);
    text[word.len] = '\0';
    return strlen(text) == word.len && inet_pton(family, text, target) == 1;
}

static bool read_endpoint(h2o_iovec_t address, h2o_iovec_t port, int family, struct sockaddr_storage *endpoint)
{
    struct sockaddr_in *in = (struct sockaddr_in *)endpoint;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)endpoint;
    *endpoint = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    return family == AF_INET ? read_address(address, family, &in->sin_addr) && read_port(port, &in->sin_port)
                             : read_address(address, family, &in6->sin6_addr) && read_port(port, &in6->sin6_port);
}

static bool read_line(h2o_iovec_t line, sl_proxy_header_t *header)
{
    h2o_iovec_t family = next_word(&line);
    if (sl_bytes_equal(family, SL_LIT("UNKNOWN")))
        return true; /* "the receiver must ignore anything presented before the CRLF" */
    bool is_v4 = sl_bytes_equal(family, SL_LIT("TCP4"));
    if (!is_v4 && !sl_bytes_equal(family, SL_LIT("TCP6")))
        return false;
    h2o_iovec_t source = next_word(&line), destination = next_word(&line), source_port = next_word(&line);
    struct sockaddr_storage unused;
    header->has_address = true;
    return read_endpoint(source, source_port, is_v4 ? AF_INET : AF_INET6, &header->source) &&
           read_endpoint(destination, line, is_v4 ? AF_INET : AF_INET6, &unused);
}

static sl_proxy_state_t parse_v1(h2o_iovec_t bytes, sl_proxy_header_t *header)
{
    size_t seen = bytes.len < V1_MAX ? bytes.len : V1_MAX;
    const char *end = memmem(bytes.base, seen, "\r\n", 2);
    if (end == NULL && seen == V1_MAX)
        return refuse(header, "a line longer than 107 bytes");
    if (end == NULL) {
        header->length = seen < V1_LEAST ? V1_LEAST : seen + 1;
        return SL_PROXY_INCOMPLETE;
    }
    header->length = (size_t)(end - bytes.base) + 2;
    if (header->length < V1_LEAST || !read_line(sl_bytes(bytes.base + 6, header->length - 8), header))
        return refuse(header, "a line that is none of version 1");
    return SL_PROXY_COMPLETE;
}

/* --- version 2 --- */

static unsigned read16(const char *at)
{
    const uint8_t *octets = (const uint8_t *)at;
    return (unsigned)(octets[0] << 8 | octets[1]);
}

/* CRC32C of the header (RFC 3720 appendix B.4) as if the four octets at `hole` were zero. */
static uint32_t checksum(h2o_iovec_t bytes, size_t hole)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i != bytes.len; ++i) {
        crc ^= i >= hole && i < hole + 4 ? 0 : (uint8_t)bytes.base[i];
        for (int bit = 0; bit != 8; ++bit)
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return ~crc;
}

static const char *check_extensions(h2o_iovec_t bytes, size_t at)
{
    bool has_checksum = false;
    while (at != bytes.len) {
        if (bytes.len - at < 3 || bytes.len - at - 3 < read16(bytes.base + at + 1))
            return "an extension longer than the header";
        unsigned len = read16(bytes.base + at + 1);
        if (bytes.base[at] == EXTENSION_CRC32C) {
            uint32_t sent;
            if (len != sizeof sent || has_checksum)
                return "an odd checksum";
            has_checksum = true;
            memcpy(&sent, bytes.base + at + 3, sizeof sent);
            if (ntohl(sent) != checksum(bytes, at + 3))
                return "a wrong checksum";
        }
        at += 3 + len;
    }
    return NULL;
}

static const struct {
    uint8_t family;
    int address_family; /* 0: none that we could use */
    size_t len;
} families[] = {{0x00, 0, 0}, {0x11, AF_INET, 12}, {0x21, AF_INET6, 36}, {0x31, 0, 216}};
#define FAMILIES (sizeof families / sizeof families[0])

static void take_source(sl_proxy_header_t *header, int family, const char *addresses)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&header->source;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&header->source;
    header->has_address = family != 0;
    header->source = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    if (family == AF_INET) {
        memcpy(&in->sin_addr, addresses, 4);
        memcpy(&in->sin_port, addresses + 8, 2);
    } else if (family == AF_INET6) {
        memcpy(&in6->sin6_addr, addresses, 16);
        memcpy(&in6->sin6_port, addresses + 32, 2);
    }
}

static sl_proxy_state_t read_block(h2o_iovec_t bytes, sl_proxy_header_t *header)
{
    size_t row = 0;
    while (row != FAMILIES && families[row].family != (uint8_t)bytes.base[13])
        ++row;
    if (row == FAMILIES)
        return refuse(header, "a family that no TCP connection has");
    size_t extensions = V2_FIXED + families[row].len;
    if (extensions > bytes.len)
        return refuse(header, "addresses longer than the header");
    const char *error = row != 0 ? check_extensions(bytes, extensions) : NULL;
    if (error != NULL)
        return refuse(header, error);
    take_source(header, families[row].address_family, bytes.base + V2_FIXED);
    return SL_PROXY_COMPLETE;
}

static sl_proxy_state_t parse_v2(h2o_iovec_t bytes, sl_proxy_header_t *header)
{
    if (bytes.len > 12 && (uint8_t)bytes.base[12] != 0x20 && (uint8_t)bytes.base[12] != 0x21)
        return refuse(header, "an unknown version or command");
    header->length = V2_FIXED;
    if (bytes.len < V2_FIXED)
        return SL_PROXY_INCOMPLETE;
    header->length += read16(bytes.base + 14);
    if (header->length > SL_PROXY_HEADER_MAX)
        return refuse(header, "a header longer than anybody needs");
    if (bytes.len < header->length)
        return SL_PROXY_INCOMPLETE;
    if ((uint8_t)bytes.base[12] == 0x20)
        return SL_PROXY_COMPLETE; /* LOCAL: the rest of the header means nothing */
    return read_block(sl_bytes(bytes.base, header->length), header);
}

sl_proxy_state_t sl_proxy_parse(h2o_iovec_t bytes, sl_proxy_header_t *header)
{
    *header = (sl_proxy_header_t){.length = 1};
    if (bytes.len == 0)
        return SL_PROXY_INCOMPLETE;
    if (begins_alike(bytes, "PROXY ", 6))
        return parse_v1(bytes, header);
    if (begins_alike(bytes, signature, sizeof signature))
        return parse_v2(bytes, header);
    return refuse(header, "no PROXY header");
}
