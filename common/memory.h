/* SPDX-License-Identifier: MIT */
/*
 * How much memory this process may have, the machine's or what its control groups allow; and giving
 * back what it no longer needs.
 */
#ifndef COMMON_MEMORY_H
#define COMMON_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

uint64_t memory_available(void); /* bytes */
/* For tests: the same below a directory that holds proc/ and sys/, of a machine with that much. */
uint64_t memory_under(const char *root, uint64_t physical);

/*
 * Gives freed memory back to the system where most of a large heap is free: after a burst, not in
 * the middle of one. Tens of milliseconds for a gigabyte, well below one where it went before.
 * Did it?
 */
bool memory_give_back(void);

#endif
