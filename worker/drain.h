/* SPDX-License-Identifier: MIT */
/* Leaving gracefully: nothing new comes in, what is in flight may finish, until a deadline. */
#ifndef WORKER_DRAIN_H
#define WORKER_DRAIN_H

#include "worker/http_server.h"
#include "worker/timer.h"

/* Embedded, zeroed at birth, its first members set by its owner. */
struct drain {
    struct services *services;
    struct http_server *server;
    int *listeners; /* closed when it begins, so that the kernel refuses what nobody would accept */
    size_t n_listeners;
    void (*over)(void *arg); /* nothing is left, or the deadline has come; once */
    void *arg;
    struct timer deadline, last_call;
    bool begun, ended;
};

/* Leaves within ms; in the last eighth of it new requests are refused. When it has begun already,
 * only an earlier deadline changes something. */
void drain_begin(struct drain *drain, uint64_t ms);
void drain_stop(struct drain *drain);

#endif
