/* SPDX-License-Identifier: MIT */
/* Starting a program: fork and exec, with descriptors that are built, not inherited by luck. */
#ifndef MASTER_SPAWN_H
#define MASTER_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

enum { SPAWN_FIRST_FD = 3, SPAWN_FDS_MAX = 32, SPAWN_EXIT_FAILED = 127 };

struct spawn {
    const char *path;
    const char *argument;   /* its only one */
    char *const *arguments; /* or all of them, the name first, ended by NULL; else NULL */
    char *const *environment;
    int fds[SPAWN_FDS_MAX]; /* become SPAWN_FIRST_FD and up; -1 leaves the place empty */
    size_t n_fds;
};

/*
 * The child has these descriptors, /dev/null to read, our standard output and error, and nothing
 * else; all signals at their default. It exits SPAWN_EXIT_FAILED, with a line in the log, where
 * the program cannot be executed. -errno of fork(2).
 */
MUST_CHECK int spawn_process(const struct spawn *spawn, pid_t *pid_r);

#endif
