/* SPDX-License-Identifier: MIT */
/* The socket of relayctl in the file system: a unix stream that its owner alone may use. */
#ifndef MASTER_CONTROL_SOCKET_H
#define MASTER_CONTROL_SOCKET_H

#include "common/error.h"

/*
 * Makes it (mode 0600, non-blocking, close-on-exec, the caller's), and the folder that it is in
 * where that is missing. A socket of a master that is gone is replaced. ERR_BUSY: a program that
 * lives listens there, or there is something else of that name. ERR_LIMIT: the path is overlong.
 * -errno.
 */
MUST_CHECK int control_socket_open(const char *path, int *fd_r);

/* Removes it and closes *fd; nothing where that is -1. */
void control_socket_remove(const char *path, int *fd);

#endif
