/* SPDX-License-Identifier: MIT */
/*
 * Redis, or a Redis Cluster, as one place to ask: an asynchronous client on the worker's own loop,
 * for session_store.h, which is to keep pairs and claims there. It connects again by itself,
 * follows a cluster, and says in the log what is wrong. It never sends a command a second time, but
 * where a server of a cluster has said that it belongs elsewhere and did not run there.
 */
#ifndef WORKER_REDIS_H
#define WORKER_REDIS_H

#include "worker/redis_server.h"

struct st_h2o_evloop_t; /* h2o_loop_t */
struct metric_block;
struct resolver;
struct timers;
struct tls_trust;

struct redis_config {
    struct st_h2o_evloop_t *loop; /* these four outlive the client */
    struct timers *timers;
    struct resolver *resolver;
    const struct tls_trust *trust; /* for rediss:// */
    struct span url;               /* REDIS_URL, copied */
    uint64_t connect_ms;           /* for the name, and for each address */
    uint64_t answer_ms;            /* for the answer to a call, from when it was made */
    uint64_t ping_ms;              /* of silence, after which it asks whether the server is there */
    size_t max_calls;              /* under way at a time */
    /* It can be used as a whole, or no longer; from the loop. */
    void (*changed)(void *arg, bool up);
    void (*met)(void *arg, const char *run_id); /* a connection to that server is ready; or NULL */
    void *arg;
    struct metric_block *metrics; /* of this process; outlives the client */
};

struct redis;
/* Begins to connect. ERR_FORMAT (of the URL), -ENOMEM, ERR_CRYPTO. */
MUST_CHECK int redis_new(const struct redis_config *config, struct redis **redis_r);
/* Calls under way are cancelled. Not from within a callback. */
void redis_free(struct redis **redis);

/* Is every slot served by a server that is connected? Calls may succeed before that, too. */
bool redis_is_up(const struct redis *redis);
/* The run_id of the server that keeps this key, or NULL: not known now. Until the next turn. */
const char *redis_run_id(const struct redis *redis, struct span key);

/* Embedded in whoever waits. */
struct redis_call {
    /*
     * Once, never from within redis_call(). result: 0 and a reply that is no error;
     * ERR_UNKNOWN (no such script), ERR_FULL (its memory), ERR_REFUSED (another error), with the
     * error reply: the command did not run. ERR_BUSY: nor did it, now. ERR_TIMEOUT, ERR_CLOSED: it
     * may have run. reply is NULL or lives until done() returns.
     */
    void (*done)(struct redis_call *call, int result, const struct resp_value *reply);
    char run_id[REDIS_RUN_ID_LEN + 1]; /* whose answer it is; "" where there is none */
    struct redis_request *request;     /* the client's own; NULL: nothing under way */
};
/*
 * A command about one key (or keys of the same slot). ERR_CLOSED: not connected; ERR_FULL:
 * max_calls; -ENOMEM; then done() does not come.
 */
MUST_CHECK int redis_call(struct redis *redis, struct redis_call *call, struct span key,
                          const struct span *words, size_t n_words);
/* Its done() does not come any more; the command may run. NULL is nothing to cancel. */
void redis_call_cancel(struct redis_call *call);

#endif
