/* SPDX-License-Identifier: MIT */
/*
 * The connection. Owns the socket, the reader, what is to be written, and the lists of ops (never
 * the ops). What is sent in one turn of the loop leaves in one write at its end. Nothing is sent a
 * second time: who asked knows whether that is safe.
 *
 *   STOPPED --start--> DIALING --connected--> GREETING --greeted--> READY
 *      DIALING, GREETING, READY --failure--> RESTING --timer--> DIALING
 */
#include "worker/redis_link.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/jitter.h"
#include "worker/redis_outage.h"

enum { REST_MS = 100, REST_MAX_MS = 3200, STEADY_MS = 10 * 1000 };

enum state { STOPPED, RESTING, DIALING, GREETING, READY };

struct redis_link {
    const struct redis_means *means;
    const struct redis_link_events *events;
    void *arg;
    struct redis_node node;
    struct tls_host *tls; /* NULL: plain */
    struct redis_outage outage;
    enum state state;
    struct timer timer; /* RESTING, GREETING: its end; READY: the next ping */
    struct dial dial;
    h2o_socket_t *sock;
    struct resp_reader *reader;
    size_t n_greeting, n_greeted; /* replies */
    struct redis_server server;
    h2o_linklist_t sent, waiting;
    struct redis_op ping;
    struct buffer out, writing;
    bool is_writing;
    h2o_timeout_entry_t soon;
    unsigned n_rests;
    uint64_t ready_ms; /* since when, or when it last was; 0: it never was */
};

static struct redis_op *first_op(h2o_linklist_t *list)
{
    return H2O_STRUCT_FROM_MEMBER(struct redis_op, node, list->next);
}

/* ---- the end of a connection ---- */

static void disconnect(struct redis_link *link)
{
    timer_stop(&link->timer);
    h2o_timeout_unlink(&link->soon);
    dial_cancel(&link->dial);
    if (link->sock != NULL)
        h2o_socket_close(link->sock);
    link->sock = NULL;
    link->is_writing = false;
    resp_reader_free(&link->reader);
    buffer_fini(&link->out);
    buffer_fini(&link->writing);
    free(link->server.slots);
    link->server = (struct redis_server){ .slots = NULL };
}

static void answer(struct redis_link *link, struct redis_op *op, int result,
                   const struct resp_value *reply)
{
    timer_stop(&op->timer);
    h2o_linklist_unlink(&op->node);
    op->link = NULL;
    op->answered(op, link, result, reply);
}

static void answer_all(struct redis_link *link, int result)
{
    while (!h2o_linklist_is_empty(&link->sent))
        answer(link, first_op(&link->sent), result, NULL);
    while (!h2o_linklist_is_empty(&link->waiting))
        answer(link, first_op(&link->waiting), result, NULL);
}

static void on_rested(struct timer *timer);

/* The last step of whoever calls it. */
static void fail(struct redis_link *link, enum redis_failure failure, const char *detail)
{
    uint64_t rest_ms;

    if (link->state == READY && clock_mono_ms() - link->ready_ms >= STEADY_MS)
        link->n_rests = 0;
    disconnect(link);
    redis_outage_note(&link->outage, failure, detail);
    link->state = RESTING;
    rest_ms = (uint64_t)REST_MS << link->n_rests;
    if (rest_ms < REST_MAX_MS)
        link->n_rests++;
    timer_start(&link->timer, link->means->dial.timers, jittered(rest_ms), on_rested);
    answer_all(link, failure == REDIS_SILENT ? ERR_TIMEOUT : ERR_CLOSED);
    link->events->down(link->arg, link);
}

/* ---- writing ---- */

static void on_soon(h2o_timeout_entry_t *entry);

static void write_soon(struct redis_link *link)
{
    if (link->is_writing || h2o_timeout_is_linked(&link->soon))
        return;
    link->soon.cb = on_soon;
    h2o_timeout_link(link->means->dial.loop, link->means->soon, &link->soon);
}

static void on_written(h2o_socket_t *sock, const char *err)
{
    struct redis_link *link = sock->data;

    link->is_writing = false;
    buffer_clear(&link->writing);
    if (err != NULL)
        fail(link, REDIS_CLOSED, NULL);
    else if (buffer_len(&link->out) > 0)
        write_soon(link);
}

static void on_soon(h2o_timeout_entry_t *entry)
{
    struct redis_link *link = H2O_STRUCT_FROM_MEMBER(struct redis_link, soon, entry);
    struct buffer out = link->out;
    h2o_iovec_t part;

    if (buffer_error(&out) != 0) {
        fail(link, REDIS_NO_MEMORY, NULL);
        return;
    }
    link->out = link->writing;
    link->writing = out;
    part = h2o_iovec_init(out.at + out.start, buffer_len(&out));
    link->is_writing = true;
    h2o_socket_write(link->sock, &part, 1, on_written);
}

static void put_op(struct redis_link *link, struct redis_op *op)
{
    if (op->asking)
        resp_put_command(&link->out, (const struct span[]){ SPAN("ASKING") }, 1);
    buffer_put(&link->out, buffer_span(&op->bytes));
    h2o_linklist_insert(&link->sent, &op->node);
    write_soon(link);
}

/* What is behind a late answer would be late, too: the connection goes. */
static void on_late(struct timer *timer)
{
    struct redis_op *op = H2O_STRUCT_FROM_MEMBER(struct redis_op, timer, timer);

    if (op->link->state == READY)
        fail(op->link, REDIS_SILENT, NULL);
    else
        answer(op->link, op, ERR_TIMEOUT, NULL);
}

void redis_link_send(struct redis_link *link, struct redis_op *op)
{
    uint64_t now_ms = clock_mono_ms();

    assert(redis_link_takes(link) && op->link == NULL);
    op->link = link;
    timer_start(&op->timer, link->means->dial.timers, op->due_ms > now_ms ? op->due_ms - now_ms : 1,
                on_late);
    if (link->state == READY)
        put_op(link, op);
    else
        h2o_linklist_insert(&link->waiting, &op->node);
}

/* ---- ready ---- */

static void on_pong(struct redis_op *op, struct redis_link *link, int result,
                    const struct resp_value *reply)
{
    (void)op;
    (void)link;
    (void)result;
    (void)reply;
}

/* A server that has gone without a word must not be found out by those who need it. */
static void on_quiet(struct timer *timer)
{
    struct redis_link *link = H2O_STRUCT_FROM_MEMBER(struct redis_link, timer, timer);

    timer_start(timer, link->means->dial.timers, link->means->ping_ms, on_quiet);
    if (!h2o_linklist_is_empty(&link->sent))
        return;
    link->ping.due_ms = clock_mono_ms() + link->means->answer_ms;
    redis_link_send(link, &link->ping);
}

static void become_ready(struct redis_link *link)
{
    bool again = link->ready_ms != 0;

    link->state = READY;
    link->ready_ms = clock_mono_ms();
    redis_outage_end(&link->outage, &link->server);
    while (!h2o_linklist_is_empty(&link->waiting)) {
        struct redis_op *op = first_op(&link->waiting);

        h2o_linklist_unlink(&op->node);
        put_op(link, op);
    }
    timer_start(&link->timer, link->means->dial.timers, link->means->ping_ms, on_quiet);
    link->events->up(link->arg, link, again);
}

/* ---- reading ---- */

static void take_greeting(struct redis_link *link, const struct resp_value *reply)
{
    enum redis_failure failure = redis_greeting_read(link->means->url, link->n_greeted++, reply,
                                                     link->node.host, &link->server);

    if (failure == REDIS_OK && link->n_greeted < link->n_greeting)
        return;
    if (failure == REDIS_OK)
        failure = redis_greeting_judge(&link->server);
    if (failure == REDIS_OK)
        become_ready(link);
    else
        fail(link, failure, NULL);
}

static void take_reply(struct redis_link *link, const struct resp_value *reply)
{
    h2o_socket_t *sock = link->sock;
    enum redis_failure failure = REDIS_OK;
    struct redis_op *op = first_op(&link->sent);

    if (h2o_linklist_is_empty(&link->sent)) {
        fail(link, REDIS_NOT_REDIS, "a reply that nobody asked for");
        return;
    }
    if (op->asking) { /* that was the answer to ASKING */
        op->asking = false;
        return;
    }
    if (resp_kind(reply) == RESP_ERROR)
        failure = redis_error_of(resp_text(reply)).failure;
    answer(link, op, 0, reply);
    if (failure != REDIS_OK && link->sock == sock)
        fail(link, failure, NULL);
}

static void on_closed(struct redis_link *link)
{
    const char *refusal = link->sock->ssl != NULL ? tls_refusal(link->sock) : NULL;

    if (refusal != NULL)
        fail(link, REDIS_TLS, refusal);
    else if (link->state == GREETING && link->n_greeted == 0 && link->tls == NULL)
        fail(link, REDIS_CLOSED_AT_ONCE, NULL);
    else
        fail(link, REDIS_CLOSED, NULL);
}

static void on_read(h2o_socket_t *sock, const char *err)
{
    struct redis_link *link = sock->data;
    struct resp_value *reply;
    int r;

    if (err != NULL) {
        on_closed(link);
        return;
    }
    r = resp_feed(link->reader, span_of(sock->input->bytes, sock->input->size));
    h2o_buffer_consume(&sock->input, sock->input->size);
    while (r == 0 && link->sock == sock) {
        r = resp_next(link->reader, &reply);
        if (r < 0 || reply == NULL)
            break;
        if (link->state == GREETING)
            take_greeting(link, reply);
        else
            take_reply(link, reply);
        resp_value_free(&reply);
    }
    if (r < 0 && link->sock == sock)
        fail(link, r == -ENOMEM ? REDIS_NO_MEMORY : REDIS_NOT_REDIS, NULL);
}

/* ---- connecting ---- */

static void on_no_greeting(struct timer *timer)
{
    fail(H2O_STRUCT_FROM_MEMBER(struct redis_link, timer, timer), REDIS_SILENT, NULL);
}

static void greet(struct redis_link *link, h2o_socket_t *sock)
{
    link->sock = sock;
    sock->data = link;
    link->state = GREETING;
    link->n_greeted = 0;
    if (resp_reader_new(&link->reader) < 0) {
        fail(link, REDIS_NO_MEMORY, NULL);
        return;
    }
    link->n_greeting = redis_greeting_put(&link->out, link->means->url);
    timer_start(&link->timer, link->means->dial.timers, link->means->answer_ms, on_no_greeting);
    h2o_socket_read_start(sock, on_read);
    write_soon(link);
}

static void on_dialed(struct dial *dial, h2o_socket_t *sock, enum upstream_failure failure,
                      const char *detail)
{
    struct redis_link *link = H2O_STRUCT_FROM_MEMBER(struct redis_link, dial, dial);

    switch (failure) {
    case UPSTREAM_OK:
        greet(link, sock);
        break;
    case UPSTREAM_UNRESOLVED:
        fail(link, REDIS_UNRESOLVED, detail);
        break;
    case UPSTREAM_CONNECT_TIMEOUT:
        fail(link, link->tls != NULL ? REDIS_TLS_TIMEOUT : REDIS_CONNECT_TIMEOUT, NULL);
        break;
    case UPSTREAM_TLS:
        fail(link, REDIS_TLS, detail);
        break;
    default:
        fail(link, REDIS_UNREACHABLE, detail);
    }
}

/* A unix socket takes a connection at once or not at all. */
static void dial_path(struct redis_link *link)
{
    struct span path = link->means->url->path;
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

    memcpy(to.sun_path, path.at, path.len); /* it is at most REDIS_URL_PATH_MAX long */
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0) {
        greet(link, h2o_evloop_socket_create(link->means->dial.loop, fd, 0));
        return;
    }
    error = -errno;
    if (fd >= 0)
        close(fd);
    fail(link, REDIS_UNREACHABLE, error_text(error));
}

static void on_rested(struct timer *timer)
{
    struct redis_link *link = H2O_STRUCT_FROM_MEMBER(struct redis_link, timer, timer);

    link->state = DIALING;
    if (link->means->url->path.len > 0 && link->node.port == 0) {
        dial_path(link);
        return;
    }
    link->dial = (struct dial){
        .means = &link->means->dial,
        .target = { .host = link->node.host, .port = link->node.port, .tls = link->tls },
        .done = on_dialed,
    };
    dial_start(&link->dial);
}

/* Connecting can fail at once, so it begins from the loop. */
void redis_link_start(struct redis_link *link)
{
    if (link->state != STOPPED)
        return;
    link->state = DIALING;
    timer_start(&link->timer, link->means->dial.timers, 0, on_rested);
}

void redis_link_stop(struct redis_link *link)
{
    assert(redis_link_is_idle(link));
    disconnect(link);
    answer_all(link, ERR_CANCELLED); /* of our own ping */
    link->state = STOPPED;
    link->n_rests = 0;
    link->outage.since_ms = 0;
    link->outage.said = 0;
}

/* ---- birth and death ---- */

static void note_place(struct redis_link *link)
{
    struct buffer b = buffer_over(link->outage.place, REDIS_PLACE_MAX - 1);
    struct redis_url at = *link->means->url;

    if (link->node.port > 0)
        at = (struct redis_url){ .host = span_text(link->node.host), .port = link->node.port };
    redis_url_put_place(&b, &at);
}

int redis_link_new(const struct redis_means *means, const struct redis_node *node,
                   const struct redis_link_events *events, void *arg, struct redis_link **link_r)
{
    struct redis_link *link = calloc(1, sizeof(*link));
    int r = 0;

    if (link == NULL)
        return -ENOMEM;
    link->means = means;
    link->events = events;
    link->arg = arg;
    link->node = *node;
    h2o_linklist_init_anchor(&link->sent);
    h2o_linklist_init_anchor(&link->waiting);
    buffer_init_secret(&link->out, 0);
    buffer_init_secret(&link->writing, 0);
    buffer_init(&link->ping.bytes, 0);
    note_place(link);
    link->ping.answered = on_pong;
    resp_put_command(&link->ping.bytes, (const struct span[]){ SPAN("PING") }, 1);
    r = buffer_error(&link->ping.bytes);
    if (r == 0 && means->url->tls)
        r = tls_host_new(means->trust, node->host, TLS_NO_PROTOCOL, &link->tls);
    if (r < 0)
        redis_link_free(&link);
    else
        *link_r = link;
    return r;
}

void redis_link_free(struct redis_link **link)
{
    struct redis_link *l = *link;

    *link = NULL;
    if (l == NULL)
        return;
    disconnect(l);
    l->state = STOPPED;
    answer_all(l, ERR_CANCELLED);
    tls_host_free(&l->tls);
    buffer_fini(&l->ping.bytes);
    free(l);
}

bool redis_link_takes(const struct redis_link *link)
{
    return link->state == DIALING || link->state == GREETING || link->state == READY;
}

bool redis_link_is_idle(const struct redis_link *link)
{
    const h2o_linklist_t *sent = &link->sent;

    return link->waiting.next == &link->waiting &&
           (sent->next == sent || (sent->next == &link->ping.node && sent->prev == sent->next));
}

const struct redis_node *redis_link_node(const struct redis_link *link)
{
    return &link->node;
}

const struct redis_server *redis_link_server(const struct redis_link *link)
{
    return link->state == READY ? &link->server : NULL;
}
