/* The PROXY header as a truth table: what is taken, what is awaited, what is refused, and how soon. */
#include "sluice/proxy_protocol.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static sl_proxy_header_t header;

static sl_proxy_state_t parse(h2o_iovec_t bytes)
{
    return sl_proxy_parse(bytes, &header);
}

static const char *source(void)
{
    static char text[80];
    char address[INET6_ADDRSTRLEN];
    const struct sockaddr_in *in = (const struct sockaddr_in *)&header.source;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&header.source;
    if (!header.has_address)
        return "none";
    if (in->sin_family == AF_INET)
        snprintf(text, sizeof text, "%s %u", inet_ntop(AF_INET, &in->sin_addr, address, sizeof address),
                 ntohs(in->sin_port));
    else
        snprintf(text, sizeof text, "%s %u", inet_ntop(AF_INET6, &in6->sin6_addr, address, sizeof address),
                 ntohs(in6->sin6_port));
    return text;
}

static void expect_taken(h2o_iovec_t all, size_t len, const char *expected)
{
    cr_expect_eq(parse(all), SL_PROXY_COMPLETE, "%s", header.error);
    cr_expect_eq(header.length, len);
    cr_expect_str_eq(source(), expected);
    for (size_t part = 0; part != len; ++part) {
        cr_expect_eq(parse(sl_bytes(all.base, part)), SL_PROXY_INCOMPLETE, "after %zu", part);
        cr_expect_gt(header.length, part);
        cr_expect_leq(header.length, len, "waits for bytes that never come");
    }
}

static void expect_refused(h2o_iovec_t bytes, const char *expected)
{
    cr_expect_eq(parse(bytes), SL_PROXY_BROKEN, "%s", expected);
    cr_expect_str_eq(header.error, expected);
}

#define TAKES(bytes, expected) expect_taken(SL_LIT(bytes "GET / HTTP/1.1\r\n"), sizeof(bytes) - 1, expected)
#define REFUSES(bytes, expected) expect_refused(SL_LIT(bytes), expected)

Test(proxy_protocol, version_1)
{
    TAKES("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7 56324");
    TAKES("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0 0");
    TAKES("PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", "2001:db8::7 1");
    TAKES("PROXY UNKNOWN\r\n", "none");
    TAKES("PROXY UNKNOWN ffff:f...f:ffff whatever this is\r\n", "none");
}

Test(proxy_protocol, version_1_is_taken_literally)
{
    static const char line[] = "a line that is none of version 1";
    REFUSES("PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n", line);
    REFUSES("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 \r\n", line);
    REFUSES("PROXY TCP4  192.0.2.7 198.51.100.1 56324 443\r\n", line);
    REFUSES("PROXY TCP4 192.0.2.7 198.51.100.1 56324 65536\r\n", line);
    REFUSES("PROXY TCP4 192.0.2.7 198.51.100.1 056324 443\r\n", line);
    REFUSES("PROXY TCP4 192.0.2.7 198.51.100.1 +5632 443\r\n", line);
    REFUSES("PROXY TCP4 192.0.2.7 localhost-hos 56324 443\r\n", line);
    REFUSES("PROXY TCP4 192.0.2.7\0 198.51.100.1 56324 443\r\n", line);
    REFUSES("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n", line);
    REFUSES("PROXY TCP6 192.0.2.7 198.51.100.1 56324 443\r\n", line);
    REFUSES("PROXY UDP4 192.0.2.7 198.51.100.1 56324 443\r\n", line);
    REFUSES("PROXY tcp4 192.0.2.7 198.51.100.1 56324 443\r\n", line);
    REFUSES("PROXY \r\n", line);
}

Test(proxy_protocol, version_1_is_107_bytes_at_most)
{
    char bytes[200] = "PROXY UNKNOWN ";
    memset(bytes + 14, 'x', sizeof bytes - 14);
    cr_expect_eq(parse(sl_bytes(bytes, 106)), SL_PROXY_INCOMPLETE);
    memcpy(bytes + 105, "\r\n", 2);
    cr_expect_eq(parse(sl_bytes(bytes, sizeof bytes)), SL_PROXY_COMPLETE);
    memcpy(bytes + 105, "x\r\n", 3);
    cr_expect_eq(parse(sl_bytes(bytes, sizeof bytes)), SL_PROXY_BROKEN);
}

Test(proxy_protocol, version_2)
{
    TAKES(V2 "\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb", "192.0.2.7 56324");
    TAKES(V2 "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2",
          "2001:db8::7 1");
    TAKES(V2 "\x20\0\0\0", "none");
    TAKES(V2 "\x20\xff\0\3abc", "none");
    TAKES(V2 "\x21\0\0\0", "none");
    TAKES(V2 "\x21\0\0\2ab", "none");
    TAKES(V2 "\x21\x11\0\x12\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb\4\0\3abc", "192.0.2.7 56324");
}

Test(proxy_protocol, a_path_is_no_address)
{
    char bytes[16 + 216] = V2 "\x21\x31\0\xd8/run/client";
    cr_expect_eq(parse(sl_bytes(bytes, sizeof bytes)), SL_PROXY_COMPLETE);
    cr_expect_str_eq(source(), "none");
}

Test(proxy_protocol, version_2_adds_up_or_is_refused)
{
    REFUSES(V2 "\x22", "an unknown version or command");
    REFUSES(V2 "\x11\x11\0\x0c", "an unknown version or command");
    REFUSES(V2 "\x21\x12\0\x0c............", "a family that no TCP connection has");
    REFUSES(V2 "\x21\x11\0\x0b...........", "addresses longer than the header");
    REFUSES(V2 "\x21\x11\x0f\xf1", "a header longer than anybody needs");
    REFUSES(V2 "\x21\x11\0\x0e............\4\0", "an extension longer than the header");
    REFUSES(V2 "\x21\x11\0\x10............\4\0\2a", "an extension longer than the header");
    REFUSES(V2 "\x21\x11\0\x12............\3\0\3abc", "an odd checksum");
}

/* The checksum comes from an implementation of its own: see tests/e2e/test_29_proxy_protocol.py. */
Test(proxy_protocol, a_checksum_is_verified)
{
    char bytes[] = V2 "\x21\x11\0\x13\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb\3\0\4\x54\x8e\x28\xff";
    cr_expect_eq(parse(sl_bytes(bytes, sizeof bytes - 1)), SL_PROXY_COMPLETE, "%s", header.error);
    bytes[19] = 8; /* another client */
    cr_expect_eq(parse(sl_bytes(bytes, sizeof bytes - 1)), SL_PROXY_BROKEN);
    cr_expect_str_eq(header.error, "a wrong checksum");
}

Test(proxy_protocol, what_is_no_header_is_told_at_once)
{
    REFUSES("G", "no PROXY header");
    REFUSES("\x16", "no PROXY header");
    REFUSES("PRI * HTTP/2.0", "no PROXY header");
    REFUSES("\r\n\r\n\1", "no PROXY header");
}
