/* SPDX-License-Identifier: MIT */
/* Descriptors: closing, reading and writing whole, and memory behind one. */
#ifndef COMMON_FD_H
#define COMMON_FD_H

#include "common/buffer.h"

/* Closes *fd unless it is negative, and makes it -1. errno stays as it was. */
void fd_close(int *fd);

/* Appends what can be read up to the end; more than limit bytes are ERR_LIMIT. -errno. */
MUST_CHECK int fd_read_all(int fd, size_t limit, struct buffer *to);

/* The same with the content of a file (or pipe): blocks until its end was seen. */
MUST_CHECK int fd_read_file(const char *path, size_t limit, struct buffer *to);

/* Writes all of it to a descriptor that blocks. -errno. */
MUST_CHECK int fd_write_all(int fd, struct span bytes);

/* Empty memory that can be sealed, close-on-exec, not executable where the kernel can say so. */
MUST_CHECK int fd_open_memory(const char *name, int *fd_r);

#endif
