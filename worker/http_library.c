/* SPDX-License-Identifier: MIT */
/*
 * What every listener's libh2o has in common: our timers in place of its own, no plaintext on a
 * disk, no query string in its log. Owns the library's parts, never a connection.
 */
#include "worker/http_library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/log.h"
#include "worker/connection.h"

enum { CLOSING_TURNS = 100 }; /* of the loop, for what libh2o still has to close */

h2o_pathconf_t *http_library_configure(struct http_library *library, uint64_t body_max)
{
    h2o_globalconf_t *config = &library->config;
    h2o_hostconf_t *host;

    h2o_config_init(config);
    config->server_name = h2o_iovec_init(H2O_STRLIT("")); /* the API's own passes */
    config->max_request_entity_size = body_max;
    config->http1.req_timeout = HTTP_LIBRARY_NEVER_MS;
    config->handshake_timeout = HTTP_LIBRARY_NEVER_MS;
    config->http2.max_streams_for_priority = 0; /* nor is any PRIORITY let through to it */
    /* Bodies past 32 MiB would be mapped to a file in /tmp: plaintext on a disk. */
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;
    host = h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    host->fallback_path.error_log.emit_request_errors = 0; /* they show query strings */
    return &host->fallback_path;
}

void http_library_start(struct http_library *library, h2o_loop_t *loop)
{
    h2o_context_init(&library->context, loop, &library->config);
    library->accept.ctx = &library->context;
    library->accept.hosts = library->config.hosts;
}

int http_library_listen(const struct http_library *library, int fd, void *data,
                        h2o_socket_t **socket_r)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (own < 0)
        return -errno;
    *socket_r = h2o_evloop_socket_create(library->context.loop, own, H2O_SOCKET_FLAG_DONT_READ);
    (*socket_r)->data = data;
    return 0;
}

/* Everything that libh2o closes late is closed by turns of its loop. */
static void close_connections(struct http_library *library, struct connections *connections)
{
    connections_shut_all(connections);
    for (int i = 0; i < CLOSING_TURNS && connections->n > 0; i++)
        (void)h2o_evloop_run(library->context.loop, 0);
}

static void dispose(struct http_library *library)
{
    h2o_multithread_queue_t *queue = library->context.queue;

    /* libh2o leaves the timer between its two GOAWAYs running, and asserts that none does. */
    h2o_timeout_unlink(&library->context.http2._graceful_shutdown_timeout);
    h2o_context_dispose(&library->context);
    free(queue); /* which libh2o forgets */
    h2o_config_dispose(&library->config);
}

bool http_library_stop(struct http_library *library, struct connections *connections)
{
    close_connections(library, connections);
    if (connections->n > 0) {
        log_error("%zu connections would not close", connections->n);
        return false;
    }
    dispose(library);
    return true;
}
