/* SPDX-License-Identifier: MIT */
/*
 * Messages on the wire: version u8, kind u8, count u16, then the numbers as u64. Owns nothing,
 * keeps no state: a datagram is a whole message or an error.
 */
#include "common/message.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/wire.h"

enum { HEAD_LEN = 4, DATAGRAM_MAX = HEAD_LEN + 8 * MESSAGE_NUMBERS_MAX };

static const struct {
    unsigned n_numbers;
    const char *word;
} kinds[] = {
#define MESSAGE_ROW(kind, n_numbers, word, about) [kind] = { n_numbers, word },
#include "common/message_table.h"
#undef MESSAGE_ROW
};

int message_pair(int fds_r[static 2])
{
    int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;

    return socketpair(AF_UNIX, type, 0, fds_r) == 0 ? 0 : -errno;
}

static int code_of(int error)
{
    switch (error) {
    case EAGAIN:
        return ERR_BUSY;
    case EPIPE:
    case ECONNRESET:
        return ERR_CLOSED;
    default:
        return -error;
    }
}

int message_send(int fd, const struct message *message)
{
    uint8_t bytes[DATAGRAM_MAX];
    struct buffer b = buffer_over(bytes, sizeof(bytes));
    ssize_t n;

    wire_put_u8(&b, MESSAGE_VERSION);
    wire_put_u8(&b, (uint8_t)message->kind);
    wire_put_u16(&b, (uint16_t)kinds[message->kind].n_numbers);
    for (unsigned i = 0; i < kinds[message->kind].n_numbers; i++)
        wire_put_u64(&b, message->numbers[i]);
    do
        n = send(fd, bytes, buffer_len(&b), MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? code_of(errno) : 0;
}

static int read_message(struct span datagram, struct message *message_r)
{
    struct wire w = wire_read(datagram);
    unsigned version = wire_u8(&w), kind = wire_u8(&w), n_numbers = wire_u16(&w);

    if (wire_error(&w) != 0)
        return ERR_FORMAT;
    if (version != MESSAGE_VERSION || kind >= N_MESSAGE_KINDS)
        return ERR_UNSUPPORTED;
    if (n_numbers != kinds[kind].n_numbers)
        return ERR_FORMAT;
    *message_r = (struct message){ .kind = (enum message_kind)kind };
    for (unsigned i = 0; i < n_numbers; i++)
        message_r->numbers[i] = wire_u64(&w);
    return wire_end(&w) == 0 ? 0 : ERR_FORMAT;
}

int message_receive(int fd, struct message *message_r)
{
    uint8_t bytes[DATAGRAM_MAX + 1]; /* one more: a longer datagram is not cut into a good one */
    ssize_t n;

    do
        n = recv(fd, bytes, sizeof(bytes), 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return code_of(errno);
    if (n == 0)
        return ERR_CLOSED;
    return read_message(span_of(bytes, (size_t)n), message_r);
}

const char *message_word(enum message_kind kind)
{
    return kinds[kind].word;
}
