/* SPDX-License-Identifier: MIT */
/* How many processors this process may keep busy. */
#ifndef MASTER_CORES_H
#define MASTER_CORES_H

#include <stddef.h>

/* At least 1: the affinity mask, and the smallest quota of our control groups (v1 and v2). */
size_t cores_available(void);

/* The same from a root directory that holds proc/ and sys/, and a number of processors. */
size_t cores_under(const char *root, size_t n_processors);

#endif
