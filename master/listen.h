/* SPDX-License-Identifier: MIT */
/* The listening socket: opened once by the master, inherited by every worker. */
#ifndef MASTER_LISTEN_H
#define MASTER_LISTEN_H

#include <stdint.h>

#include "common/error.h"
#include "common/span.h"

enum { LISTEN_TEXT_LEN = 64 };

/* Is it an address to listen on? No names; an IPv6 address with or without brackets; empty
 * for any. */
bool listen_is_address(struct span address);

/*
 * Opens a listening socket (non-blocking, close-on-exec, the caller's). An empty address is [::]
 * for both families, or 0.0.0.0 where there is no IPv6. Port 0: one that is free.
 * ERR_FORMAT: not an address. -errno.
 */
MUST_CHECK int listen_open(struct span address, uint16_t port, int *fd_r);

/*
 * The listening sockets that a service manager opened for us (sd_listen_fds(3): LISTEN_FDS and
 * LISTEN_PID of the environment), made non-blocking and close-on-exec, at most max; 0 where there
 * are none. ERR_FORMAT: not numbers, or a descriptor that is no listening TCP socket. ERR_LIMIT:
 * more than max.
 */
MUST_CHECK int listen_inherited(char *const *environment, int *fds_r, size_t max, size_t *n_r);

/* Where it listens: "[::]:8080". */
void listen_text(int fd, char text_r[static LISTEN_TEXT_LEN]);

#endif
