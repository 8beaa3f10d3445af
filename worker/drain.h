/* SPDX-License-Identifier: MIT */
/* Leaving gracefully: nothing new comes in, what is in flight may finish, until a deadline. */
#ifndef WORKER_DRAIN_H
#define WORKER_DRAIN_H

#include "worker/admin.h"
#include "worker/http_server.h"
#include "worker/timer.h"

/* Embedded, zeroed at birth, its first members set by its owner. */
struct drain {
    struct services *services;
    struct http_server *server;
    struct admin *admin; /* NULL: none */
    int *listeners; /* closed when it begins, so that the kernel refuses what nobody would accept */
    size_t n_listeners;
    void (*over)(void *arg); /* nothing is left, or the deadline has come; once */
    void *arg;
    struct timer deadline, last_call;
    bool begun, ended;
};

/*
 * Leaves within ms; in the last eighth of it new requests are refused. When it has begun already,
 * only an earlier deadline changes something. The admin listener is left to workers that serve;
 * where the relay stops there are none, and it says to the end that the relay is draining.
 */
void drain_begin(struct drain *drain, uint64_t ms, bool relay_stops);
void drain_stop(struct drain *drain);

#endif
