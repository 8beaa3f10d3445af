/* SPDX-License-Identifier: MIT */
/*
 * The record hangs at its socket's on_close, which libh2o leaves to us, and goes with it. A socket
 * is never closed here, only shut: its owner is one of libh2o's protocols. One timer a connection,
 * moved only when it would be late; what it waits for is looked up when it fires.
 */
#include "worker/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/exchange.h"
#include "worker/guard.h"
#include "worker/guard_http2.h"
#include "worker/tcp.h"

enum {
    LOOKS = 4,             /* at the progress of an answer, in the time that it has */
    TURNED_AWAY_MAX = 256, /* that are told why; more are only closed */
    GOODBYE_MS = 1500,     /* for libh2o to say GOAWAY first, to who has sent nothing either */
};

/* What is waited for. */
enum phase { PHASE_NONE, PHASE_HEAD, PHASE_BODY, PHASE_IDLE, PHASE_SEND, N_PHASES };

static const struct {
    const char *name;
    enum metric metric;
    size_t limit; /* where it is in struct connection_limits */
} phases[N_PHASES] = {
    [PHASE_HEAD] = { "request head", METRIC_timeouts_head,
                     offsetof(struct connection_limits, head_ms) },
    [PHASE_BODY] = { "request body", METRIC_timeouts_body,
                     offsetof(struct connection_limits, body_ms) },
    [PHASE_IDLE] = { "next request", METRIC_timeouts_idle,
                     offsetof(struct connection_limits, idle_ms) },
    [PHASE_SEND] = { "answer's reader", METRIC_timeouts_send,
                     offsetof(struct connection_limits, send_ms) },
};

struct connection {
    struct guard guard;
    struct connections *list;
    struct connection *next, **pprev;
    size_t n_requests, n_sending;
    bool http2, served, turned_away;
    struct exchange *http1;   /* the one request being served */
    uint64_t held;            /* bytes of bodies that are counted for it */
    uint64_t unfinished;      /* of these, over HTTP/2, in bodies that are not complete */
    uint64_t n_heads, n_body; /* of the guard's, as last seen */
    struct timer timer;
    enum phase phase;
    uint64_t since_ms; /* the last progress in this phase */
    uint64_t acked;
};

static struct connection *connection_of_guard(struct guard *guard)
{
    return H2O_STRUCT_FROM_MEMBER(struct connection, guard, guard);
}

/* ---- time ---- */

static void shut(const struct connection *connection)
{
    shutdown(h2o_socket_get_fd(connection->guard.sock), SHUT_RDWR);
}

/* Over HTTP/2 the guard has timers for heads and bodies. */
static enum phase phase_of(const struct connection *c)
{
    if (c->guard.mode == GUARD_LINGERS)
        return PHASE_NONE;
    if (c->n_sending > 0)
        return PHASE_SEND;
    if (c->n_requests > 0 || c->guard.mode == GUARD_PASSES)
        return PHASE_NONE;
    if (c->guard.http2 != NULL)
        return guard_http2_n_bodies(c->guard.http2) == 0 ? PHASE_IDLE : PHASE_NONE;
    switch (http1_request_place(&c->guard.walk)) {
    case HTTP1_IN_HEAD:
        return PHASE_HEAD;
    case HTTP1_IN_BODY:
        return PHASE_BODY;
    default:
        return c->served ? PHASE_IDLE : PHASE_HEAD;
    }
}

static uint64_t limit_of(const struct connection *c)
{
    const void *limits = &c->list->limits;
    uint64_t limit = *(const uint64_t *)((const uint8_t *)limits + phases[c->phase].limit);

    return c->phase == PHASE_IDLE && c->guard.http2 != NULL ? limit + GOODBYE_MS : limit;
}

static void on_time(struct timer *timer);

static void arm(struct connection *c, uint64_t now)
{
    uint64_t due = c->since_ms + limit_of(c);

    if (c->phase == PHASE_SEND)
        due = now + limit_of(c) / LOOKS + 1;
    if (!timer_running(&c->timer) || c->timer.due_ms > due)
        timer_start(&c->timer, c->list->timers, due > now ? due - now : 0, on_time);
}

static void look_at_progress(struct connection *c, uint64_t now)
{
    uint64_t acked = tcp_acked(h2o_socket_get_fd(c->guard.sock));

    if (acked != c->acked)
        c->since_ms = now;
    c->acked = acked;
}

static void on_time(struct timer *timer)
{
    struct connection *c = H2O_STRUCT_FROM_MEMBER(struct connection, timer, timer);
    uint64_t now = clock_mono_ms();

    if (c->phase == PHASE_NONE)
        return;
    if (c->phase == PHASE_SEND)
        look_at_progress(c, now);
    if (now < c->since_ms + limit_of(c)) {
        arm(c, now);
        return;
    }
    log_debug("a connection is closed: it waited %llu ms for its %s",
              (unsigned long long)(now - c->since_ms), phases[c->phase].name);
    if (c->phase == PHASE_IDLE && c->guard.http2 != NULL) {
        c->phase = PHASE_NONE;
        guard_http2_say_goodbye(c->guard.http2);
        return;
    }
    metric_add(c->list->metrics, phases[c->phase].metric, 1);
    c->phase = PHASE_NONE;
    shut(c);
}

/* After everything that may change the phase, or was progress in it. */
static void follow(struct connection *c, bool progress)
{
    enum phase phase = phase_of(c);
    uint64_t now = clock_mono_ms();

    if (phase != c->phase || progress)
        c->since_ms = now;
    if (phase != c->phase)
        c->acked = UINT64_MAX; /* not known: the first look will find progress */
    c->phase = phase;
    if (phase != PHASE_NONE)
        arm(c, now);
}

/* ---- bodies ---- */

static void hold(struct connection *c, uint64_t len)
{
    c->held += len;
    metric_add(c->list->metrics, METRIC_body_bytes_held, (int64_t)len);
}

static void let_go(struct connection *c, uint64_t len)
{
    uint64_t n = len < c->held ? len : c->held;

    c->held -= n;
    metric_add(c->list->metrics, METRIC_body_bytes_held, -(int64_t)n);
}

/* Of HTTP/2: what is held of bodies that are not complete. */
static void hold_unfinished(struct connection *c)
{
    uint64_t held = guard_http2_held(c->guard.http2);

    if (held > c->unfinished)
        hold(c, held - c->unfinished);
    else
        let_go(c, c->unfinished - held);
    c->unfinished = held;
}

static uint64_t body_room(void *arg)
{
    struct connections *list = arg;
    uint64_t held = tally_all(&list->buffered);

    return held < list->limits.buffered_max ? list->limits.buffered_max - held : 0;
}

bool connections_overfull(struct connections *list)
{
    return tally_all(&list->buffered) > list->limits.buffered_max;
}

/* ---- what the guard sees ---- */

static void on_moved(struct guard *guard)
{
    struct connection *c = connection_of_guard(guard);
    const struct http1_request *walk = &guard->walk;
    bool progress = walk->n_heads != c->n_heads || walk->n_body != c->n_body;

    if (guard->http2 != NULL) {
        hold_unfinished(c);
        follow(c, false);
        return;
    }
    hold(c, walk->n_body - c->n_body);
    c->n_heads = walk->n_heads;
    c->n_body = walk->n_body;
    follow(c, progress);
}

static void on_refused(struct guard *guard, enum refusal refusal, const char *why)
{
    struct connection *c = connection_of_guard(guard);

    braked_log_refusal(c->list->lines, refusal, "unknown", SPAN_NONE, why);
    metric_add_refusal(c->list->metrics, refusal);
    let_go(c, c->held);
    follow(c, false);
}

static void on_calmed(struct guard *guard, enum guard_nuisance nuisance, const char *why)
{
    static const enum metric metrics[] = {
        [GUARD_FLOOD] = METRIC_connections_calmed,
        [GUARD_SLOW_HEAD] = METRIC_timeouts_head,
        [GUARD_IDLE] = METRIC_timeouts_idle,
    };
    struct connection *c = connection_of_guard(guard);
    enum log_level level = nuisance == GUARD_FLOOD ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
    uint64_t n_held;

    level = braked_log_level(c->list->lines, BRAKED_CALMED, level, &n_held);
    log_line(level, "ended a connection over HTTP/2 cause=\"%s\" not_logged_before=%llu", why,
             (unsigned long long)n_held);
    metric_add(c->list->metrics, metrics[nuisance], 1);
}

static void on_body_stood_still(struct guard *guard)
{
    metric_add(connection_of_guard(guard)->list->metrics, METRIC_timeouts_body, 1);
}

static void on_left(struct guard *guard)
{
    struct connection *c = connection_of_guard(guard);

    if (c->http1 != NULL)
        exchange_leave(c->http1);
}

static void on_closed(struct guard *guard)
{
    struct connection *c = connection_of_guard(guard);
    struct connections *list = c->list;

    timer_stop(&c->timer);
    let_go(c, c->held);
    if (c->next != NULL)
        c->next->pprev = c->pprev;
    *c->pprev = c->next;
    list->n_turned_away -= c->turned_away;
    free(c);
    list->n--;
    metric_add(list->metrics, METRIC_connections, -1);
    if (list->n == 0 && list->emptied != NULL)
        list->emptied(list);
}

static const struct guard_events guard_events = {
    .moved = on_moved,
    .refused = on_refused,
    .left = on_left,
    .calmed = on_calmed,
    .body_stood_still = on_body_stood_still,
    .closed = on_closed,
};

/* ---- from accept to close ---- */

static struct connection *open_record(struct connections *list, h2o_socket_t *sock)
{
    const struct http1_limits limits = { list->limits.body_max, body_room, list };
    struct connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL)
        return NULL;
    connection->list = list;
    connection->next = list->first;
    connection->pprev = &list->first;
    if (list->first != NULL)
        list->first->pprev = &connection->next;
    list->first = connection;
    list->n++;
    metric_add(list->metrics, METRIC_connections, 1);
    metric_add(list->metrics, METRIC_connections_accepted, 1);
    guard_open(&connection->guard, sock, list->timers, &limits, &guard_events);
    connection->guard.head_ms = list->limits.head_ms;
    connection->guard.body_ms = list->limits.body_ms;
    connection->guard.http1_only = list->limits.http1_only;
    connection->guard.context = list->context;
    follow(connection, true);
    return connection;
}

int connection_open(struct connections *list, h2o_socket_t *sock)
{
    return open_record(list, sock) != NULL ? 0 : -ENOMEM;
}

int connection_turn_away(struct connections *list, h2o_socket_t *sock)
{
    struct connection *c = NULL;

    if (list->n_turned_away < TURNED_AWAY_MAX)
        c = open_record(list, sock);
    if (c == NULL)
        return -ENOMEM;
    c->turned_away = true;
    list->n_turned_away++;
    guard_turn_away(&c->guard, REFUSAL_OVERLOADED, "there are MAX_CONNECTIONS");
    return 0;
}

struct connection *connection_of(const h2o_req_t *req)
{
    return connection_of_guard(guard_of(req->conn->callbacks->get_socket(req->conn)));
}

/*
 * A body over HTTP/1 is held as it comes in, and so is one over HTTP/2, which is unfinished until
 * now. (The body of a request that is upgraded came over HTTP/1.)
 */
const struct http2_verdict *connection_begin_request(struct connection *connection, h2o_req_t *req,
                                                     struct exchange *x)
{
    const struct http2_verdict *verdict = NULL;

    connection->n_requests++;
    connection->served = true;
    connection->http2 = req->version >= 0x200;
    connection->http1 = connection->http2 ? NULL : x;
    if (connection->http2 && connection->guard.http2 != NULL) {
        verdict = guard_http2_begin_request(connection->guard.http2, req);
        hold_unfinished(connection);
        hold(connection, req->entity.len);
    }
    follow(connection, false);
    return verdict;
}

void connection_end_request(struct connection *connection, size_t body_len, bool answered)
{
    connection->n_requests--;
    connection->http1 = NULL;
    let_go(connection, body_len);
    if (answered && connection->guard.http2 != NULL)
        guard_http2_count_answer(connection->guard.http2);
    follow(connection, false);
}

void connection_begin_sending(struct connection *connection)
{
    connection->n_sending++;
    follow(connection, false);
}

void connection_end_sending(struct connection *connection)
{
    connection->n_sending--;
    follow(connection, true);
}

/* Whatever is unread before its end: under TLS that is the close_notify. */
static bool has_departed(const struct connection *connection)
{
    struct pollfd p = { .fd = h2o_socket_get_fd(connection->guard.sock), .events = POLLRDHUP };

    return poll(&p, 1, 0) > 0;
}

void connections_find_departed(struct connections *list)
{
    for (const struct connection *c = list->first; c != NULL; c = c->next) {
        if (c->http1 != NULL && !c->guard.parked && has_departed(c))
            exchange_leave(c->http1);
    }
}

/* libh2o keeps an HTTP/1 request in the socket's input until it is answered. An HTTP/2 connection
 * ends by its GOAWAY: what arrives on it is seen by nobody but libh2o. */
static bool is_idle(const struct connection *connection)
{
    return connection->n_requests == 0 && !connection->http2 &&
           connection->guard.sock->input->size == 0;
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
