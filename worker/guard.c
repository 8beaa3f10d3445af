/* SPDX-License-Identifier: MIT */
/*
 * libh2o changes its read callback as a connection goes on. Every change goes through
 * h2o_socket_read_start() and h2o_socket_read_stop(), which the shared library calls through its
 * PLT: the definitions here take their place. A static link would need another way in.
 */
#include "worker/guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>

#include "worker/guard_http2.h"

enum {
    LINGER_MS = 2000,
    LINGER_BYTES = 64 << 20, /* a client that reads only when it has sent all */
};

static void on_read(h2o_socket_t *sock, const char *err);

static void on_close(void *data)
{
    struct guard *guard = data;

    timer_stop(&guard->timer);
    guard_http2_free(&guard->http2);
    http1_request_fini(&guard->walk);
    buffer_fini(&guard->kept);
    guard->events->closed(guard);
}

void guard_open(struct guard *guard, h2o_socket_t *sock, struct timers *timers,
                const struct http1_limits *limits, const struct guard_events *events)
{
    *guard = (struct guard){ .sock = sock, .timers = timers, .events = events };
    http1_request_init(&guard->walk, limits);
    buffer_init(&guard->kept, 0);
    sock->on_close.cb = on_close;
    sock->on_close.data = guard;
}

struct guard *guard_of(const h2o_socket_t *sock)
{
    return sock->on_close.cb == on_close ? sock->on_close.data : NULL;
}

/* ---- refusing ---- */

static void shut(const struct guard *guard, int how)
{
    (void)shutdown(h2o_socket_get_fd(guard->sock), how);
}

static void read_stop(h2o_socket_t *sock)
{
    static void (*librarys)(h2o_socket_t * sock);

    if (librarys == NULL)
        *(void **)&librarys = dlsym(RTLD_NEXT, "h2o_socket_read_stop");
    librarys(sock);
}

/* To libh2o the connection has ended, as any may. The record may be gone afterwards. */
static void finish(struct guard *guard)
{
    h2o_socket_t *sock = guard->sock;

    timer_stop(&guard->timer);
    read_stop(sock);
    guard->drained = true;
    if (h2o_socket_is_writing(sock)) {
        shut(guard, SHUT_RDWR); /* which ends the writing too */
        return;
    }
    guard->mode = GUARD_PASSES;
    guard->read(sock, h2o_socket_error_closed);
}

static void on_linger_over(struct timer *timer)
{
    finish(H2O_STRUCT_FROM_MEMBER(struct guard, timer, timer));
}

static void on_refusal_sent(h2o_socket_t *sock, const char *err)
{
    struct guard *guard = guard_of(sock);

    if (err != NULL || guard->drained)
        finish(guard);
    else if (sock->ssl == NULL)
        shut(guard, SHUT_WR);
}

static void drain(struct guard *guard, const char *err)
{
    size_t came = guard->sock->input->size;

    h2o_buffer_consume(&guard->sock->input, came);
    if (err != NULL || came >= guard->left)
        finish(guard);
    else
        guard->left -= came;
}

void guard_refuse(struct guard *guard, enum refusal refusal, const char *why)
{
    struct span answer;
    h2o_iovec_t bytes;

    guard->mode = GUARD_LINGERS;
    guard->left = LINGER_BYTES;
    guard->events->refused(guard, refusal, why);
    buffer_clear(&guard->kept);
    refusal_http1(refusal, !guard->walk.is_head, &guard->kept);
    answer = buffer_span(&guard->kept);
    bytes = h2o_iovec_init(answer.at, answer.len);
    h2o_buffer_consume(&guard->sock->input, guard->sock->input->size);
    timer_start(&guard->timer, guard->timers, LINGER_MS, on_linger_over);
    if (h2o_socket_is_writing(guard->sock) || buffer_error(&guard->kept) != 0)
        shut(guard, SHUT_RDWR);
    else
        h2o_socket_write(guard->sock, &bytes, 1, on_refusal_sent);
}

static void on_turned_away(h2o_socket_t *sock, const char *err)
{
    (void)err;
    h2o_socket_close(sock);
}

void guard_turn_away(struct guard *guard, enum refusal refusal, const char *why)
{
    h2o_socket_read_start(guard->sock, on_turned_away);
    guard_refuse(guard, refusal, why);
}

static void refuse_fault(struct guard *guard)
{
    static const enum refusal refusals[] = {
        [HTTP1_MALFORMED] = REFUSAL_BAD_REQUEST,
        [HTTP1_HEAD_TOO_LARGE] = REFUSAL_HEADERS_TOO_LARGE,
        [HTTP1_BODY_TOO_LARGE] = REFUSAL_BODY_TOO_LARGE,
        [HTTP1_NO_ROOM] = REFUSAL_OVERLOADED,
        [HTTP1_NO_MEMORY] = REFUSAL_OVERLOADED,
    };

    guard_refuse(guard, refusals[guard->walk.fault], guard->walk.why);
}

/* libh2o waits for the request that is at fault, unless it is still busy with one before it. */
static void on_turn_of_fault(struct timer *timer)
{
    struct guard *guard = H2O_STRUCT_FROM_MEMBER(struct guard, timer, timer);

    if (guard->mode == GUARD_HTTP1 && h2o_socket_is_reading(guard->sock) && !guard->parked)
        refuse_fault(guard);
}

/* ---- reading ---- */

static void begin_http2(struct guard *guard)
{
    guard->mode = GUARD_HTTP2;
    if (guard_http2_new(guard, &guard->http2) == 0)
        guard_http2_read(guard->http2);
    else
        shut(guard, SHUT_RDWR);
}

/* What libh2o has not seen of a head it gets with the rest. */
static void walk(struct guard *guard, size_t came)
{
    h2o_socket_t *sock = guard->sock;
    h2o_buffer_t *input = sock->input;
    struct span bytes = span_of(input->bytes + input->size - came, came);
    bool in_body = http1_request_place(&guard->walk) == HTTP1_IN_BODY;
    uint64_t n_heads = guard->walk.n_heads;
    size_t good;
    enum http1_fault fault = http1_request_walk(&guard->walk, bytes, &good);

    guard->events->moved(guard);
    if (fault != HTTP1_FINE && good == 0) {
        refuse_fault(guard);
        return;
    }
    input->size -= came - good;
    sock->bytes_read = good;
    if (http1_request_place(&guard->walk) == HTTP1_IS_HTTP2 && guard->http1_only)
        guard_refuse(guard, REFUSAL_BAD_REQUEST, "HTTP/2, where only HTTP/1 is spoken");
    else if (http1_request_place(&guard->walk) == HTTP1_IS_HTTP2)
        begin_http2(guard);
    else if (in_body || guard->walk.n_heads != n_heads)
        guard->read(sock, NULL);
}

static bool speaks_http2(h2o_socket_t *sock)
{
    h2o_iovec_t protocol = h2o_iovec_init(NULL, 0);

    if (sock->ssl != NULL)
        protocol = h2o_socket_ssl_get_selected_protocol(sock);
    return span_starts(span_of(protocol.base, protocol.len), SPAN("h2"));
}

/* Something waits in the kernel, where it stays: the request being served lies in the input. */
static void on_parked(struct guard *guard)
{
    uint8_t byte;
    ssize_t n = recv(h2o_socket_get_fd(guard->sock), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    bool left = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);

    guard->parked = false;
    h2o_socket_dont_read(guard->sock, 0);
    read_stop(guard->sock);
    if (left)
        guard->events->left(guard);
}

static void on_read(h2o_socket_t *sock, const char *err)
{
    struct guard *guard = guard_of(sock);
    size_t came = err == NULL ? sock->bytes_read : 0;

    if (guard->parked) {
        on_parked(guard);
        return;
    }
    if (guard->mode == GUARD_NEW && came > 0 && speaks_http2(sock)) {
        begin_http2(guard);
        return;
    }
    if (guard->mode == GUARD_NEW && came > 0)
        guard->mode = GUARD_HTTP1;
    if (guard->mode == GUARD_LINGERS)
        drain(guard, err);
    else if (err != NULL || guard->mode == GUARD_PASSES || guard->mode == GUARD_NEW)
        guard->read(sock, err); /* a new one: the handshake of TLS goes on */
    else if (came > 0 && guard->mode == GUARD_HTTP1)
        walk(guard, came);
    else if (came > 0 && guard->http2 != NULL)
        guard_http2_read(guard->http2);
}

static void read_start(h2o_socket_t *sock, h2o_socket_cb cb)
{
    static void (*librarys)(h2o_socket_t * sock, h2o_socket_cb cb);

    if (librarys == NULL)
        *(void **)&librarys = dlsym(RTLD_NEXT, "h2o_socket_read_start");
    librarys(sock, cb);
}

/* As if it had been read now. */
static void on_kept(struct timer *timer)
{
    struct guard *guard = H2O_STRUCT_FROM_MEMBER(struct guard, timer, timer);
    struct span kept = buffer_span(&guard->kept);
    h2o_iovec_t room = h2o_buffer_reserve(&guard->sock->input, kept.len);

    memcpy(room.base, kept.at, kept.len);
    guard->sock->input->size += kept.len;
    guard->sock->bytes_read = kept.len;
    buffer_clear(&guard->kept);
    read_start(guard->sock, on_read);
    on_read(guard->sock, NULL);
}

/* Bytes that came with the end of a TLS handshake were never announced by a read. */
static void keep_unseen(struct guard *guard)
{
    h2o_socket_t *sock = guard->sock;

    buffer_put(&guard->kept, span_of(sock->input->bytes, sock->input->size));
    if (buffer_error(&guard->kept) != 0) {
        shut(guard, SHUT_RDWR);
        buffer_clear(&guard->kept);
    }
    h2o_buffer_consume(&sock->input, sock->input->size);
    if (buffer_len(&guard->kept) > 0) {
        read_stop(sock);
        timer_start(&guard->timer, guard->timers, 0, on_kept);
    }
}

void h2o_socket_read_start(h2o_socket_t *sock, h2o_socket_cb cb)
{
    struct guard *guard = guard_of(sock);

    if (guard == NULL) {
        read_start(sock, cb);
        return;
    }
    guard->read = cb;
    if (guard->mode == GUARD_NEW)
        guard->http1 = sock->data;
    if (guard->parked)
        h2o_socket_dont_read(sock, 0);
    guard->parked = false;
    read_start(sock, on_read);
    if (guard->mode == GUARD_NEW && sock->input->size > 0)
        keep_unseen(guard);
    else if (guard->mode == GUARD_HTTP1 && guard->walk.fault != HTTP1_FINE)
        timer_start(&guard->timer, guard->timers, 0, on_turn_of_fault);
}

/*
 * libh2o stops while it serves an HTTP/1 request and starts again for the next. The kernel is left
 * to watch meanwhile: that saves two system calls a request, and tells of an application that
 * leaves. It is really stopped under TLS, which has bytes of its own to read, and once HTTP/2 has
 * taken over, whose stops are for output that nobody takes.
 */
void h2o_socket_read_stop(h2o_socket_t *sock)
{
    struct guard *guard = guard_of(sock);

    if (guard == NULL || guard->mode != GUARD_HTTP1 || sock->ssl != NULL ||
        sock->data != guard->http1) {
        read_stop(sock);
        return;
    }
    guard->parked = true;
    h2o_socket_dont_read(sock, 1);
}
