/* SPDX-License-Identifier: MIT */
/*
 * Listening to the master. libh2o only tells when there is something to read: reading is ours, one
 * datagram a message. Owns the descriptor, through libh2o's socket.
 */
#include "worker/channel.h"

#include <errno.h>
#include <stdlib.h>

#include "common/fd.h"
#include "common/log.h"
#include "common/message.h"

struct channel {
    h2o_socket_t *socket;
    struct channel_events events;
};

static void on_message(struct channel *channel, const struct message *message, int fd)
{
    const struct channel_events *events = &channel->events;
    const uint64_t *numbers = message->numbers;

    switch (message->kind) {
    case MESSAGE_DRAIN:
        events->drain(events->arg, numbers[0], numbers[1] != 0);
        return;
    case MESSAGE_LOG:
        if (fd >= 0)
            events->log(events->arg, numbers[0], numbers[1], fd);
        else
            log_error("the log could not be opened anew: no descriptors left");
        return;
    case MESSAGE_LOG_LEVEL:
        if (numbers[0] <= LOG_LEVEL_OFF)
            events->log_level(events->arg, (enum log_level)numbers[0]);
        return;
    case MESSAGE_FORGET:
        events->forget(events->arg, numbers[0]);
        return;
    default:
        log_error("bug: the master said what it cannot mean said=%s", message_word(message->kind));
    }
}

static void on_readable(h2o_socket_t *socket, const char *error)
{
    struct channel *channel = socket->data;
    struct message message;
    int fd, r;

    (void)error; /* message_receive_fd() finds it, too */
    while ((r = message_receive_fd(h2o_socket_get_fd(socket), &message, &fd)) == 0) {
        on_message(channel, &message, fd);
        fd_close(&fd);
    }
    if (r == ERR_BUSY)
        return;
    if (r != ERR_CLOSED)
        log_error("the channel to the master failed: %s", error_text(r));
    h2o_socket_read_stop(socket);
    channel->events.orphaned(channel->events.arg);
}

int channel_new(h2o_loop_t *loop, int fd, const struct channel_events *events,
                struct channel **channel_r)
{
    struct channel *channel = calloc(1, sizeof(*channel));

    if (channel == NULL)
        return -ENOMEM;
    channel->events = *events;
    channel->socket = h2o_evloop_socket_create(loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    channel->socket->data = channel;
    h2o_socket_read_start(channel->socket, on_readable);
    *channel_r = channel;
    return 0;
}

void channel_free(struct channel **channel)
{
    if (*channel == NULL)
        return;
    h2o_socket_close((*channel)->socket);
    free(*channel);
    *channel = NULL;
}

int channel_say_ready(struct channel *channel, uint64_t generation)
{
    const struct message ready = { MESSAGE_READY, { generation } };

    return message_send(h2o_socket_get_fd(channel->socket), &ready);
}
