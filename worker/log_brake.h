/* SPDX-License-Identifier: MIT */
/*
 * Keeps lines that anybody on the network can cause from filling the log: a few at once, then one
 * every ten seconds, which says how many it stands for. All-zero at birth.
 */
#ifndef WORKER_LOG_BRAKE_H
#define WORKER_LOG_BRAKE_H

#include <stdbool.h>
#include <stdint.h>

enum { LOG_BRAKE_BURST = 10, LOG_BRAKE_EVERY_MS = 10 * 1000 };

struct log_brake {
    uint64_t full_ms; /* when all of the burst is there again, monotonic */
    uint64_t n_held;  /* lines since the last one that went out */
};

/* May a line go out? *n_held_r: how many before it did not. */
bool log_brake_lets(struct log_brake *brake, uint64_t now_ms, uint64_t *n_held_r);

#endif
