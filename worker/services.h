/* SPDX-License-Identifier: MIT */
/* What the handlers of requests work with: made at a worker's start and, but for what counts,
 * constant. */
#ifndef WORKER_SERVICES_H
#define WORKER_SERVICES_H

#include "common/conf.h"
#include "common/identity.h"
#include "common/shm.h"
#include "worker/access_log.h"
#include "worker/braked_log.h"
#include "worker/peer.h"
#include "worker/request_id.h"
#include "worker/session_store.h"
#include "worker/tls_server.h"
#include "worker/upstream.h"

struct services {
    const struct conf *conf;
    const struct identity *identity;
    struct st_h2o_evloop_t *loop;
    struct timers *timers;
    struct tls_server *tls; /* of the door; NULL: it is plain */
    struct upstream *upstream;
    struct peers *peers;
    struct session_store *store;
    struct metric_block *metrics; /* this process' own */
    const struct shm *shm;        /* NULL: this process is alone */
    uint64_t max_buffered;        /* MAX_BUFFERED, resolved */
    bool leaving;                 /* new requests are refused: there is no time for them */
    struct request_ids request_ids;
    struct access_log access_log;
    struct braked_log lines; /* of the log */
    /* Over refused pairings: those that anybody can cause, and those that take SECRET. */
    struct log_brake pairing_log[2];
};

#endif
