/* SPDX-License-Identifier: MIT */
/*
 * libh2o's context, its listeners and its one handler. Decides what a request is and hands it to
 * its exchange; knows nothing of what becomes of it.
 */
#include "worker/http_server.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "worker/chunked.h"
#include "worker/classify.h"
#include "worker/connection.h"
#include "worker/guard_http2.h"
#include "worker/http_library.h"
#include "worker/local.h"
#include "worker/own_words.h"
#include "worker/pair_endpoint.h"
#include "worker/relay_inbound.h"
#include "worker/relay_outbound.h"
#include "worker/relay_plain.h"
#include "worker/request.h"
#include "worker/route.h"
#include "worker/timer.h"

enum {
    LOOK_EVERY_MS = 1000,  /* for applications that left */
    ACCEPT_AGAIN_MS = 100, /* when there is no descriptor or memory for a connection */
    STAND_BACK_MS = 20,    /* when other workers have fewer connections */
    FEW_CONNECTIONS = 32,  /* of a worker: no matter who has them */
    BODY_BAND = 64 * 1024, /* so much over our limit comes to us to be refused in our words */
    SEALED_OVERHEAD = 128 * 1024, /* of a sealed body, beside 1/256 of it */
    KEPT_BUFFERS = 128,           /* of connections' input, 4 KiB each: libh2o would keep 16 */
};

struct http_server {
    struct services *services;
    struct http_library library;
    struct connections connections;
    struct tally all_connections, all_accepting; /* of the instance */
    h2o_socket_t **listeners;                    /* over descriptors of our own */
    size_t n_listeners;
    struct timer look, accept_again, half_drained, emptied;
    void (*idle)(void *arg);
    void *idle_arg;
    bool draining;
};

struct handler {
    h2o_handler_t super;
    struct http_server *server;
};

/* ---- a request ---- */

static const struct exchange_ops *const kinds[CLASS_REFUSED] = {
    [CLASS_ECHO] = &local_echo_ops,         [CLASS_ABOUT] = &local_about_ops,
    [CLASS_PAIR] = &pair_endpoint_ops,      [CLASS_INBOUND] = &relay_inbound_ops,
    [CLASS_OUTBOUND] = &relay_outbound_ops, [CLASS_PREFLIGHT] = &local_preflight_ops,
    [CLASS_PLAIN] = &relay_plain_ops,
};

/* protocol.md: what a sealed body may have more than the message in it. */
static uint64_t sealed_body_max(const struct conf *conf)
{
    return conf->max_request_body + conf->max_request_body / 256 + SEALED_OVERHEAD;
}

/* MAX_REQUEST_BODY is about what applications send, not about a pairing request. */
static uint64_t body_max(const struct conf *conf, enum class class)
{
    return kinds[class]->to_peer ? sealed_body_max(conf) : conf->max_request_body;
}

static void serve(struct http_server *server, struct exchange *x, struct span path)
{
    const struct conf *conf = server->services->conf;
    const struct exchange_request *request = exchange_request(x);
    struct ip source;
    bool known = exchange_find_source(x, &source);
    struct classified is =
        classify(conf, known ? &source : NULL, request->method, path, &request->fields);

    if (is.class == CLASS_REFUSED)
        exchange_refuse(x, is.refusal, "%s", is.cause);
    else if (request->body.len > 0 && connections_overfull(&server->connections))
        exchange_refuse(x, REFUSAL_OVERLOADED, "MAX_BUFFERED is used up");
    else if (request->body.len > body_max(conf, is.class))
        exchange_refuse(x, REFUSAL_BODY_TOO_LARGE, "%zu bytes", request->body.len);
    else if (server->services->leaving && !kinds[is.class]->to_peer)
        exchange_refuse(x, REFUSAL_DRAINING, "the drain's time is nearly over");
    else
        exchange_begin(x, kinds[is.class]);
}

static void refuse_by(struct exchange *x, const struct http2_verdict *verdict)
{
    if (verdict->abort)
        exchange_abort(x, "%s", verdict->why);
    else
        exchange_refuse(x, verdict->refusal, "%s", verdict->why);
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    struct http_server *server = H2O_STRUCT_FROM_MEMBER(struct handler, super, self)->server;
    const struct http2_verdict *verdict;
    struct exchange *x = exchange_new(req, server->services, connection_of(req), &verdict);
    enum refusal refusal;
    struct buffer room;
    struct span path;
    const char *cause;
    int r;

    if (verdict != NULL) {
        refuse_by(x, verdict);
        return 0;
    }
    request_split_target(req);
    if (!request_judge(req, &refusal, &cause)) {
        exchange_refuse(x, refusal, "%s", cause);
        return 0;
    }
    buffer_init(&room, 0);
    r = request_read(req, exchange_request(x));
    if (r == 0)
        r = route_path(exchange_request(x)->path, &room, &path);
    if (r == 0)
        serve(server, x, path);
    else
        exchange_refuse(x, REFUSAL_OVERLOADED, "%s", error_text(r));
    buffer_fini(&room);
    return 0;
}

/* ---- connections ---- */

static void set_accepting(struct http_server *server, bool accepting);

static void on_accept_again(struct timer *timer)
{
    set_accepting(H2O_STRUCT_FROM_MEMBER(struct http_server, accept_again, timer), true);
}

/* Out of descriptors or memory: waiting is all that helps, and the listener stays readable. */
static void rest(struct http_server *server, int error)
{
    enum log_level level = LOG_LEVEL_WARNING;
    uint64_t n_held;

    if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
        return;
    level = braked_log_level(&server->services->lines, BRAKED_NO_DESCRIPTOR, level, &n_held);
    log_line(level, "cannot accept for %d ms: %s not_logged_before=%llu", ACCEPT_AGAIN_MS,
             error_text(-error), (unsigned long long)n_held);
    set_accepting(server, false);
    timer_start(&server->accept_again, server->services->timers, ACCEPT_AGAIN_MS, on_accept_again);
}

/*
 * Who has more than a quarter above the mean lets others accept, but one connection in each pause
 * it takes all the same: the others may be stuck.
 */
static void stand_back(struct http_server *server)
{
    uint64_t own = server->connections.n, n_workers = tally_all(&server->all_accepting);

    if (own < FEW_CONNECTIONS || 4 * own * n_workers <= 5 * tally_all(&server->all_connections))
        return;
    set_accepting(server, false);
    timer_start(&server->accept_again, server->services->timers, STAND_BACK_MS, on_accept_again);
}

/* There are as many as may be. Under TLS nothing can be said before a handshake. */
static void turn_away(struct http_server *server, h2o_socket_t *sock)
{
    metric_add(server->services->metrics, METRIC_connections_turned_away, 1);
    if (server->library.accept.ssl_ctx != NULL ||
        connection_turn_away(&server->connections, sock) < 0)
        h2o_socket_close(sock);
}

/* One a turn, so that connections spread over the workers. */
static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct http_server *server = listener->data;
    h2o_socket_t *sock;

    if (err != NULL)
        return;
    sock = h2o_evloop_socket_accept(listener);
    if (sock == NULL) {
        rest(server, errno);
        return;
    }
    if (tally_all(&server->all_connections) >= server->services->conf->max_connections)
        turn_away(server, sock);
    else if (connection_open(&server->connections, sock) < 0)
        h2o_socket_close(sock);
    else
        h2o_accept(&server->library.accept, sock);
    stand_back(server);
}

static void set_accepting(struct http_server *server, bool accepting)
{
    for (size_t i = 0; i < server->n_listeners; i++) {
        if (accepting)
            h2o_socket_read_start(server->listeners[i], on_accept);
        else
            h2o_socket_read_stop(server->listeners[i]);
    }
}

static void close_listeners(struct http_server *server)
{
    timer_stop(&server->accept_again);
    if (server->n_listeners > 0)
        metric_add(server->services->metrics, METRIC_workers_accepting, -1);
    for (size_t i = 0; i < server->n_listeners; i++)
        h2o_socket_close(server->listeners[i]);
    server->n_listeners = 0;
}

static void on_look(struct timer *timer)
{
    struct http_server *server = H2O_STRUCT_FROM_MEMBER(struct http_server, look, timer);

    connections_find_departed(&server->connections);
    timer_start(&server->look, server->services->timers, LOOK_EVERY_MS, on_look);
}

/* ---- draining ---- */

static void on_emptied(struct timer *timer)
{
    struct http_server *server = H2O_STRUCT_FROM_MEMBER(struct http_server, emptied, timer);

    server->idle(server->idle_arg);
}

/* Not at once: libh2o is in the middle of closing. */
static void on_last_closed(struct connections *list)
{
    struct http_server *server = H2O_STRUCT_FROM_MEMBER(struct http_server, connections, list);

    if (server->draining)
        timer_start(&server->emptied, server->services->timers, 0, on_emptied);
}

static void on_half_drained(struct timer *timer)
{
    struct http_server *server = H2O_STRUCT_FROM_MEMBER(struct http_server, half_drained, timer);

    connections_shut_idle(&server->connections);
    timer_start(&server->half_drained, server->services->timers, LOOK_EVERY_MS, on_half_drained);
}

void http_server_drain(struct http_server *server, uint64_t drain_ms, void (*idle)(void *arg),
                       void *arg)
{
    if (server->draining)
        return;
    server->draining = true;
    server->idle = idle;
    server->idle_arg = arg;
    close_listeners(server);
    h2o_context_request_shutdown(&server->library.context);
    timer_start(&server->half_drained, server->services->timers, drain_ms / 2, on_half_drained);
    if (server->connections.n == 0)
        on_last_closed(&server->connections);
}

size_t http_server_n_connections(const struct http_server *server)
{
    return server->connections.n;
}

/* ---- birth and death ---- */

static void configure(struct http_server *server)
{
    const struct conf *conf = server->services->conf;
    h2o_pathconf_t *path =
        http_library_configure(&server->library, sealed_body_max(conf) + BODY_BAND);
    h2o_handler_t *handler;

    /* For who sends nothing at all; a body that stands still has its own time. */
    server->library.config.http2.idle_timeout = conf->idle_timeout > conf->body_timeout
                                                    ? conf->idle_timeout
                                                    : conf->body_timeout + conf->idle_timeout;
    h2o_socket_buffer_prototype.allocator.max = KEPT_BUFFERS;
    chunked_register(path);
    own_words_register(path, server->services->metrics, &server->services->lines);
    handler = h2o_create_handler(path, sizeof(struct handler));
    handler->on_req = on_req;
    H2O_STRUCT_FROM_MEMBER(struct handler, super, handler)->server = server;
}

static void count_connections(struct http_server *server)
{
    const struct services *s = server->services;
    const struct conf *conf = s->conf;

    server->connections = (struct connections){
        .limits = {
            .head_ms = conf->header_timeout,
            .body_ms = conf->body_timeout,
            .idle_ms = conf->idle_timeout,
            .send_ms = conf->send_timeout,
            .body_max = sealed_body_max(conf) + BODY_BAND - 1, /* libh2o never sees a larger one */
            .buffered_max = s->max_buffered,
        },
        .context = &server->library.context,
        .timers = s->timers,
        .metrics = s->metrics,
        .lines = &server->services->lines,
        .buffered = { .shm = s->shm, .own = s->metrics, .metric = METRIC_body_bytes_held },
        .emptied = on_last_closed,
    };
    server->all_connections =
        (struct tally){ .shm = s->shm, .own = s->metrics, .metric = METRIC_connections };
    server->all_accepting =
        (struct tally){ .shm = s->shm, .own = s->metrics, .metric = METRIC_workers_accepting };
}

int http_server_new(struct services *services, const int *listeners, size_t n_listeners,
                    struct http_server **server_r)
{
    struct http_server *server = calloc(1, sizeof(*server));
    int r = 0;

    if (server == NULL)
        return -ENOMEM;
    server->services = services;
    services->lines.metrics = services->metrics;
    count_connections(server);
    server->listeners = calloc(n_listeners, sizeof(*server->listeners));
    configure(server);
    http_library_start(&server->library, services->loop);
    if (services->tls != NULL)
        server->library.accept.ssl_ctx = tls_server_context(services->tls);
    if (server->listeners == NULL)
        r = -ENOMEM;
    for (size_t i = 0; r == 0 && i < n_listeners; i++) {
        r = http_library_listen(&server->library, listeners[i], server, &server->listeners[i]);
        server->n_listeners += r == 0;
    }
    if (server->n_listeners > 0)
        metric_add(services->metrics, METRIC_workers_accepting, 1);
    if (r < 0) {
        http_server_free(&server);
        return r;
    }
    set_accepting(server, true);
    timer_start(&server->look, services->timers, LOOK_EVERY_MS, on_look);
    *server_r = server;
    return 0;
}

void http_server_free(struct http_server **server)
{
    struct http_server *s = *server;

    if (s == NULL)
        return;
    *server = NULL;
    s->draining = false; /* nobody waits for idle() */
    timer_stop(&s->look);
    timer_stop(&s->half_drained);
    timer_stop(&s->emptied);
    close_listeners(s);
    if (!http_library_stop(&s->library, &s->connections))
        return;
    free(s->listeners);
    free(s);
}
