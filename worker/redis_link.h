/* SPDX-License-Identifier: MIT */
/*
 * One connection to one Redis server, made again whenever it breaks: name, TCP or unix socket, TLS,
 * greeting; then commands in a pipeline. Says in the log what is wrong, once an outage.
 */
#ifndef WORKER_REDIS_LINK_H
#define WORKER_REDIS_LINK_H

#include <h2o/linklist.h>

#include "worker/dial.h"
#include "worker/redis_server.h"

/* Of all links of a client; outlives them. */
struct redis_means {
    struct dial_means dial;
    h2o_timeout_t *soon; /* of 0 ms */
    uint64_t answer_ms;  /* for the greeting, and for what we ask to see whether it is there */
    uint64_t ping_ms;    /* of silence, before we ask that */
    const struct redis_url *url;
    const struct tls_trust *trust; /* used where the URL is rediss */
};

struct redis_link;

/* A command, embedded in whoever asks; zeroed at birth. */
struct redis_op {
    struct buffer bytes; /* the command, the owner's */
    uint64_t due_ms;     /* when it is too late for an answer, monotonic */
    bool asking;         /* send ASKING before it */
    /*
     * Its one answer, never from within redis_link_send(): a result of 0 and the reply, or
     * ERR_CLOSED, ERR_TIMEOUT, ERR_CANCELLED (the link was freed). It may have run unless it was
     * still waiting. The link must not be freed from within.
     */
    void (*answered)(struct redis_op *op, struct redis_link *link, int result,
                     const struct resp_value *reply);
    /* the link's own */
    h2o_linklist_t node;
    struct redis_link *link; /* NULL: not under way */
    struct timer timer;
};

/* None comes from within a call of ours. The link must not be freed from within. */
struct redis_link_events {
    void (*up)(void *arg, struct redis_link *link, bool again); /* it is ready; again: as before */
    void (*down)(void *arg, struct redis_link *link); /* every op was answered; it tries again */
};

/* Towards that node, or the unix socket of the URL. Not started. */
MUST_CHECK int redis_link_new(const struct redis_means *means, const struct redis_node *node,
                              const struct redis_link_events *events, void *arg,
                              struct redis_link **link_r);
void redis_link_free(struct redis_link **link);
/* Connects, and does so until stopped. Nothing where it does already. */
void redis_link_start(struct redis_link *link);
/* No op may be under way. */
void redis_link_stop(struct redis_link *link);

/* Ready, or on its way to be: not after a failure. Only then may ops be sent. */
bool redis_link_takes(const struct redis_link *link);
void redis_link_send(struct redis_link *link, struct redis_op *op);
bool redis_link_is_idle(const struct redis_link *link); /* no op under way */
const struct redis_node *redis_link_node(const struct redis_link *link);
/* NULL unless it is ready. */
const struct redis_server *redis_link_server(const struct redis_link *link);

#endif
