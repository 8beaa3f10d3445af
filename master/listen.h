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

/* Where it listens: "[::]:8080". */
void listen_text(int fd, char text_r[static LISTEN_TEXT_LEN]);

#endif
