/*
 * channel: what the supervisor and its children tell each other, over one SOCK_SEQPACKET pair per child. One packet is
 * one message. When the other side has died the channel reads as closed: that is how a child learns that it is alone.
 *
 *   supervisor -> child   CONFIG generation, fds[0] holds the YAML text, then one listener per address that is new (in
 * the file's order); DRAIN; STOP child -> supervisor   READY generation; REFUSED generation
 */
#ifndef SLUICE_CHANNEL_H
#define SLUICE_CHANNEL_H

#include "sluice/bytes.h"
#include <stdint.h>

#define SL_MESSAGE_FDS 64

typedef enum {
    SL_MESSAGE_CONFIG,
    SL_MESSAGE_DRAIN,
    SL_MESSAGE_STOP,
    SL_MESSAGE_READY,
    SL_MESSAGE_REFUSED
} sl_message_kind_t;

typedef struct sl_message_t {
    sl_message_kind_t kind;
    uint64_t generation;
    size_t fd_count;
    int fds[SL_MESSAGE_FDS];
} sl_message_t;

typedef enum { SL_CHANNEL_MESSAGE, SL_CHANNEL_EMPTY, SL_CHANNEL_CLOSED } sl_channel_state_t;

/* Both ends non-blocking and close-on-exec. False with errno. */
bool sl_channel_open(int ends[2]);
/* The descriptors are copied into the message; the caller keeps its own. False when the other side is gone or has
 * stopped reading. */
bool sl_channel_send(int end, const sl_message_t *message);
/* The next message; its descriptors belong to the caller. */
sl_channel_state_t sl_channel_receive(int end, sl_message_t *message);

/* An anonymous file that holds the text, -1 with errno; and its text back (false when it cannot be read). */
int sl_channel_pack(h2o_iovec_t text);
bool sl_channel_unpack(int fd, sl_text_t *text);

#endif
