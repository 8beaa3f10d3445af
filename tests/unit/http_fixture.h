/* SPDX-License-Identifier: MIT */
/*
 * The door of a worker inside a test: http_server on a loopback port, applications as plain
 * sockets, and in place of everything outward a puppet that the test moves by hand.
 */
#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include "tests/unit/unit.h"

#include <h2o.h>

#include "common/metric.h"
#include "worker/http_server.h"
#include "worker/refusal.h"

/* The outward call, as the exchange left it. One at a time. */
extern struct puppet {
    bool open, paused;
    unsigned n_calls, n_cancelled;
    struct buffer head, body; /* of the request */
    bool is_head;
    const struct upstream_events *events;
    void *arg;
} puppet;

/* What UPSTREAM does. The fields are "name: value" lines. Returns what the exchange said. */
int puppet_head(unsigned status, const char *const *fields, const uint64_t *length);
int puppet_body(struct span bytes);
void puppet_end(enum upstream_failure failure);
#define PUPPET_FIELDS(...)                                                                         \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

struct fixture {
    struct conf conf;
    struct identity identity;
    struct metric_block metrics;
    struct services services;
    struct http_server *server;
    int listener;
    uint16_t port;
    struct buffer got; /* what the application has received */
    int get_error;     /* 0 while the connection is open, then ERR_CLOSED or -errno */
};

/* For cmocka; *state is a struct fixture. Set its conf in a test before fixture_start(). */
int fixture_open(void **state);
int fixture_close(void **state);
void fixture_start(struct fixture *f);

void fixture_turn(struct fixture *f, int ms); /* of the loop, for so long */
int fixture_connect(struct fixture *f);
void fixture_send(struct fixture *f, int fd, const char *text);
/* Turns until the application has so many bytes, or the end; into f->got. */
void fixture_receive(struct fixture *f, int fd, size_t len);
void fixture_receive_all(struct fixture *f, int fd);
/* Turns until there is a call. */
void fixture_await_call(struct fixture *f);
/* connect, send, await_call. */
int fixture_ask(struct fixture *f, const char *request);

bool fixture_got(const struct fixture *f, const char *text);
/* What came after the head. */
struct span fixture_body(const struct fixture *f);
uint64_t fixture_refused(const struct fixture *f, enum refusal refusal);

#endif
