/* bound: see bound.h for why there are several sockets per address. */
#include "bound.h"
#include <errno.h>
#include <h2o.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
#define RECEIVE_BYTES (256 * 1024) /* what one connection may pile up in the kernel before we look at it */

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* A socket bound to the address, -1 with errno. "*" takes both families where the kernel has both. */
static int open_tcp(const sl_listen_t *listen, const struct sockaddr *address, socklen_t len, bool shares_port)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -1;
    bool is_any = listen->text[0] == '*';
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
        (address->sa_family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !is_any)) &&
        (!shares_port || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
        set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES) && bind(fd, address, len) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* With SO_REUSEPORT a second node of this user would silently share the connections; a socket without it fails. */
static bool is_taken(const sl_listen_t *listen, const struct sockaddr *address, socklen_t len)
{
    int fd = open_tcp(listen, address, len, false);
    if (fd == -1)
        return true;
    close(fd);
    return false;
}

static bool open_all_tcp(sl_bound_t *bound, const sl_listen_t *wanted, struct sockaddr *address, socklen_t len)
{
    if (is_taken(wanted, address, len))
        return false;
    for (size_t i = 0; i != bound->fd_count; ++i) {
        bound->fds[i] = open_tcp(wanted, address, len, true);
        if (bound->fds[i] == -1 || listen(bound->fds[i], BACKLOG) != 0)
            return false;
        getsockname(bound->fds[i], address, &len); /* port 0: the others take the port that the first was given */
    }
    return true;
}

static bool open_tcp_or_ipv4(sl_bound_t *bound, const sl_listen_t *wanted)
{
    struct sockaddr_storage address = wanted->address;
    if (open_all_tcp(bound, wanted, (struct sockaddr *)&address, wanted->address_len))
        return true;
    bool has_no_ipv6 = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
    if (wanted->text[0] != '*' || address.ss_family != AF_INET6 || !has_no_ipv6)
        return false;
    struct sockaddr_in narrow = {.sin_family = AF_INET,
                                 .sin_port = ((struct sockaddr_in6 *)&wanted->address)->sin6_port};
    return open_all_tcp(bound, wanted, (struct sockaddr *)&narrow, sizeof narrow);
}

/* A socket file that nobody listens on any more is left over from a node that died. Anything else stays. */
static bool clear_stale_socket(const struct sockaddr_un *address, socklen_t len)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0)
        return errno == ENOENT;
    if (!S_ISSOCK(status.st_mode)) {
        errno = EEXIST;
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return false;
    bool is_stale = connect(fd, (const struct sockaddr *)address, len) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!is_stale) {
        errno = EADDRINUSE;
        return false;
    }
    return unlink(address->sun_path) == 0;
}

static bool open_unix(sl_bound_t *bound, const sl_listen_t *wanted)
{
    const struct sockaddr_un *address = (const struct sockaddr_un *)&wanted->address;
    if (!clear_stale_socket(address, wanted->address_len))
        return false;
    bound->fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bound->fds[0] == -1 || bind(bound->fds[0], (const struct sockaddr *)address, wanted->address_len) != 0)
        return false;
    bound->unlink_path = h2o_strdup(NULL, address->sun_path, SIZE_MAX).base;
    return listen(bound->fds[0], BACKLOG) == 0;
}

bool sl_bound_open(sl_bound_t *bound, const sl_listen_t *listen, size_t workers, sl_text_t *error)
{
    bool is_unix = listen->address.ss_family == AF_UNIX;
    *bound = (sl_bound_t){.text = h2o_strdup(NULL, listen->text, SIZE_MAX).base, .fd_count = is_unix ? 1 : workers};
    bound->fds = h2o_mem_alloc(bound->fd_count * sizeof bound->fds[0]);
    for (size_t i = 0; i != bound->fd_count; ++i)
        bound->fds[i] = -1;
    if (is_unix ? open_unix(bound, listen) : open_tcp_or_ipv4(bound, listen))
        return true;
    sl_text_format(error, "cannot listen on %s: %s", listen->text, strerror(errno));
    sl_bound_close(bound, true);
    return false;
}

int sl_bound_fd(const sl_bound_t *bound, size_t slot)
{
    return bound->fds[bound->fd_count == 1 ? 0 : slot];
}

void sl_bound_close(sl_bound_t *bound, bool is_ours)
{
    if (bound->unlink_path != NULL && is_ours)
        unlink(bound->unlink_path);
    for (size_t i = 0; i != bound->fd_count; ++i)
        if (bound->fds[i] != -1)
            close(bound->fds[i]);
    free(bound->fds);
    free(bound->unlink_path);
    free(bound->text);
    *bound = (sl_bound_t){0};
}
