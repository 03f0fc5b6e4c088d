/* channel: packets with descriptors beside them (unix(7), SCM_RIGHTS). */
#include "sluice/channel.h"
#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct packet_t {
    uint64_t kind;
    uint64_t generation;
} packet_t;

/* The union gives the ancillary bytes the alignment that cmsg(3) asks for. */
typedef union ancillary_t {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * SL_MESSAGE_FDS)];
} ancillary_t;

bool sl_channel_open(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0;
}

bool sl_channel_send(int end, const sl_message_t *message)
{
    assert(message->fd_count <= SL_MESSAGE_FDS);
    packet_t packet = {.kind = message->kind, .generation = message->generation};
    ancillary_t ancillary = {{0}};
    struct iovec bytes = {&packet, sizeof packet};
    struct msghdr envelope = {.msg_iov = &bytes, .msg_iovlen = 1};

    if (message->fd_count != 0) {
        size_t size = sizeof(int) * message->fd_count;
        envelope.msg_control = ancillary.bytes;
        envelope.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *header = CMSG_FIRSTHDR(&envelope);
        *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(size)};
        memcpy(CMSG_DATA(header), message->fds, size);
    }
    ssize_t sent;
    while ((sent = sendmsg(end, &envelope, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    return sent == sizeof packet;
}

static void take_descriptors(struct msghdr *envelope, sl_message_t *message)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(envelope); header != NULL; header = CMSG_NXTHDR(envelope, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t size = header->cmsg_len - CMSG_LEN(0);
        memcpy(message->fds, CMSG_DATA(header), size);
        message->fd_count = size / sizeof(int);
    }
}

sl_channel_state_t sl_channel_receive(int end, sl_message_t *message)
{
    packet_t packet;
    ancillary_t ancillary;
    struct iovec bytes = {&packet, sizeof packet};
    struct msghdr envelope = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = ancillary.bytes, .msg_controllen = sizeof ancillary.bytes};
    ssize_t got;
    while ((got = recvmsg(end, &envelope, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return SL_CHANNEL_EMPTY;
    if (got != sizeof packet)
        return SL_CHANNEL_CLOSED;
    *message = (sl_message_t){.kind = (sl_message_kind_t)packet.kind, .generation = packet.generation};
    take_descriptors(&envelope, message);
    return SL_CHANNEL_MESSAGE;
}

int sl_channel_pack(h2o_iovec_t text)
{
    int fd = memfd_create("sluice-config", MFD_CLOEXEC);
    for (size_t written = 0; fd != -1 && written != text.len;) {
        ssize_t more = pwrite(fd, text.base + written, text.len - written, (off_t)written);
        if (more > 0) {
            written += (size_t)more;
        } else if (errno != EINTR) {
            close(fd);
            return -1;
        }
    }
    return fd;
}

bool sl_channel_unpack(int fd, sl_text_t *text)
{
    /* all receivers share one file position, hence pread */
    for (off_t offset = 0;;) {
        ssize_t got = pread(fd, sl_text_reserve(text, 65536), 65536, offset);
        if (got == 0) {
            sl_text_append(text, "", 0);
            return true;
        }
        if (got < 0 && errno != EINTR)
            return false;
        if (got > 0) {
            text->size += (size_t)got;
            offset += got;
        }
    }
}
