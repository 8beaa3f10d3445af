/* SPDX-License-Identifier: MIT */
/*
 * A libh2o of its own, so that no way leads from here to the data port's handlers or back. What is
 * accepted here counts neither as a connection nor as a request of the relay: probes shall not use
 * up MAX_CONNECTIONS. Knows the relay by its settings and its shared memory only.
 */
#include "worker/admin.h"

#include <errno.h>
#include <stdlib.h>

#include "common/board_print.h"
#include "worker/connection.h"
#include "worker/door.h"
#include "worker/http_library.h"
#include "worker/refusal.h"
#include "worker/status.h"

enum {
    CONNECTIONS_MAX = 64, /* of a worker; more are closed */
    BODY_MAX = 16384,     /* nobody needs one */
    HEAD_MS = 2000,       /* a probe says at once what it wants */
    SEND_MS = 10000,
    ACCEPT_AGAIN_MS = 100,
    LEAVE_MS = 1000,
};

struct admin {
    struct services *services;
    struct http_library library;
    struct connections connections;
    struct metric_block uncounted; /* where they are counted, for nobody to read */
    struct braked_log lines;       /* who makes noise here does not silence the data port's */
    h2o_socket_t *listener;        /* NULL: closed */
    struct timer accept_again, emptied;
    void (*left)(void *arg);
    void *arg;
};

struct handler {
    h2o_handler_t super;
    struct admin *admin;
};

/* ---- what is answered ---- */

static unsigned write_health(const struct admin *admin, struct buffer *body)
{
    (void)admin;
    buffer_put_text(body, "{\"live\":true}\n");
    return 200;
}

/* Nothing is executed while Redis is away, by any worker. */
static bool lacks_redis(const struct services *s)
{
    return s->conf->redis_url.len > 0 && s->conf->redis_failure == CONF_FAILURE_STRICT &&
           (metric_sum(s->shm, METRIC_redis_up) == 0 || atomic_load(shm_redis_away(s->shm)) != 0);
}

/* Where a reason is there, the relay shall get no new requests. */
static unsigned write_readiness(const struct admin *admin, struct buffer *body)
{
    const struct services *s = admin->services;
    struct board_relay relay;
    const char *reasons[2] = { NULL };
    size_t n = 0;

    board_get_relay(s->shm, &relay);
    if (relay.stopping)
        reasons[n++] = "draining";
    else if (!relay.served)
        reasons[n++] = "starting";
    if (lacks_redis(s))
        reasons[n++] = "redis";
    buffer_printf(body, "{\"ready\":%s,\"reasons\":[", n == 0 ? "true" : "false");
    for (size_t i = 0; i < n; i++)
        buffer_printf(body, "%s\"%s\"", i > 0 ? "," : "", reasons[i]);
    buffer_printf(body, "],\"secret_strength\":\"%s\"}\n", board_secret_word(s->shm));
    return n == 0 ? 200 : 503;
}

static const char *code_of(unsigned refusal)
{
    return refusal < N_REFUSALS ? refusal_code((enum refusal)refusal) : NULL;
}

static unsigned write_metrics(const struct admin *admin, struct buffer *body)
{
    metric_print(admin->services->shm, code_of, body);
    return 200;
}

static unsigned write_status(const struct admin *admin, struct buffer *body)
{
    board_print(admin->services->shm, body);
    return 200;
}

static const struct page {
    const char *path, *type;
    unsigned (*write)(const struct admin *admin, struct buffer *body); /* the status */
} pages[] = {
    { "/healthz", "application/json", write_health },
    { "/readyz", "application/json", write_readiness },
    { "/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics },
    { "/status", "application/json", write_status },
};

static const struct page *find_page(struct span target)
{
    struct span path = span_part(target, 0, span_find(target, '?'));

    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        if (span_equal(path, span_text(pages[i].path)))
            return &pages[i];
    }
    return NULL;
}

static void write_problem(unsigned status, const char *detail, struct buffer *body)
{
    buffer_printf(body,
                  "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}\n",
                  status_reason(status), status, detail);
}

/* ---- a request ---- */

struct visit {
    struct door door;
    struct connection *connection;
    size_t body_len;
};

static void on_dispose(void *memory)
{
    struct visit *visit = memory;

    door_fini(&visit->door);
    connection_end_request(visit->connection, visit->body_len, visit->door.end == DOOR_COMPLETE);
}

static void on_room(struct door *door)
{
    (void)door; /* all of it was put in at once */
}

static void answer(struct visit *visit, unsigned status, const char *type, struct buffer *body)
{
    struct header items[] = { { SPAN("content-type"), span_text(type) },
                              { SPAN("cache-control"), SPAN("no-store") },
                              { SPAN("allow"), SPAN("GET, HEAD") } };
    struct headers fields = { items, status == 405 ? 3 : 2, 3 };
    uint64_t len = buffer_len(body);
    int r = buffer_error(body);

    if (r == 0)
        r = door_head(&visit->door, status, &fields, &len);
    if (r == 0)
        r = door_data(&visit->door, buffer_span(body));
    if (r == 0)
        r = door_end(&visit->door);
    if (r != 0)
        door_break(&visit->door);
}

static struct visit *begin_visit(h2o_req_t *req)
{
    struct visit *visit = h2o_mem_alloc_shared(&req->pool, sizeof(*visit), on_dispose);

    *visit = (struct visit){ .connection = connection_of(req), .body_len = req->entity.len };
    door_init(&visit->door, req, on_room);
    /* Over HTTP/2 alone there could be a verdict. */
    (void)connection_begin_request(visit->connection, req, NULL);
    req->http1_is_persistent = 0; /* nothing is kept that would end with this worker */
    return visit;
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    const struct admin *admin = H2O_STRUCT_FROM_MEMBER(struct handler, super, self)->admin;
    struct span method = span_of(req->input.method.base, req->input.method.len);
    const struct page *page = find_page(span_of(req->input.path.base, req->input.path.len));
    struct visit *visit = begin_visit(req);
    struct buffer body;
    unsigned status;

    buffer_init(&body, 0);
    if (page == NULL) {
        write_problem(404, "There are /healthz, /readyz, /metrics and /status.", &body);
        answer(visit, 404, REFUSAL_TYPE, &body);
    } else if (!span_equal(method, SPAN("GET")) && !span_equal(method, SPAN("HEAD"))) {
        write_problem(405, "Only GET and HEAD are answered here.", &body);
        answer(visit, 405, REFUSAL_TYPE, &body);
    } else {
        status = page->write(admin, &body);
        answer(visit, status, page->type, &body);
    }
    buffer_fini(&body);
    return 0;
}

/* ---- connections ---- */

static void on_accept(h2o_socket_t *listener, const char *err);

static void on_accept_again(struct timer *timer)
{
    struct admin *admin = H2O_STRUCT_FROM_MEMBER(struct admin, accept_again, timer);

    h2o_socket_read_start(admin->listener, on_accept);
}

/* One a turn. What cannot be accepted for want of descriptors stays in the queue for a while. */
static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct admin *admin = listener->data;
    h2o_socket_t *sock;

    if (err != NULL)
        return;
    sock = h2o_evloop_socket_accept(listener);
    if (sock == NULL) {
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
            return;
        h2o_socket_read_stop(listener);
        timer_start(&admin->accept_again, admin->services->timers, ACCEPT_AGAIN_MS,
                    on_accept_again);
    } else if (admin->connections.n >= CONNECTIONS_MAX ||
               connection_open(&admin->connections, sock) < 0) {
        h2o_socket_close(sock);
    } else {
        h2o_accept(&admin->library.accept, sock);
    }
}

void admin_stop_accepting(struct admin *admin)
{
    timer_stop(&admin->accept_again);
    if (admin->listener != NULL)
        h2o_socket_close(admin->listener);
    admin->listener = NULL;
}

static void on_emptied(struct timer *timer)
{
    struct admin *admin = H2O_STRUCT_FROM_MEMBER(struct admin, emptied, timer);

    admin->left(admin->arg);
}

/* Not at once: libh2o is in the middle of closing. */
static void on_last_closed(struct connections *list)
{
    struct admin *admin = H2O_STRUCT_FROM_MEMBER(struct admin, connections, list);

    if (admin->left != NULL)
        timer_start(&admin->emptied, admin->services->timers, 0, on_emptied);
}

void admin_leave(struct admin *admin, void (*left)(void *arg), void *arg)
{
    admin_stop_accepting(admin);
    admin->left = left;
    admin->arg = arg;
    timer_start(&admin->emptied, admin->services->timers, admin->connections.n == 0 ? 0 : LEAVE_MS,
                on_emptied);
}

/* ---- birth and death ---- */

static void configure(struct admin *admin)
{
    h2o_pathconf_t *path = http_library_configure(&admin->library, BODY_MAX);
    h2o_handler_t *handler = h2o_create_handler(path, sizeof(struct handler));

    admin->library.config.http1.upgrade_to_http2 = 0;
    handler->on_req = on_req;
    H2O_STRUCT_FROM_MEMBER(struct handler, super, handler)->admin = admin;
    admin->lines.metrics = &admin->uncounted;
    http_library_start(&admin->library, admin->services->loop);
    admin->connections = (struct connections){
        .limits = { .head_ms = HEAD_MS,
                    .body_ms = HEAD_MS,
                    .idle_ms = HEAD_MS,
                    .send_ms = SEND_MS,
                    .body_max = BODY_MAX - 1,
                    .buffered_max = CONNECTIONS_MAX * BODY_MAX,
                    .http1_only = true },
        .context = &admin->library.context,
        .timers = admin->services->timers,
        .metrics = &admin->uncounted,
        .lines = &admin->lines,
        .buffered = { .own = &admin->uncounted, .metric = METRIC_body_bytes_held },
        .emptied = on_last_closed,
    };
}

int admin_new(struct services *services, int listener, struct admin **admin_r)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    int r;

    if (admin == NULL)
        return -ENOMEM;
    admin->services = services;
    configure(admin);
    r = http_library_listen(&admin->library, listener, admin, &admin->listener);
    if (r < 0) {
        admin_free(&admin);
        return r;
    }
    h2o_socket_read_start(admin->listener, on_accept);
    *admin_r = admin;
    return 0;
}

void admin_free(struct admin **admin)
{
    struct admin *a = *admin;

    if (a == NULL)
        return;
    *admin = NULL;
    a->left = NULL;
    admin_stop_accepting(a);
    if (!http_library_stop(&a->library, &a->connections))
        return;
    timer_stop(&a->emptied);
    free(a);
}
