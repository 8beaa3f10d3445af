/* SPDX-License-Identifier: MIT */
/* Accepted connections: one record each, from accept to close, whatever speaks on it. */
#ifndef WORKER_CONNECTION_H
#define WORKER_CONNECTION_H

#include <stdbool.h>

#include <h2o.h>

#include "common/error.h"
#include "common/metric.h"
#include "worker/refusal.h"
#include "worker/tally.h"
#include "worker/timer.h"

struct connection;
struct exchange;

struct connection_limits {
    uint64_t head_ms, body_ms, idle_ms, send_ms;
    uint64_t body_max;     /* bytes of one body over HTTP/1 */
    uint64_t buffered_max; /* bytes of bodies that all workers hold together */
    bool http1_only;       /* libh2o is not set up for HTTP/2 */
};

/* All of a worker. Embedded; zeroed at birth but for what stands below the line. */
struct connections {
    struct connection *first;
    size_t n, n_turned_away; /* of these, refused at the door and not closed yet */
    /* ---- */
    struct connection_limits limits;
    const h2o_context_t *context;
    struct timers *timers;
    struct metric_block *metrics;
    struct braked_log *lines;
    struct tally buffered;                     /* of METRIC_body_bytes_held */
    void (*emptied)(struct connections *list); /* the last one has gone; it was closed by libh2o */
};

/* The record lives as long as the socket. -ENOMEM. */
MUST_CHECK int connection_open(struct connections *list, h2o_socket_t *sock);
/* The same for a socket without TLS that libh2o never gets: it is refused, and closed here. */
MUST_CHECK int connection_turn_away(struct connections *list, h2o_socket_t *sock);
struct connection *connection_of(const h2o_req_t *req);

struct http2_verdict;
/*
 * One request more, one less; its body is held from the first to the second. Not NULL: why it must
 * not be served, valid for now.
 */
const struct http2_verdict *connection_begin_request(struct connection *connection, h2o_req_t *req,
                                                     struct exchange *x);
void connection_end_request(struct connection *connection, size_t body_len, bool answered);
/* Do all bodies together take more than buffered_max? */
bool connections_overfull(struct connections *list);
/* An answer has bytes with libh2o that are not on their way yet; they are now. */
void connection_begin_sending(struct connection *connection);
void connection_end_sending(struct connection *connection);

/*
 * exchange_leave() for each HTTP/1 request whose application has closed its connection, where the
 * kernel does not tell by itself: under TLS, and behind bytes that wait for their turn.
 */
void connections_find_departed(struct connections *list);

/* Shuts those that are between two requests; libh2o closes them in the next turn of the loop. */
void connections_shut_idle(struct connections *list);
/* Shuts all; requests under way are left as by their applications. */
void connections_shut_all(struct connections *list);

#endif
