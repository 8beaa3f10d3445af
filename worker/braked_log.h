/* SPDX-License-Identifier: MIT */
/*
 * Lines that anybody on the network can cause, each kind behind its own brake: those that are held
 * back are counted, and said at the level debug only. All-zero at birth but for metrics.
 */
#ifndef WORKER_BRAKED_LOG_H
#define WORKER_BRAKED_LOG_H

#include "common/errframe.h"
#include "common/log.h"
#include "worker/log_brake.h"
#include "worker/refusal.h"

enum braked {
    BRAKED_REFUSALS,                              /* and the refusal's number */
    BRAKED_FRAMES = BRAKED_REFUSALS + N_REFUSALS, /* and the number of the ERR frame */
    BRAKED_BROKEN_OFF = BRAKED_FRAMES + ERRFRAME_REFUSED + 1,
    BRAKED_CALMED,
    BRAKED_NO_DESCRIPTOR,
    BRAKED_PAIRED,
    N_BRAKED
};

struct metric_block;

struct braked_log {
    struct log_brake brakes[N_BRAKED];
    struct metric_block *metrics; /* NULL: what is held is not counted */
};

/* The level of the next line: debug where it is held back. *n_held_r: how many were before it. */
enum log_level braked_log_level(struct braked_log *log, unsigned which, enum log_level level,
                                uint64_t *n_held_r);

/* The line of a refusal; the id may be empty. */
void braked_log_refusal(struct braked_log *log, enum refusal refusal, const char *kind,
                        struct span id, const char *cause);
/* The line of an answer that visibly broke off. */
void braked_log_broken_off(struct braked_log *log, const char *kind, struct span id,
                           const char *cause);

#endif
