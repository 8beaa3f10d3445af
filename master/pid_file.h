/* SPDX-License-Identifier: MIT */
/* The file that says which process the master is, and by its lock that it lives. */
#ifndef MASTER_PID_FILE_H
#define MASTER_PID_FILE_H

#include "common/error.h"

/*
 * Creates and locks it, or takes over one that nobody has locked; and writes our pid into it.
 * fd_r (close-on-exec) holds the lock and is for pid_file_remove(). ERR_BUSY: a master that lives
 * has it. -errno.
 */
MUST_CHECK int pid_file_create(const char *path, int *fd_r);

/* Removes the file and closes *fd; nothing where that is -1. */
void pid_file_remove(const char *path, int *fd);

#endif
