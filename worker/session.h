/* SPDX-License-Identifier: MIT */
/* A pair as the side that answered it keeps it: between workers, and between instances. */
#ifndef WORKER_SESSION_H
#define WORKER_SESSION_H

#include "common/pairing.h"
#include "worker/redis_server.h"

enum { CLIENT_ID_LEN = 16 };

/* Who says which messages of a pair were there before: one for all of its life. */
enum arbiter { ARBITER_MEMORY, ARBITER_REDIS };

struct session {
    struct pair_secret secret;
    uint8_t node[NODE_LEN]; /* node_i, whose bound it counts against */
    uint8_t client_id[CLIENT_ID_LEN];
    uint64_t created_mono_ms, expires_mono_ms; /* by the monotonic clock of this machine */
    enum arbiter arbiter;
    /* Of memory: the outage of Redis in which the pair was made, and with which it ends, by the
     * monotonic time since when that is; 0: none. */
    uint64_t outage_ms;
    /* Of Redis: as its record there says. */
    uint64_t expires_s;                /* of the wall clock */
    char run_id[REDIS_RUN_ID_LEN + 1]; /* of the primary that it was stored at */
};

#endif
