/* SPDX-License-Identifier: MIT */
#include "tests/unit/outside.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

enum { PATIENCE_MS = 10000 };

/* ---- servers ---- */

struct visit {
    struct server *server;
    int fd;
    unsigned nth;
};

static void *run_script(void *arg)
{
    struct visit visit = *(struct visit *)arg;

    free(arg);
    visit.server->script(visit.server, visit.fd, visit.nth);
    close(visit.fd);
    return NULL;
}

static void *run_server(void *arg)
{
    struct server *server = arg;
    int fd;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        struct visit *visit = malloc(sizeof(*visit));
        unsigned nth = atomic_load(&server->n_accepted);

        if (nth == SERVER_CONNECTIONS_MAX)
            abort();
        *visit = (struct visit){ server, fd, nth };
        atomic_store(&server->n_accepted, nth + 1);
        if (pthread_create(&server->connections[nth], NULL, run_script, visit) != 0)
            abort();
    }
    return NULL;
}

void server_start(struct server *server)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int buffer = 64 << 10; /* what the kernel takes for a script is not much */
    socklen_t len = sizeof(any);

    signal(SIGPIPE, SIG_IGN);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->fd >= 0);
    setsockopt(server->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    assert_int_equal(0, bind(server->fd, (struct sockaddr *)&any, sizeof(any)));
    assert_int_equal(0, listen(server->fd, 128));
    assert_int_equal(0, getsockname(server->fd, (struct sockaddr *)&any, &len));
    server->port = ntohs(any.sin_port);
    assert_int_equal(0, pthread_create(&server->thread, NULL, run_server, server));
}

void server_stop(struct server *server)
{
    atomic_store(&server->go, true);
    shutdown(server->fd, SHUT_RDWR); /* wakes accept() */
    pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < server->n_accepted; i++)
        pthread_join(server->connections[i], NULL);
    close(server->fd);
}

bool server_read_head(int fd)
{
    static const char end[] = "\r\n\r\n";
    size_t matched = 0;
    char c;

    while (matched < strlen(end)) {
        if (read(fd, &c, 1) != 1)
            return false;
        matched = c == end[matched] ? matched + 1 : (c == '\r');
    }
    return true;
}

/* The other side may close while we send; that is what some tests are about. */
void server_send_all(int fd, const void *at, size_t len)
{
    struct span rest = span_of(at, len);

    while (rest.len > 0) {
        ssize_t n = send(fd, rest.at, rest.len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        rest = span_from(rest, (size_t)n);
    }
}

void server_send(int fd, const char *text)
{
    server_send_all(fd, text, strlen(text));
}

void server_reset(int fd)
{
    struct linger now = { 1, 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void server_wait(struct server *server)
{
    while (!atomic_load(&server->go))
        usleep(1000);
}

void server_linger(int fd)
{
    char bytes[65536];

    while (read(fd, bytes, sizeof(bytes)) > 0)
        ;
}

/* ---- calls ---- */

void inside_open(struct inside *inside, const struct upstream_limits *limits)
{
    struct upstream_limits counted = *limits;

    inside->metrics = (struct metric_block){ 0 };
    counted.metrics = &inside->metrics;
    inside->loop = h2o_evloop_create();
    assert_int_equal(0, timers_new(inside->loop, &inside->timers));
    assert_int_equal(0, upstream_new(inside->loop, inside->timers, &counted, &inside->upstream));
}

void inside_close(struct inside *inside)
{
    upstream_free(&inside->upstream);
    timers_free(&inside->timers);
    h2o_evloop_run(inside->loop, 0); /* frees what was closed */
    h2o_evloop_destroy(inside->loop);
    for (size_t i = 0; i < N_METRICS; i++)
        assert_int_equal(0, inside->metrics.values[i]);
}

static int on_head(void *arg, const struct http1_head *head)
{
    struct watch *watch = arg;

    assert_false(watch->ended);
    watch->n_heads++;
    watch->status = head->status;
    return watch->head_returns;
}

static int on_body(void *arg, struct span bytes)
{
    struct watch *watch = arg;

    assert_false(watch->ended);
    assert_int_equal(1, watch->n_heads);
    buffer_put(&watch->body, bytes);
    if (watch->pause_each > 0 && buffer_len(&watch->body) - watch->paused_at >= watch->pause_each) {
        watch->paused_at = buffer_len(&watch->body);
        upstream_call_pause(watch->call);
    }
    return 0;
}

static void on_end(void *arg, enum upstream_failure failure, const char *detail)
{
    struct watch *watch = arg;

    assert_false(watch->ended);
    assert_non_null(detail);
    watch->ended = true;
    watch->call = NULL;
    watch->failure = failure;
    watch->took_ms = clock_mono_ms() - watch->took_ms;
    snprintf(watch->detail, sizeof(watch->detail), "%s", detail);
}

void watch_start(struct watch *watch, struct inside *inside, uint16_t port)
{
    static const struct upstream_events events = { on_head, on_body, on_end };

    if (watch->request.url.host.len == 0)
        watch->request.url.host = SPAN("127.0.0.1");
    watch->request.url.port = port;
    if (watch->request.head.len == 0)
        watch->request.head = SPAN("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    watch->took_ms = clock_mono_ms();
    assert_int_equal(0, upstream_call(inside->upstream, &watch->request, &events, watch,
                                      &watch->call));
    assert_false(watch->ended);
}

void watch_fini(struct watch *watch)
{
    if (watch->call != NULL)
        upstream_call_cancel(&watch->call);
    buffer_fini(&watch->body);
    *watch = (struct watch){ 0 };
}

void inside_run(struct inside *inside, struct watch *watch)
{
    uint64_t until = clock_mono_ms() + PATIENCE_MS;

    while (!watch->ended) {
        assert_true(clock_mono_ms() < until);
        h2o_evloop_run(inside->loop, 100);
    }
}

void inside_run_ms(struct inside *inside, uint64_t ms)
{
    uint64_t until = clock_mono_ms() + ms, now;

    while ((now = clock_mono_ms()) < until)
        h2o_evloop_run(inside->loop, (int32_t)(until - now));
}

enum upstream_failure watch_call(struct watch *watch, struct inside *inside, uint16_t port)
{
    watch_start(watch, inside, port);
    inside_run(inside, watch);
    return watch->failure;
}
