/* SPDX-License-Identifier: MIT */
/*
 * Making outward connections. Owns the query, the socket and the timer while they are under way;
 * never sends a byte of a request. Each address gets connect_ms, all together DIAL_PERIODS times
 * that.
 */
#include "worker/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "common/clock.h"

/* libh2o reads until nothing is left: this bounds what one wake-up can bring. */
enum { RECEIVE_BUFFER = 256 * 1024 };

void dial_cancel(struct dial *dial)
{
    timer_stop(&dial->timer);
    resolve_query_cancel(&dial->query);
    if (dial->sock != NULL)
        h2o_socket_close(dial->sock);
    dial->sock = NULL;
}

static void fail(struct dial *dial, enum upstream_failure failure, const char *detail)
{
    dial_cancel(dial);
    dial->done(dial, NULL, failure, detail);
}

static void succeed(struct dial *dial)
{
    h2o_socket_t *sock = dial->sock;

    dial->sock = NULL;
    dial_cancel(dial);
    dial->done(dial, sock, UPSTREAM_OK, NULL);
}

/* A connecting, non-blocking socket, or -errno. The buffer's size must be set before connecting. */
static int open_socket(const union resolve_address *address)
{
    const int size = RECEIVE_BUFFER, on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r = 0;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        (connect(fd, &address->any, resolve_address_len(address)) != 0 && errno != EINPROGRESS))
        r = -errno;
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

static void on_timeout(struct timer *timer);
static void on_connected(h2o_socket_t *sock, const char *err);

static bool time_is_left(const struct dial *dial)
{
    uint64_t ms = dial->means->connect_ms;

    return ms == 0 || clock_mono_ms() - dial->started_ms <= (DIAL_PERIODS - 1) * ms;
}

static void start_timer(struct dial *dial)
{
    if (dial->means->connect_ms > 0)
        timer_start(&dial->timer, dial->means->timers, dial->means->connect_ms, on_timeout);
}

static void give_up(struct dial *dial)
{
    if (dial->timed_out)
        fail(dial, UPSTREAM_CONNECT_TIMEOUT, "no address took a connection in time");
    else if (dial->n_allowed == 0)
        fail(dial, UPSTREAM_NOT_ALLOWED, "no address of it is allowed");
    else
        fail(dial, UPSTREAM_UNREACHABLE, error_text(dial->error));
}

static void try_next(struct dial *dial)
{
    dial_cancel(dial);
    while (dial->n_tried < dial->found.n && time_is_left(dial)) {
        const union resolve_address *address = &dial->found.addresses[dial->n_tried++];
        int fd;

        if (dial->target.allow != NULL &&
            !dial->target.allow(dial->target.allow_arg, &address->any))
            continue;
        dial->n_allowed++;
        fd = open_socket(address);
        if (fd < 0) {
            dial->error = fd;
            continue;
        }
        dial->sock = h2o_evloop_socket_create(dial->means->loop, fd, 0);
        dial->sock->data = dial;
        h2o_socket_notify_write(dial->sock, on_connected);
        start_timer(dial);
        return;
    }
    give_up(dial);
}

static void on_resolved(void *arg, const struct resolve_result *result)
{
    struct dial *dial = arg;

    dial->query = NULL;
    dial->found = *result;
    if (result->n == 0)
        fail(dial, UPSTREAM_UNRESOLVED, result->why);
    else
        try_next(dial);
}

/* Whoever took the connection is not who we want, or cannot be: other addresses are not tried. */
static void on_handshake(h2o_socket_t *sock, const char *err)
{
    struct dial *dial = sock->data;
    const char *failure = tls_failure(err);

    if (failure != NULL)
        fail(dial, UPSTREAM_TLS, failure);
    else
        succeed(dial);
}

/* Made writable by success and by failure. */
static void on_connected(h2o_socket_t *sock, const char *err)
{
    struct dial *dial = sock->data;
    socklen_t len = sizeof(int);
    int error = 0;

    if (err != NULL)
        error = EIO;
    else if (getsockopt(h2o_socket_get_fd(sock), SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error != 0) {
        dial->error = -error;
        try_next(dial);
    } else if (dial->target.tls != NULL) {
        tls_handshake(dial->target.tls, sock, on_handshake);
    } else {
        succeed(dial);
    }
}

static void on_timeout(struct timer *timer)
{
    struct dial *dial = H2O_STRUCT_FROM_MEMBER(struct dial, timer, timer);

    if (dial->query != NULL) {
        fail(dial, UPSTREAM_CONNECT_TIMEOUT, "the name did not resolve in time");
        return;
    }
    dial->timed_out = true;
    try_next(dial);
}

void dial_start(struct dial *dial)
{
    const struct dial_target *target = &dial->target;

    dial->started_ms = clock_mono_ms();
    if (resolve_numeric(target->host, target->port, &dial->found)) {
        try_next(dial);
        return;
    }
    dial->query =
        resolver_ask(dial->means->resolver, target->host, target->port, on_resolved, dial);
    if (dial->query == NULL)
        fail(dial, UPSTREAM_UNRESOLVED, error_text(-ENOMEM));
    else
        start_timer(dial);
}
