/* SPDX-License-Identifier: MIT */
/* A pair as the side that answered it keeps it: between workers, and later between instances. */
#ifndef WORKER_SESSION_H
#define WORKER_SESSION_H

#include "common/pairing.h"

enum { CLIENT_ID_LEN = 16 };

struct session {
    struct pair_secret secret;
    uint8_t node[NODE_LEN]; /* node_i, whose bound it counts against */
    uint8_t client_id[CLIENT_ID_LEN];
    uint64_t created_mono_ms, expires_mono_ms; /* by the monotonic clock of this machine */
};

#endif
