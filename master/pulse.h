/* SPDX-License-Identifier: MIT */
/*
 * Is a worker's loop still turning? Only one that spins or is stuck is lost, never one that this
 * machine, its container or a debugger has paused.
 */
#ifndef MASTER_PULSE_H
#define MASTER_PULSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    PULSE_TICK_MS = 1000,  /* how often to look */
    PULSE_SPIN_MS = 10000, /* silent for so long, and using the processor */
    PULSE_STUCK_MS = 60000 /* silent for so long */
};

/* What can be seen of a process now. */
struct pulse_sign {
    uint64_t beat_ms; /* its last sign of life */
    uint64_t cpu_ms;  /* processor time that it has used */
    bool paused;      /* stopped, traced, or not to be seen */
};

/* Embedded, zeroed when a process begins. */
struct pulse {
    uint64_t beat_ms, looked_ms;
    uint64_t silent_ms; /* without a beat while we looked on schedule */
    uint64_t cpu_ms;    /* when the silence began */
};

struct pulse_sign pulse_look(pid_t pid, uint64_t beat_ms);

/* To be asked every PULSE_TICK_MS with what was seen now. A lost one is told once. */
bool pulse_is_lost(struct pulse *pulse, const struct pulse_sign *sign, uint64_t now_ms);

#endif
