/*
 * framing: is this head of a request unambiguous, and may it stand here? Pure. libh2o's parsers accept heads of which
 * two programs in a row can think differently (request smuggling); what is refused here is answered, in HTTP/1 the
 * connection closed, and nothing after it interpreted (RFC 9112 §6.3, §3.2, §5.1; RFC 9113 §8.2, §8.3).
 */
#ifndef SLUICE_FRAMING_H
#define SLUICE_FRAMING_H

#include "sluice/bytes.h"

typedef struct sl_head_field_t {
    h2o_iovec_t name, value; /* name.len 0: a folded continuation line */
} sl_head_field_t;

typedef struct sl_head_t {
    h2o_iovec_t method, target;
    int minor_version; /* HTTP/1.x */
    const sl_head_field_t *fields;
    size_t field_count;
} sl_head_t;

/* The largest head that is taken. */
typedef struct sl_head_limits_t {
    size_t target, bytes, lines; /* lines: at most SL_HEAD_LINES_MAX */
} sl_head_limits_t;

#define SL_HEAD_LINES_MAX 100 /* libh2o's own bound */

/* X(identifier, status of the answer, what is wrong in the log's words, what the client is told: that, and what to do)
 */
#define SL_FRAMING_ERRORS(X)                                                                                           \
    X(METHOD, 400, "the method is not a token",                                                                        \
      "The method is not a token: write it in letters, digits and !#$%&'*+-.^_`|~ only.")                              \
    X(TARGET, 400,                                                                                                     \
      "the request target is neither a path nor '*' nor an absolute URL, or holds a character that may not stand "     \
      "there",                                                                                                         \
      "The request target is no path: begin it with '/' (or send a whole http URL), and escape blanks, '#' and "       \
      "controls with %.")                                                                                              \
    X(TARGET_HOST, 400, "the host in the request target is not a host name or address with an optional port",          \
      "The host in the request target is none: send a host name or an address, with a port or without, and no user.")  \
    X(TARGET_LONG, 414, "the request target is longer than this gateway takes",                                        \
      "The request target is longer than this gateway takes: send long values in the body.")                           \
    X(VERSION, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here",                                                      \
      "Only HTTP/1.0 and HTTP/1.1 are spoken here: send one of them in the request line.")                             \
    X(SYNTAX, 400, "the head is not well-formed",                                                                      \
      "The head is not well-formed: send a request line, then one field in each line, as 'name: value', then an "      \
      "empty line.")                                                                                                   \
    X(LINE_END, 400, "a line does not end with CR LF",                                                                 \
      "A line of the head does not end with CR LF: end each of them with both.")                                       \
    X(TOO_LONG, 431, "the head is longer than this gateway takes",                                                     \
      "The head is longer than this gateway takes: send fewer or shorter fields; cookies are the usual reason.")       \
    X(TOO_MANY, 431, "the head has more fields than this gateway takes",                                               \
      "The head has more fields than this gateway takes: send fewer.")                                                 \
    X(FOLDED, 400, "a header line is folded", "A field goes on in a second line: write it in one.")                    \
    X(FIELD_NAME, 400, "a header name is not a token",                                                                 \
      "The name of a field is not a token: write it in letters, digits and hyphens, and the colon right behind it.")   \
    X(FIELD_VALUE, 400, "a header value holds a control character",                                                    \
      "The value of a field holds a control character: send none, or encode it.")                                      \
    X(NO_HOST, 400, "HTTP/1.1 needs exactly one Host", "HTTP/1.1 needs exactly one Host field: send it once.")         \
    X(BAD_HOST, 400, "Host is not a host name or address with an optional port",                                       \
      "Host is none: send a host name or an address, with a port or without, and nothing else.")                       \
    X(TWO_LENGTHS, 400, "more than one Content-Length", "There is more than one Content-Length: send it once.")        \
    X(BAD_LENGTH, 400, "Content-Length is not a plain number",                                                         \
      "Content-Length is not a plain number: send the length of the body in digits only.")                             \
    X(TWO_CODINGS, 400, "more than one Transfer-Encoding",                                                             \
      "There is more than one Transfer-Encoding: send it once, as 'chunked'.")                                         \
    X(BAD_CODING, 400, "Transfer-Encoding does not end with 'chunked', or is no list of codings",                      \
      "Transfer-Encoding does not end with 'chunked', so the end of the body cannot be known: send 'chunked', or a "   \
      "Content-Length.")                                                                                               \
    X(UNKNOWN_CODING, 501, "only the transfer coding 'chunked' is understood",                                         \
      "Only the transfer coding 'chunked' is understood: send the body with it alone, or with a Content-Length.")      \
    X(LENGTH_AND_CODING, 400, "Content-Length and Transfer-Encoding together",                                         \
      "Content-Length and Transfer-Encoding contradict each other: send one of them.")                                 \
    X(CODING_IN_1_0, 400, "Transfer-Encoding in HTTP/1.0",                                                             \
      "HTTP/1.0 has no Transfer-Encoding: send a Content-Length, or HTTP/1.1.")                                        \
    X(EXPECTATION, 417, "only 'Expect: 100-continue' is understood",                                                   \
      "Only 'Expect: 100-continue' is understood: send that, or no Expect.")                                           \
    X(NO_AUTHORITY, 400, "the request names no authority",                                                             \
      "The request names no authority: send ':authority' or Host.")                                                    \
    X(AUTHORITY_DIFFERS, 400, "Host and ':authority' differ",                                                          \
      "Host and ':authority' differ: send one of them, or the same in both.")                                          \
    X(CONNECTION_FIELD, 400, "a header of one connection has no place in HTTP/2",                                      \
      "HTTP/2 has no Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding or Upgrade field: send none.")        \
    X(LENGTH_UNLIKE_BODY, 400, "Content-Length differs from the length of the body",                                   \
      "Content-Length differs from the length of the body: send the true one, or none.")                               \
    X(BODY_TOO_LARGE, 413, "the body is larger than this gateway takes",                                               \
      "The body is larger than this gateway takes: send less.")

typedef enum {
    SL_FRAMING_OK,
#define X(id, status, text, advice) SL_FRAMING_##id,
    SL_FRAMING_ERRORS(X)
#undef X
        SL_FRAMING_ERROR_COUNT
} sl_framing_error_t;

/* A complete head of HTTP/1 that a parser has taken apart; its length is for the caller to judge. */
sl_framing_error_t sl_framing_check(const sl_head_t *head, const sl_head_limits_t *limits);
/* A head that a parser has refused: why? Never OK. */
sl_framing_error_t sl_framing_explain(h2o_iovec_t head, const sl_head_limits_t *limits);
/* A head of which `len` bytes with `line_ends` ends of lines have come so far. */
sl_framing_error_t sl_framing_check_part(size_t len, size_t line_ends, const sl_head_limits_t *limits);

/* A complete head of HTTP/2 without its pseudo-fields: target is ":path". What libh2o refuses by itself (capital
 * letters in names, repeated and unknown pseudo-fields) does not come here. */
sl_framing_error_t sl_framing_check_http2(const sl_head_t *head, h2o_iovec_t authority, const sl_head_limits_t *limits);

const char *sl_framing_error_text(sl_framing_error_t error);
const char *sl_framing_error_advice(sl_framing_error_t error);
int sl_framing_error_status(sl_framing_error_t error);

/* Characters of a token (RFC 9110 §5.6.2); len > 0. */
bool sl_is_token(h2o_iovec_t text);
extern const bool sl_token_characters[256];
static inline bool sl_is_token_character(unsigned char character)
{
    return sl_token_characters[character];
}
/* Tabs, visible characters and bytes from 0x80 on. */
bool sl_is_field_value(h2o_iovec_t text);
/* A host name, IPv4 or [IPv6] with an optional port (RFC 3986 §3.2.2); no userinfo, nothing else; may be empty. */
bool sl_is_authority(h2o_iovec_t text);

/* No blanks, controls or '#'; '*' only for OPTIONS. Whether it is a path is not asked. */
bool sl_is_target(h2o_iovec_t target, h2o_iovec_t method);

/* Splits an absolute-form target ("http://host:port/path?query", RFC 9112 §3.2.2) into authority and the rest, which
 * may lack its '/'. False when it is not of that form. Whether the authority is one is for sl_is_authority to say. */
bool sl_target_split(h2o_iovec_t target, h2o_iovec_t *authority, h2o_iovec_t *rest);

/* What the tokens of Connection fields say about the connection's future (RFC 9112 §9.3): note each field's value, then
 * ask. */
typedef struct sl_persistence_t {
    bool says_close, says_keep_alive;
} sl_persistence_t;
void sl_persistence_note(sl_persistence_t *persistence, h2o_iovec_t connection_value);
bool sl_persistence_decide(const sl_persistence_t *persistence, bool is_http_1_0);

#endif
