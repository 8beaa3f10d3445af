/* SPDX-License-Identifier: MIT */
/*
 * The record hangs at its socket's on_close, which libh2o leaves to us, and goes with it. A socket
 * is never closed here, only shut: its owner is one of libh2o's protocols.
 */
#include "worker/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "worker/exchange.h"

struct connection {
    struct connections *list;
    struct connection *next, **pprev;
    h2o_socket_t *sock;
    size_t n_requests;
    bool http2;
    struct exchange *http1; /* the one request being served */
};

static void on_close(void *data)
{
    struct connection *connection = data;
    struct connections *list = connection->list;

    if (connection->next != NULL)
        connection->next->pprev = connection->pprev;
    *connection->pprev = connection->next;
    free(connection);
    list->n--;
    metric_add(list->metrics, METRIC_connections, -1);
    if (list->n == 0 && list->emptied != NULL)
        list->emptied(list);
}

int connection_open(struct connections *list, h2o_socket_t *sock)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL)
        return -ENOMEM;
    connection->list = list;
    connection->sock = sock;
    connection->next = list->first;
    connection->pprev = &list->first;
    if (list->first != NULL)
        list->first->pprev = &connection->next;
    list->first = connection;
    list->n++;
    metric_add(list->metrics, METRIC_connections, 1);
    sock->on_close.cb = on_close;
    sock->on_close.data = connection;
    return 0;
}

struct connection *connection_of(const h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

void connection_begin_request(struct connection *connection, const h2o_req_t *req,
                              struct exchange *x)
{
    connection->n_requests++;
    connection->http2 = req->version >= 0x200;
    connection->http1 = connection->http2 ? NULL : x;
}

void connection_end_request(struct connection *connection)
{
    connection->n_requests--;
    connection->http1 = NULL;
}

/* Whatever is unread before its end: under TLS that is the close_notify. */
static bool has_departed(const struct connection *connection)
{
    struct pollfd p = { .fd = h2o_socket_get_fd(connection->sock), .events = POLLRDHUP };

    return poll(&p, 1, 0) > 0;
}

void connections_find_departed(struct connections *list)
{
    for (const struct connection *c = list->first; c != NULL; c = c->next) {
        if (c->http1 != NULL && has_departed(c))
            exchange_leave(c->http1);
    }
}

/* libh2o keeps an HTTP/1 request in the socket's input until it is answered. An HTTP/2 connection
 * ends by its GOAWAY: what arrives on it is seen by nobody but libh2o. */
static bool is_idle(const struct connection *connection)
{
    return connection->n_requests == 0 && !connection->http2 && connection->sock->input->size == 0;
}

static void shut(const struct connection *connection)
{
    shutdown(h2o_socket_get_fd(connection->sock), SHUT_RDWR);
}

void connections_shut_idle(struct connections *list)
{
    for (const struct connection *c = list->first; c != NULL; c = c->next) {
        if (is_idle(c))
            shut(c);
    }
}

void connections_shut_all(struct connections *list)
{
    for (const struct connection *c = list->first; c != NULL; c = c->next) {
        shut(c);
        if (c->http1 != NULL)
            exchange_leave(c->http1);
    }
}
