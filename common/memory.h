/* SPDX-License-Identifier: MIT */
/* How much memory this process may have: the machine's, or what its control groups allow. */
#ifndef COMMON_MEMORY_H
#define COMMON_MEMORY_H

#include <stdint.h>

uint64_t memory_available(void); /* bytes */
/* For tests: the same below a directory that holds proc/ and sys/, of a machine with that much. */
uint64_t memory_under(const char *root, uint64_t physical);

#endif
