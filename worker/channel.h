/* SPDX-License-Identifier: MIT */
/* The worker's end of the channel to its master. */
#ifndef WORKER_CHANNEL_H
#define WORKER_CHANNEL_H

#include <stdbool.h>

#include <h2o.h>

#include "common/error.h"
#include "common/log.h"

/* What comes over it; each may come again. */
struct channel_events {
    /* Leave, within ms; all leave where the relay stops. */
    void (*drain)(void *arg, uint64_t ms, bool relay_stops);
    /* Of MESSAGE_LOG; fd is the channel's. */
    void (*log)(void *arg, uint64_t which, uint64_t place, int fd);
    void (*log_level)(void *arg, enum log_level level);
    void (*forget)(void *arg, uint64_t url_hash); /* the pair with that peer */
    void (*orphaned)(void *arg);                  /* the master is gone */
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
