/* SPDX-License-Identifier: MIT */
/*
 * Messages on the wire: version u8, kind u8, count u16, then the numbers as u64. Owns nothing,
 * keeps no state: a datagram is a whole message or an error.
 */
#include "common/message.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

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

union with_fd { /* the one ancillary message that there is */
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

static void attach(struct msghdr *datagram, union with_fd *more, int fd)
{
    memset(more, 0, sizeof(*more));
    datagram->msg_control = more->room;
    datagram->msg_controllen = sizeof(more->room);
    more->head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
                                   .cmsg_level = SOL_SOCKET,
                                   .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(&more->head), &fd, sizeof(fd));
}

int message_send_fd(int channel, const struct message *message, int fd)
{
    uint8_t bytes[DATAGRAM_MAX];
    struct buffer b = buffer_over(bytes, sizeof(bytes));
    struct iovec whole = { .iov_base = bytes };
    struct msghdr datagram = { .msg_iov = &whole, .msg_iovlen = 1 };
    union with_fd more;
    ssize_t n;

    wire_put_u8(&b, MESSAGE_VERSION);
    wire_put_u8(&b, (uint8_t)message->kind);
    wire_put_u16(&b, (uint16_t)kinds[message->kind].n_numbers);
    for (unsigned i = 0; i < kinds[message->kind].n_numbers; i++)
        wire_put_u64(&b, message->numbers[i]);
    whole.iov_len = buffer_len(&b);
    if (fd >= 0)
        attach(&datagram, &more, fd);
    do
        n = sendmsg(channel, &datagram, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? code_of(errno) : 0;
}

int message_send(int fd, const struct message *message)
{
    return message_send_fd(fd, message, -1);
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

static int take_fd(struct msghdr *datagram)
{
    const struct cmsghdr *head = CMSG_FIRSTHDR(datagram);
    int fd = -1;

    if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    return fd;
}

int message_receive_fd(int channel, struct message *message_r, int *fd_r)
{
    uint8_t bytes[DATAGRAM_MAX + 1]; /* one more: a longer datagram is not cut into a good one */
    struct iovec whole = { bytes, sizeof(bytes) };
    union with_fd more;
    struct msghdr datagram = {
        .msg_iov = &whole,
        .msg_iovlen = 1,
        .msg_control = more.room,
        .msg_controllen = sizeof(more.room),
    };
    ssize_t n;
    int r;

    *fd_r = -1;
    do
        n = recvmsg(channel, &datagram, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return code_of(errno);
    *fd_r = take_fd(&datagram);
    r = n > 0 ? read_message(span_of(bytes, (size_t)n), message_r) : ERR_CLOSED;
    if (r < 0 && *fd_r >= 0) {
        close(*fd_r);
        *fd_r = -1;
    }
    return r;
}

int message_receive(int fd, struct message *message_r)
{
    int unwanted, r = message_receive_fd(fd, message_r, &unwanted);

    if (unwanted >= 0)
        close(unwanted);
    return r;
}

const char *message_word(enum message_kind kind)
{
    return kinds[kind].word;
}
