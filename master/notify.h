/* SPDX-License-Identifier: MIT */
/* Telling the service manager how we are: the protocol of sd_notify(3), by a socket of our own. */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/error.h"

#define NOTIFY_NEVER UINT64_MAX

/* Embedded. With fd -1 nobody listens, and nothing is sent. */
struct notify {
    int fd; /* owned */
    struct sockaddr_un to;
    socklen_t to_len;
    uint64_t watchdog_usec; /* silence that the manager bears */
    uint64_t due_ms;        /* of the next sign of life, by clock_mono_ms() */
    bool failing;
};

/*
 * Reads NOTIFY_SOCKET (a path, or @ and an abstract name), WATCHDOG_USEC and WATCHDOG_PID of the
 * environment. ERR_FORMAT: an address that is none, or a number. -errno.
 */
MUST_CHECK int notify_open(struct notify *notify, char *const *environment);
void notify_close(struct notify *notify);

/* "READY=1\nSTATUS=…": one datagram. What fails is logged, once until it works again. */
void notify_say(struct notify *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * RELOADING=1 with its time. Until notify_ready() the watchdog has more patience: settings are
 * checked while the loop waits.
 */
void notify_reloading(struct notify *notify);

/* READY=1, and this status. */
void notify_ready(struct notify *notify, const char *status);

/* Says WATCHDOG=1 where that is due. The next one is due at due_ms (NOTIFY_NEVER: none wanted). */
void notify_watchdog(struct notify *notify, uint64_t now_ms);

#endif
