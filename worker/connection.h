/* SPDX-License-Identifier: MIT */
/* Accepted connections: one record each, from accept to close, whatever speaks on it. */
#ifndef WORKER_CONNECTION_H
#define WORKER_CONNECTION_H

#include <stdbool.h>

#include <h2o.h>

#include "common/error.h"
#include "common/metric.h"

struct connection;
struct exchange;

/* All of a worker. Embedded; zeroed at birth but for metrics and emptied. */
struct connections {
    struct connection *first;
    size_t n;
    struct metric_block *metrics;
    void (*emptied)(struct connections *list); /* the last one has gone; it was closed by libh2o */
};

/* The record lives as long as the socket. -ENOMEM. */
MUST_CHECK int connection_open(struct connections *list, h2o_socket_t *sock);
struct connection *connection_of(const h2o_req_t *req);

/* One request more, one less. */
void connection_begin_request(struct connection *connection, const h2o_req_t *req,
                              struct exchange *x);
void connection_end_request(struct connection *connection);

/*
 * exchange_leave() for each HTTP/1 request whose application has closed its connection: libh2o does
 * not read while it serves one.
 */
void connections_find_departed(struct connections *list);

/* Shuts those that are between two requests; libh2o closes them in the next turn of the loop. */
void connections_shut_idle(struct connections *list);
/* Shuts all; requests under way are left as by their applications. */
void connections_shut_all(struct connections *list);

#endif
