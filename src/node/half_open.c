/* half_open: see half_open.h. */
#include "half_open.h"
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PART_BYTES 32768 /* more than the kernel sends at a time */

typedef struct question_t {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
} question_t;

/* A list always ends with a message of its own kind: what comes first tells whether it is empty. */
static bool is_list_empty(int netlink, const question_t *question)
{
    static _Alignas(struct nlmsghdr) char part[PART_BYTES];
    struct nlmsghdr first;

    if (send(netlink, question, sizeof *question, 0) != (ssize_t)sizeof *question ||
        recv(netlink, part, sizeof part, MSG_DONTWAIT) < (ssize_t)sizeof first)
        return false;
    memcpy(&first, part, sizeof first);
    return first.nlmsg_type == NLMSG_DONE;
}

static bool exist_at(int family, in_port_t port)
{
    const question_t question = {.head = {.nlmsg_len = sizeof question,
                                          .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                                 .body = {.sdiag_family = (uint8_t)family,
                                          .sdiag_protocol = IPPROTO_TCP,
                                          .idiag_states = 1u << TCP_SYN_RECV,
                                          .id.idiag_sport = port}};
    int netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    bool is_empty = netlink != -1 && is_list_empty(netlink, &question);

    if (netlink != -1)
        close(netlink);
    return !is_empty;
}

bool sl_half_open_exist(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return true;
    if (address.ss_family == AF_INET)
        return exist_at(AF_INET, ((struct sockaddr_in *)&address)->sin_port);
    return address.ss_family == AF_INET6 && exist_at(AF_INET6, ((struct sockaddr_in6 *)&address)->sin6_port);
}
