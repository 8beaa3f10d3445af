/* SPDX-License-Identifier: MIT */
/*
 * What master and worker say to each other: one datagram a message over a socket pair that keeps
 * their borders, each with the version of this language, its kind and its numbers. One table has
 * them all.
 */
#ifndef COMMON_MESSAGE_H
#define COMMON_MESSAGE_H

#include <stdint.h>

#include "common/error.h"

enum { MESSAGE_VERSION = 3, MESSAGE_NUMBERS_MAX = 4 };

enum message_kind {
#define MESSAGE_ROW(kind, n_numbers, word, about) kind,
#include "common/message_table.h"
#undef MESSAGE_ROW
    N_MESSAGE_KINDS
};

struct message {
    enum message_kind kind;
    uint64_t numbers[MESSAGE_NUMBERS_MAX]; /* as many as its row says; the others are 0 */
};

/* Both ends of a channel: non-blocking, close-on-exec, the caller's to close. -errno. */
MUST_CHECK int message_pair(int fds_r[static 2]);

/* ERR_BUSY: the other side does not read. ERR_CLOSED: it is gone. -errno. */
MUST_CHECK int message_send(int fd, const struct message *message);
/* ERR_BUSY: nothing there. ERR_CLOSED. ERR_UNSUPPORTED: another version or an unknown kind.
 * ERR_FORMAT. -errno. */
MUST_CHECK int message_receive(int fd, struct message *message_r);

/*
 * The same with a descriptor, which stays the caller's; and back: *fd_r is the caller's to close,
 * close-on-exec, or -1. message_receive() lets none in.
 */
MUST_CHECK int message_send_fd(int channel, const struct message *message, int fd);
MUST_CHECK int message_receive_fd(int channel, struct message *message_r, int *fd_r);

/* Its word, for the log. */
const char *message_word(enum message_kind kind);

#endif
