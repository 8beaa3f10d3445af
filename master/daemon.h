/* SPDX-License-Identifier: MIT */
/* Leaving the foreground, so that whoever started us learns whether we serve. */
#ifndef MASTER_DAEMON_H
#define MASTER_DAEMON_H

#include <stdint.h>

#include "common/error.h"

/*
 * Goes on in a process of a session of its own, without a terminal. Whoever called us waits: its
 * process exits with what daemon_report() says, with 70 when the new one ends without a report,
 * and with 75, ending the new one, when there is none within wait_ms. fd_r is for daemon_report().
 * -errno, in the first process.
 */
MUST_CHECK int daemon_start(uint64_t wait_ms, int *fd_r);

/*
 * Reports this exit status, and closes *fd; nothing where that is -1. With 0 the process lets go of
 * standard input, and of standard output and error where these are terminals; where they are files
 * or pipes they stay.
 */
void daemon_report(int *fd, int status);

#endif
