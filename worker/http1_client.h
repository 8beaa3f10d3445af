/* SPDX-License-Identifier: MIT */
/*
 * One HTTP/1.1 connection to the outside: it carries one request at a time, reads while it writes,
 * and rests between requests under watch.
 */
#ifndef WORKER_HTTP1_CLIENT_H
#define WORKER_HTTP1_CLIENT_H

#include <h2o/socket.h>
#include <h2o/timeout.h>

#include "worker/timer.h"
#include "worker/upstream.h"

struct http1_client;

struct http1_client_means {
    h2o_loop_t *loop;
    struct timers *timers;
    h2o_timeout_t *soon; /* of 0 ms: in this turn of the loop, but from its bottom */
    uint64_t silence_ms; /* 0 = none */
};

/* Takes the connected socket over in any case. */
MUST_CHECK int http1_client_new(const struct http1_client_means *means, h2o_socket_t *sock,
                                struct http1_client **client_r);
/* Closes the connection. Not from within head() and body(). */
void http1_client_free(struct http1_client **client);

/*
 * Carries one request. After end() the client is still there: send again, let it rest, or free it.
 * Failures are LOST, SILENT, BAD_ANSWER and CUT. -ENOMEM: nothing was written.
 */
MUST_CHECK int http1_client_send(struct http1_client *client,
                                 const struct upstream_request *request,
                                 const struct upstream_events *events, void *arg);
void http1_client_pause(struct http1_client *client);
void http1_client_resume(struct http1_client *client);

/* May it carry another request? */
bool http1_client_reusable(const struct http1_client *client);
uint64_t http1_client_age_ms(const struct http1_client *client);

/*
 * Rests at most so long; gone() when that is over or the other side closed it or spoke up. Then, or
 * before, it is to be freed or, after http1_client_wake() said so, used.
 */
void http1_client_rest(struct http1_client *client, uint64_t ms, void (*gone)(void *arg),
                       void *arg);
/* Ends the rest. True if the other side has neither closed nor said anything meanwhile. */
bool http1_client_wake(struct http1_client *client);
/* Whether it is connected to an allowed address. */
bool http1_client_allowed(const struct http1_client *client, upstream_allow_cb allow, void *arg);

#endif
