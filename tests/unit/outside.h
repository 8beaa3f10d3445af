/* SPDX-License-Identifier: MIT */
/* The world outside, for tests of outward calls: scripted servers, and calls that are watched. */
#ifndef TESTS_UNIT_OUTSIDE_H
#define TESTS_UNIT_OUTSIDE_H

#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "common/metric.h"
#include "worker/timer.h"
#include "worker/upstream.h"

enum { SERVER_CONNECTIONS_MAX = 512 };

/* A thread a connection, each running the script; it closes the connection at its end. */
struct server {
    void (*script)(struct server *server, int fd, unsigned nth);
    const char *text; /* the script's own */
    size_t n;         /* likewise */
    atomic_size_t count;
    atomic_bool go; /* scripts may wait for it */
    atomic_uint n_accepted;
    int fd;
    uint16_t port;
    pthread_t thread, connections[SERVER_CONNECTIONS_MAX];
};
/* On 127.0.0.1, with script, text and n as set. */
void server_start(struct server *server);
void server_stop(struct server *server); /* returns when every script has ended */

/* For scripts. */
bool server_read_head(int fd); /* false at the end */
void server_send(int fd, const char *text);
void server_send_all(int fd, const void *at, size_t len);
void server_reset(int fd); /* what follows is RST */
void server_wait(struct server *server);
void server_linger(int fd); /* until the other side has closed */

/* One worker's outward side. */
struct inside {
    h2o_loop_t *loop;
    struct timers *timers;
    struct upstream *upstream;
    struct metric_block metrics; /* what it counts: nothing that lasts, at the end */
};
void inside_open(struct inside *inside, const struct upstream_limits *limits);
void inside_close(struct inside *inside);

/* A call, and what came of it. request.url, head are filled in by watch_start() if empty. */
struct watch {
    struct upstream_request request;
    struct upstream_call *call; /* NULL once it ended */
    bool ended;
    enum upstream_failure failure;
    char detail[128];
    unsigned status, n_heads;
    uint64_t took_ms;
    struct buffer body;
    int head_returns;
    size_t pause_each; /* pauses at each body() past that many more bytes; 0 = never */
    size_t paused_at;
};
void watch_start(struct watch *watch, struct inside *inside, uint16_t port);
void watch_fini(struct watch *watch);
/* Runs the loop until it ended; fails after 10 s. */
void inside_run(struct inside *inside, struct watch *watch);
/* Runs it for so long. */
void inside_run_ms(struct inside *inside, uint64_t ms);
/* Start, run, and say how it ended. */
enum upstream_failure watch_call(struct watch *watch, struct inside *inside, uint16_t port);

#endif
