/* SPDX-License-Identifier: MIT */
/* The worker's end of the channel to its master. */
#ifndef WORKER_CHANNEL_H
#define WORKER_CHANNEL_H

#include <h2o.h>

#include "common/error.h"

/* What comes over it; each may come again. */
struct channel_events {
    void (*drain)(void *arg, uint64_t ms); /* leave, within ms */
    /* Of MESSAGE_LOG; fd is the channel's. */
    void (*log)(void *arg, uint64_t which, uint64_t place, int fd);
    void (*orphaned)(void *arg); /* the master is gone */
    void *arg;
};

struct channel;

/* Takes over fd. -ENOMEM. */
MUST_CHECK int channel_new(h2o_loop_t *loop, int fd, const struct channel_events *events,
                           struct channel **channel_r);
void channel_free(struct channel **channel);

/* Tells the master that this worker serves. */
MUST_CHECK int channel_say_ready(struct channel *channel, uint64_t generation);

#endif
