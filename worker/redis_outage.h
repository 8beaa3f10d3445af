/* SPDX-License-Identifier: MIT */
/* What the log says of one Redis server: each thing that is wrong with it once an outage. */
#ifndef WORKER_REDIS_OUTAGE_H
#define WORKER_REDIS_OUTAGE_H

#include "worker/redis_server.h"

enum { REDIS_PLACE_MAX = URL_HOST_MAX + 16 };

/* Embedded, all zero at birth but for the place. */
struct redis_outage {
    char place[REDIS_PLACE_MAX]; /* of the server, for the log */
    uint64_t since_ms;           /* monotonic; 0: there is none */
    uint32_t said;               /* failures that were logged in it, a bit each */
    bool said_no_run_id;
};

/* It cannot be used now. detail: a phrase for the log, or NULL. */
void redis_outage_note(struct redis_outage *outage, enum redis_failure failure, const char *detail);
/* It can, now. */
void redis_outage_end(struct redis_outage *outage, const struct redis_server *server);

#endif
