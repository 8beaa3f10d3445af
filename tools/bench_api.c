/* SPDX-License-Identifier: MIT */
/*
 * The API behind everything that tools/bench compares: answers 200 with the body of the request,
 * once it has all of it. bench_api [DELAY_MS GAP_US]: each answer that long after its request was
 * whole. Only requests that come together after a rest, within one delay, have theirs a gap apart,
 * so that they are spread from then on: past that nothing waits for anything but its own time.
 * Prints its port, serves 127.0.0.1 until it is killed. One loop; it knows HTTP/1.1 with a
 * content-length, as much as the proxies there send, and closes a connection that sends else.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/text.h"

enum { HEAD_MAX = 16384, BODY_MAX = 64 << 20, READ_SIZE = 65536, N_EVENTS = 256 };
enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000, NS_PER_US = 1000 };

struct connection {
    int fd;
    bool waiting; /* in the queue */
    bool broken;
    size_t head_len, body_len; /* of the request; head_len is 0 until its head is complete */
    struct buffer in, out;
    uint64_t due_ns;
    struct connection *next; /* in the queue */
};

struct api {
    int epoll, listener, timer;
    uint64_t delay_ns, gap_ns; /* both 0: answers at once */
    uint64_t last_due_ns;
    uint64_t spread_until_ns;
    struct connection *first, *last; /* waiting for their time, in its order */
};

static void check(int r, const char *what)
{
    if (r < 0)
        err(1, "%s", what);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    check(clock_gettime(CLOCK_MONOTONIC, &t), "clock_gettime");
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void watch(struct api *api, int fd, void *who)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = who };

    check(epoll_ctl(api->epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void accept_all(struct api *api)
{
    struct connection *c;
    int fd, on = 1;

    while ((fd = accept4(api->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
        c = calloc(1, sizeof(*c));
        if (c == NULL)
            err(1, "accept");
        c->fd = fd;
        buffer_init(&c->in, HEAD_MAX + BODY_MAX);
        buffer_init(&c->out, 0);
        watch(api, fd, c);
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        err(1, "accept");
}

/* One that waits for its time is freed by the queue. */
static void connection_free(struct connection *c)
{
    fd_close(&c->fd);
    c->broken = true;
    if (c->waiting)
        return;
    buffer_fini(&c->in);
    buffer_fini(&c->out);
    free(c);
}

static void read_all(struct connection *c)
{
    uint8_t *room;
    ssize_t n;

    for (;;) {
        room = buffer_reserve(&c->in, READ_SIZE);
        if (room == NULL)
            break;
        n = read(c->fd, room, READ_SIZE);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            break;
        buffer_commit(&c->in, (size_t)n);
    }
    c->broken = true;
}

static void write_all(struct connection *c)
{
    struct span rest;
    ssize_t n;

    while ((rest = buffer_span(&c->out)).len > 0) {
        n = send(c->fd, rest.at, rest.len, MSG_NOSIGNAL);
        if (n < 0) {
            c->broken = c->broken || errno != EAGAIN;
            return;
        }
        buffer_take(&c->out, (size_t)n);
    }
}

static void parse_head(struct connection *c)
{
    static const struct span length_name = SPAN("content-length");
    struct span bytes = buffer_span(&c->in), rest, line, name;
    const uint8_t *end = memmem(bytes.at, bytes.len, "\r\n\r\n", 4);
    uint64_t length = 0;

    if (end == NULL) {
        c->broken = c->broken || bytes.len > HEAD_MAX;
        return;
    }
    c->head_len = (size_t)(end - bytes.at) + 4;
    rest = span_part(bytes, 0, c->head_len);
    while (rest.len > 0) {
        line = span_cut(&rest, '\n');
        name = span_cut(&line, ':');
        if (span_equal_nocase(name, SPAN("transfer-encoding")))
            c->broken = true;
        if (span_equal_nocase(name, length_name) &&
            text_u64(span_trim(span_part(line, 0, line.len - 1)), BODY_MAX, &length) != 0)
            c->broken = true;
    }
    c->body_len = length;
}

static bool has_request(struct connection *c)
{
    if (c->head_len == 0 && buffer_len(&c->in) > 0)
        parse_head(c);
    return c->head_len > 0 && buffer_len(&c->in) >= c->head_len + c->body_len;
}

static void answer(struct connection *c)
{
    buffer_printf(&c->out,
                  "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  c->body_len);
    buffer_put(&c->out, span_part(buffer_span(&c->in), c->head_len, c->body_len));
    if (buffer_error(&c->out) != 0)
        errx(1, "%s", error_text(buffer_error(&c->out)));
    buffer_take(&c->in, c->head_len + c->body_len);
    c->head_len = 0;
    write_all(c);
}

static void wait_for_turn(struct api *api, struct connection *c)
{
    uint64_t now = now_ns(), due = now + api->delay_ns;

    if (api->first == NULL)
        api->spread_until_ns = due;
    else if (now < api->spread_until_ns && due < api->last_due_ns + api->gap_ns)
        due = api->last_due_ns + api->gap_ns;
    else if (due < api->last_due_ns)
        due = api->last_due_ns; /* the queue is in order */
    api->last_due_ns = c->due_ns = due;
    c->waiting = true;
    c->next = NULL;
    if (api->first == NULL)
        api->first = c;
    else
        api->last->next = c;
    api->last = c;
}

static void serve(struct api *api, struct connection *c)
{
    read_all(c);
    write_all(c);
    while (!c->broken && !c->waiting && has_request(c)) {
        if (api->delay_ns > 0 || api->gap_ns > 0)
            wait_for_turn(api, c);
        else
            answer(c);
    }
    if (c->broken)
        connection_free(c);
}

static void answer_due(struct api *api)
{
    struct itimerspec at = { 0 };
    struct connection *c;

    while ((c = api->first) != NULL && c->due_ns <= now_ns()) {
        api->first = c->next;
        c->waiting = false;
        if (!c->broken)
            answer(c);
        if (c->broken)
            connection_free(c);
    }
    if (c != NULL) {
        at.it_value.tv_sec = (time_t)(c->due_ns / NS_PER_S);
        at.it_value.tv_nsec = (long)(c->due_ns % NS_PER_S);
    }
    check(timerfd_settime(api->timer, TFD_TIMER_ABSTIME, &at, NULL), "timerfd_settime");
}

static void run(struct api *api)
{
    struct epoll_event events[N_EVENTS];
    int n;

    for (;;) {
        n = epoll_wait(api->epoll, events, N_EVENTS, -1);
        if (n < 0 && errno != EINTR)
            err(1, "epoll_wait");
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &api->listener)
                accept_all(api);
            else if (events[i].data.ptr != &api->timer)
                serve(api, events[i].data.ptr);
        }
        if (api->delay_ns > 0 || api->gap_ns > 0)
            answer_due(api);
    }
}

static void open_listener(struct api *api)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);

    api->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    check(api->listener, "socket");
    check(bind(api->listener, (struct sockaddr *)&address, len), "bind");
    check(listen(api->listener, 4096), "listen");
    check(getsockname(api->listener, (struct sockaddr *)&address, &len), "getsockname");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct api api = { 0 };
    uint64_t delay_ms = 0, gap_us = 0;

    if (argc != 1 && (argc != 3 || text_u64(span_text(argv[1]), UINT32_MAX, &delay_ms) != 0 ||
                      text_u64(span_text(argv[2]), UINT32_MAX, &gap_us) != 0))
        errx(64, "usage: bench_api [DELAY_MS GAP_US]");
    api.delay_ns = delay_ms * NS_PER_MS;
    api.gap_ns = gap_us * NS_PER_US;

    check(api.epoll = epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    check(api.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd");
    open_listener(&api);
    watch(&api, api.listener, &api.listener);
    watch(&api, api.timer, &api.timer);
    run(&api);
}
