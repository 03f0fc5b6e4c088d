/*
 * tls_plain: who speaks plain HTTP to a port of TLS is told so, in plain HTTP. OpenSSL recognises the beginning of the
 * usual requests and gives up before it has sent a byte, so an answer can still be read; libh2o then closes, and the
 * rest of the request is waited for by linger.c.
 *
 * No request has come into being, so there is no line of it in the access log: the handshake is counted as one that
 * failed, and the log of events names the client.
 */
#include "sluice/connection.h"
#include "sluice/log.h"
#include "tls.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#define BODY                                                                                                           \
    "{\"type\":\"urn:sluice:problem:bad_request\",\"title\":\"Bad Request\",\"status\":400,"                           \
    "\"detail\":\"A plain HTTP request came to a port that speaks HTTPS.\",\"error\":\"Bad request\"}"

void sl_tls_answer_plain(sl_connection_t *connection)
{
    char answer[512];
    unsigned long error = ERR_peek_last_error();

    if (ERR_GET_LIB(error) != ERR_LIB_SSL || ERR_GET_REASON(error) != SSL_R_HTTP_REQUEST)
        return;
    int len = snprintf(answer, sizeof answer,
                       "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                       sizeof BODY - 1, BODY);
    sl_connection_let_linger(connection);
    /* the first bytes on this connection: they fit, or the client is gone */
    (void)!send(h2o_socket_get_fd(connection->sock), answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    sl_log_limited(SL_LOG_INFO, "plain_http", "%s sent plain HTTP to %s, which speaks TLS: refused", connection->peer,
                   connection->listen->text);
}
