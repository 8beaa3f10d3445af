/* SPDX-License-Identifier: MIT */
/* Waits of random length: those who wait for the same must not come at the same moment. */
#ifndef WORKER_JITTER_H
#define WORKER_JITTER_H

#include <stdint.h>

/* base to twice base. */
uint64_t jittered(uint64_t base_ms);

#endif
