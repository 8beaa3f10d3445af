/* SPDX-License-Identifier: MIT */
/*
 * libh2o set up for one set of listeners: its configuration and context, and taking both down,
 * which it does not do by itself. Who answers is its user's business.
 */
#ifndef WORKER_HTTP_LIBRARY_H
#define WORKER_HTTP_LIBRARY_H

#include <stdbool.h>

#include <h2o.h>

#include "common/error.h"

struct connections;

enum { HTTP_LIBRARY_NEVER_MS = 1 << 30 }; /* for libh2o's timers, in whose place ours are */

/* Embedded. */
struct http_library {
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
};

/* Returns where handlers and filters are registered. Bodies over body_max are cut off by libh2o;
 * none ever reaches a file. */
h2o_pathconf_t *http_library_configure(struct http_library *library, uint64_t body_max);
/* After all handlers were registered. */
void http_library_start(struct http_library *library, h2o_loop_t *loop);
/* Closes what is left of these connections, and takes all down. False: libh2o still has some, and
 * through them all of this, which must not be freed. */
bool http_library_stop(struct http_library *library, struct connections *connections);

/* A socket over a descriptor of its own; nothing is accepted before h2o_socket_read_start(). The
 * caller closes it, and keeps fd. -errno. */
MUST_CHECK int http_library_listen(const struct http_library *library, int fd, void *data,
                                   h2o_socket_t **socket_r);

#endif
