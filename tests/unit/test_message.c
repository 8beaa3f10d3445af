/* SPDX-License-Identifier: MIT */
/* Messages between master and worker. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/message.h"

static int channel[2];

static int open_channel(void **state)
{
    (void)state;
    return message_pair(channel);
}

static int close_channel(void **state)
{
    (void)state;
    close(channel[0]);
    close(channel[1]);
    return 0;
}

static void assert_receives(int want)
{
    struct message got;

    assert_int_equal(message_receive(channel[1], &got), want);
}

static void every_kind_arrives_as_it_was_sent(void **state)
{
    static const unsigned n_numbers[] = {
#define MESSAGE_ROW(kind, n, word, about) [kind] = n,
#include "common/message_table.h"
#undef MESSAGE_ROW
    };

    (void)state;
    for (unsigned kind = 0; kind < N_MESSAGE_KINDS; kind++) {
        struct message sent = { .kind = (enum message_kind)kind }, got;

        for (unsigned i = 0; i < n_numbers[kind]; i++)
            sent.numbers[i] = 0xfedcba9876543210 + kind + i;
        assert_int_equal(message_send(channel[0], &sent), 0);
        assert_int_equal(message_receive(channel[1], &got), 0);
        assert_memory_equal(&got, &sent, sizeof(sent));
    }
}

static void messages_keep_their_borders_and_order(void **state)
{
    struct message got;

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        struct message sent = { .kind = MESSAGE_DRAIN, .numbers = { i } };

        assert_int_equal(message_send(channel[0], &sent), 0);
    }
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(message_receive(channel[1], &got), 0);
        assert_int_equal(got.numbers[0], i);
    }
    assert_receives(ERR_BUSY);
}

static void a_descriptor_comes_with_its_message_or_is_closed(void **state)
{
    const struct message sent = { MESSAGE_LOG, { 6, 4 } };
    struct message got;
    int ends[2], fd;
    char byte = 'x';

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(message_send_fd(channel[0], &sent, ends[1]), 0);
    assert_int_equal(message_send_fd(channel[0], &sent, ends[1]), 0);
    assert_int_equal(message_send(channel[0], &sent), 0);
    close(ends[1]);
    assert_int_equal(message_receive_fd(channel[1], &got, &fd), 0);
    assert_int_equal(got.numbers[1], 4);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(fd, &byte, 1), 1);
    close(fd);
    assert_int_equal(message_receive(channel[1], &got), 0); /* who wants none */
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* nobody has the other end open any more */
    assert_int_equal(message_receive_fd(channel[1], &got, &fd), 0);
    assert_int_equal(fd, -1);
    close(ends[0]);
}

static void a_datagram_that_is_no_message_is_refused(void **state)
{
    static const struct {
        size_t len;
        uint8_t bytes[64];
        int want;
    } wrong[] = {
        { 1, { MESSAGE_VERSION }, ERR_FORMAT },
        { 4, { MESSAGE_VERSION + 1, MESSAGE_READY, 0, 1 }, ERR_UNSUPPORTED },
        { 4, { MESSAGE_VERSION, N_MESSAGE_KINDS, 0, 1 }, ERR_UNSUPPORTED },
        { 4,
          { MESSAGE_VERSION, MESSAGE_READY, 0, 0 },
          ERR_FORMAT }, /* a number less than its row says */
        { 11, { MESSAGE_VERSION, MESSAGE_READY, 0, 1 }, ERR_FORMAT }, /* cut */
        { 13, { MESSAGE_VERSION, MESSAGE_READY, 0, 1 }, ERR_FORMAT }, /* a byte more */
        { 64, { MESSAGE_VERSION, MESSAGE_READY, 0, 1 }, ERR_FORMAT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(send(channel[0], wrong[i].bytes, wrong[i].len, 0), wrong[i].len);
        assert_receives(wrong[i].want);
    }
    assert_receives(ERR_BUSY);
}

static void a_side_that_is_gone_is_noticed_by_both_calls(void **state)
{
    struct message ready = { .kind = MESSAGE_READY };

    (void)state;
    assert_receives(ERR_BUSY);
    close(channel[0]);
    channel[0] = -1;
    assert_receives(ERR_CLOSED);
    assert_int_equal(message_send(channel[1], &ready), ERR_CLOSED);
}

static void a_side_that_does_not_read_never_blocks_the_other(void **state)
{
    struct message drain = { .kind = MESSAGE_DRAIN };
    int r = 0;

    (void)state;
    for (int i = 0; i < 100000 && r == 0; i++)
        r = message_send(channel[0], &drain);
    assert_int_equal(r, ERR_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_arrives_as_it_was_sent, open_channel,
                                        close_channel),
        cmocka_unit_test_setup_teardown(messages_keep_their_borders_and_order, open_channel,
                                        close_channel),
        cmocka_unit_test_setup_teardown(a_descriptor_comes_with_its_message_or_is_closed,
                                        open_channel, close_channel),
        cmocka_unit_test_setup_teardown(a_datagram_that_is_no_message_is_refused, open_channel,
                                        close_channel),
        cmocka_unit_test_setup_teardown(a_side_that_is_gone_is_noticed_by_both_calls, open_channel,
                                        close_channel),
        cmocka_unit_test_setup_teardown(a_side_that_does_not_read_never_blocks_the_other,
                                        open_channel, close_channel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
