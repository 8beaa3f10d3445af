/* SPDX-License-Identifier: MIT */
/* What the relay listens on: opened once by the master, inherited by all workers of all
 * generations. */
#ifndef MASTER_PORTS_H
#define MASTER_PORTS_H

#include "common/inherit.h"
#include "master/generation.h"

/* Embedded. All descriptors are owned. */
struct ports {
    int data[INHERIT_LISTENERS_MAX];
    size_t n_data;
    int admin; /* -1: none */
};

void ports_init(struct ports *ports); /* nothing is open */

/*
 * The sockets of a service manager (LISTEN_FDS in the environment), or else LISTEN and PORT; and
 * ADMIN_LISTEN. Waits some seconds for a port that is taken: workers of a master that was killed
 * may still have it. An admin listener that is there by default only may fail, with a warning.
 * Logs what it opened, or why it could not. ERR_FORMAT, ERR_LIMIT, -errno.
 */
MUST_CHECK int ports_open(struct ports *ports, const struct generation *g,
                          char *const *environment);

/* New connections are refused, unless a worker still accepts. */
void ports_close(struct ports *ports);

#endif
