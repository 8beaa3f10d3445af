/* SPDX-License-Identifier: MIT */
/*
 * Signals as input of the loop: blocked, and read from a descriptor. No handler ever runs, so
 * nothing has to be safe inside one.
 */
#ifndef COMMON_SIGNAL_H
#define COMMON_SIGNAL_H

#include <stddef.h>

#include "common/error.h"

/* Blocks these signals: one that comes waits for signal_open(). -errno. */
MUST_CHECK int signal_block(const int *signals, size_t n_signals);
/* Blocks these signals and makes the descriptor that tells of them: non-blocking, close-on-exec,
 * the caller's to close. -errno. */
MUST_CHECK int signal_open(const int *signals, size_t n_signals, int *fd_r);
/* The next signal that came, or 0 when there is none. */
int signal_read(int fd);

/* Signals that must neither end nor disturb this process. */
void signal_ignore(const int *signals, size_t n_signals);

/* For a child between fork and exec: no signal blocked or ignored, whatever the parent does. */
void signal_reset(void);

#endif
