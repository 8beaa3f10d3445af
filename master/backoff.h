/* SPDX-License-Identifier: MIT */
/* How long to wait before a worker that died is started again. */
#ifndef MASTER_BACKOFF_H
#define MASTER_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 60000, BACKOFF_HEALTHY_MS = 60000 };

/* Embedded, zeroed at birth. */
struct backoff {
    uint64_t last_ms; /* the delay given last; 0: none yet */
};

/* Twice the last delay, from BACKOFF_MIN_MS to BACKOFF_MAX_MS; the first again after a worker that
 * was ready for BACKOFF_HEALTHY_MS. In milliseconds. */
uint64_t backoff_next(struct backoff *backoff, uint64_t ready_for_ms);

#endif
