/* SPDX-License-Identifier: MIT */
/*
 * The door: libh2o over the inherited listeners, HTTP/1.1 and HTTP/2, one handler that classifies
 * each request and starts its exchange.
 */
#ifndef WORKER_HTTP_SERVER_H
#define WORKER_HTTP_SERVER_H

#include "worker/services.h"

struct http_server;

/* Begins to accept. The listeners stay the caller's and open. */
MUST_CHECK int http_server_new(struct services *services, const int *listeners, size_t n_listeners,
                               struct http_server **server_r);
/*
 * Draining, in the order of architecture.md: accepts no more, GOAWAY to HTTP/2, Connection: close
 * to HTTP/1, idle connections closed after half of drain_ms. idle() is called once, when nothing
 * is in flight and no connection is open.
 */
void http_server_drain(struct http_server *server, uint64_t drain_ms, void (*idle)(void *arg),
                       void *arg);
size_t http_server_n_connections(const struct http_server *server);
/* Closes what is left. */
void http_server_free(struct http_server **server);

#endif
