/* SPDX-License-Identifier: MIT */
/* A bucket of lines, kept as the one moment at which it is full again. */
#include "worker/log_brake.h"

bool log_brake_lets(struct log_brake *brake, uint64_t now_ms, uint64_t *n_held_r)
{
    uint64_t full_ms = (brake->full_ms > now_ms ? brake->full_ms : now_ms) + LOG_BRAKE_EVERY_MS;

    if (full_ms > now_ms + LOG_BRAKE_BURST * LOG_BRAKE_EVERY_MS) {
        brake->n_held++;
        return false;
    }
    brake->full_ms = full_ms;
    *n_held_r = brake->n_held;
    brake->n_held = 0;
    return true;
}
