/* Binding: one socket per worker, both families for "*", an address in use is told, a socket file that a dead node left
 * is replaced. */
#include "node/bound.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stddef.h>
#include <sys/un.h>
#include <unistd.h>

static sl_bound_t bound;
static sl_text_t error;

static sl_listen_t loopback(uint16_t port)
{
    sl_listen_t listen = {.text = "127.0.0.1:0", .address_len = sizeof(struct sockaddr_in)};
    *(struct sockaddr_in *)&listen.address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    return listen;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ((struct sockaddr_in *)&address)->sin_port; /* the port of sockaddr_in6 lies at the same place */
}

static bool connects(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM, 0);
    bool worked = connect(fd, address, len) == 0;
    close(fd);
    return worked;
}

Test(tcp, each_worker_gets_a_socket_of_its_own_on_one_port)
{
    sl_listen_t listen = loopback(0);
    cr_assert(sl_bound_open(&bound, &listen, 3, &error));

    cr_expect_neq(sl_bound_fd(&bound, 0), sl_bound_fd(&bound, 2));
    cr_expect_eq(port_of(sl_bound_fd(&bound, 0)), port_of(sl_bound_fd(&bound, 2)));
    sl_bound_close(&bound, true);
}

Test(tcp, an_address_that_another_node_listens_on_is_refused)
{
    sl_listen_t first = loopback(0);
    cr_assert(sl_bound_open(&bound, &first, 2, &error));
    sl_listen_t second = loopback(port_of(sl_bound_fd(&bound, 0)));
    sl_bound_t other;

    cr_expect(!sl_bound_open(&other, &second, 2, &error));

    cr_expect_str_eq(error.base, "cannot listen on 127.0.0.1:0: Address already in use");
    sl_bound_close(&bound, true);
    cr_expect(sl_bound_open(&bound, &second, 2, &error), "closed and still in use");
}

Test(tcp, a_star_takes_both_families)
{
    sl_listen_t listen = {.text = "*:0", .address_len = sizeof(struct sockaddr_in6)};
    listen.address.ss_family = AF_INET6;
    cr_assert(sl_bound_open(&bound, &listen, 1, &error));

    sl_listen_t ipv4 = loopback(port_of(sl_bound_fd(&bound, 0)));
    cr_expect(connects((struct sockaddr *)&ipv4.address, ipv4.address_len));
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = ((struct sockaddr_in *)&ipv4.address)->sin_port};
    ipv6.sin6_addr = in6addr_loopback;
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    getsockname(sl_bound_fd(&bound, 0), (struct sockaddr *)&own, &len);
    if (own.ss_family == AF_INET6) /* a kernel without IPv6 falls back to IPv4 */
        cr_expect(connects((struct sockaddr *)&ipv6, sizeof ipv6));
}

static char folder[] = "/tmp/sluice-bound-XXXXXX";

static sl_listen_t unix_socket(void)
{
    sl_listen_t listen = {.text = "unix:here", .address_len = sizeof(struct sockaddr_un)};
    struct sockaddr_un *address = (struct sockaddr_un *)&listen.address;
    cr_assert_not_null(mkdtemp(folder));
    address->sun_family = AF_UNIX;
    snprintf(address->sun_path, sizeof address->sun_path, "%s/s", folder);
    return listen;
}

static void clear_folder(void)
{
    char path[64];
    snprintf(path, sizeof path, "%s/s", folder);
    unlink(path);
    rmdir(folder);
}

TestSuite(unix_sockets, .fini = clear_folder);

Test(unix_sockets, a_file_that_a_dead_node_left_is_replaced_and_ours_is_taken_away)
{
    sl_listen_t listen = unix_socket();
    const char *path = ((struct sockaddr_un *)&listen.address)->sun_path;
    cr_assert(sl_bound_open(&bound, &listen, 2, &error));
    sl_bound_close(&bound, false); /* closed, but the file stays, as after a death */
    cr_assert_eq(access(path, F_OK), 0);

    cr_expect(sl_bound_open(&bound, &listen, 2, &error));
    cr_expect(connects((struct sockaddr *)&listen.address, listen.address_len));
    cr_expect_eq(sl_bound_fd(&bound, 0), sl_bound_fd(&bound, 1));

    sl_bound_close(&bound, true);
    cr_expect_neq(access(path, F_OK), 0);
}

Test(unix_sockets, a_socket_that_somebody_answers_is_left_alone)
{
    sl_listen_t listen = unix_socket();
    sl_bound_t other;
    cr_assert(sl_bound_open(&bound, &listen, 2, &error));

    cr_expect(!sl_bound_open(&other, &listen, 2, &error));

    cr_expect_not_null(strstr(error.base, "in use"));
    cr_expect(connects((struct sockaddr *)&listen.address, listen.address_len));
}

Test(unix_sockets, a_plain_file_is_never_removed)
{
    sl_listen_t listen = unix_socket();
    const char *path = ((struct sockaddr_un *)&listen.address)->sun_path;
    fclose(fopen(path, "w"));

    cr_expect(!sl_bound_open(&bound, &listen, 2, &error));

    cr_expect_eq(access(path, F_OK), 0);
}
