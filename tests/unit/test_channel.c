/* Messages between the supervisor and a child: whole, in order, with their descriptors; and the end of the other side
 * is seen. */
#include "sluice/channel.h"
#include <criterion/criterion.h>
#include <unistd.h>

static int ends[2];

static void open_channel(void)
{
    cr_assert(sl_channel_open(ends));
}

TestSuite(channel, .init = open_channel);

Test(channel, messages_arrive_one_by_one)
{
    sl_message_t message;
    cr_assert(sl_channel_send(ends[0], &(sl_message_t){.kind = SL_MESSAGE_DRAIN}));
    cr_assert(sl_channel_send(ends[0], &(sl_message_t){.kind = SL_MESSAGE_READY, .generation = 7}));

    cr_assert_eq(sl_channel_receive(ends[1], &message), SL_CHANNEL_MESSAGE);
    cr_expect_eq(message.kind, SL_MESSAGE_DRAIN);
    cr_assert_eq(sl_channel_receive(ends[1], &message), SL_CHANNEL_MESSAGE);
    cr_expect_eq(message.kind, SL_MESSAGE_READY);
    cr_expect_eq(message.generation, 7);
    cr_expect_eq(sl_channel_receive(ends[1], &message), SL_CHANNEL_EMPTY);
}

Test(channel, a_text_travels_as_a_descriptor)
{
    sl_text_t sent = {0}, received = {0};
    for (int i = 0; i != 50000; ++i)
        sl_text_format(&sent, "line %d\n", i);
    sl_message_t message = {.kind = SL_MESSAGE_CONFIG, .generation = 2, .fd_count = 2};
    message.fds[0] = sl_channel_pack(sl_bytes(sent.base, sent.size));
    message.fds[1] = STDIN_FILENO;

    cr_assert(sl_channel_send(ends[0], &message));
    cr_assert_eq(sl_channel_receive(ends[1], &message), SL_CHANNEL_MESSAGE);

    cr_assert_eq(message.fd_count, 2);
    for (int times = 0; times != 2; ++times) { /* two children read the same file */
        sl_text_clear(&received);
        cr_assert(sl_channel_unpack(message.fds[0], &received));
        cr_expect_eq(received.size, sent.size);
        cr_expect_str_eq(received.base, sent.base);
    }
    sl_text_dispose(&sent);
    sl_text_dispose(&received);
}

Test(channel, a_dead_peer_reads_as_closed_after_its_last_message)
{
    sl_message_t message;
    cr_assert(sl_channel_send(ends[0], &(sl_message_t){.kind = SL_MESSAGE_STOP}));
    close(ends[0]);

    cr_expect_eq(sl_channel_receive(ends[1], &message), SL_CHANNEL_MESSAGE);
    cr_expect_eq(sl_channel_receive(ends[1], &message), SL_CHANNEL_CLOSED);
    cr_expect(!sl_channel_send(ends[1], &message));
}

Test(channel, a_peer_that_stopped_reading_blocks_nobody)
{
    int sent = 0;
    while (sent != 1000000 && sl_channel_send(ends[0], &(sl_message_t){.kind = SL_MESSAGE_READY}))
        ++sent;
    cr_expect_lt(sent, 1000000);
}
