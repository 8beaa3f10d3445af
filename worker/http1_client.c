/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1.1 connection. Owns the socket, the parser and the timer; never the request's bytes,
 * which go to the kernel from where they lie. Reading goes on until the answer is complete or
 * breaks off, whatever becomes of the writing: an early answer is an answer.
 *
 * While paused nothing is read: what libh2o has read already stays in the socket's input, the rest
 * in the kernel, and the other side feels it.
 */
#include "worker/http1_client.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "worker/tls.h"

enum input_end { OPEN, FINISHED, BROKEN };
enum { CLOSE_WAIT = 8 }; /* TCP_CLOSE_WAIT; <netinet/tcp.h> and <linux/tcp.h> exclude each other */
enum { TLS_SLICE = 64 * 1024, FRESH_MS = 500 };

struct http1_client {
    const struct http1_client_means *means;
    h2o_socket_t *sock;
    uint64_t born_ms;
    /* the request under way */
    bool busy;
    struct http1_response *response; /* NULL before the first; then kept for the next */
    struct upstream_events events;
    void *arg;
    struct span rest[2]; /* of head and body, not yet given to libh2o */
    bool close_after;    /* the request said so */
    bool keep_alive;     /* the answer allows it */
    bool writing, write_failed;
    bool paused, was_reusable;
    enum input_end input_end;
    h2o_timeout_entry_t wake;
    struct timer timer;
    uint64_t due_ms; /* what the timer is for; UINT64_MAX: for nothing now */
    struct timer upload_timer;
    uint64_t upload_due_ms;
    uint64_t acked; /* bytes that the other side's kernel had when the timer last looked, if ever */
    uint64_t rests_since_ms;
    /* at rest */
    void (*gone)(void *arg);
    void *gone_arg;
};

int http1_client_new(const struct http1_client_means *means, h2o_socket_t *sock,
                     struct http1_client **client_r)
{
    struct http1_client *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        h2o_socket_close(sock);
        return -ENOMEM;
    }
    c->means = means;
    c->sock = sock;
    c->born_ms = clock_mono_ms();
    c->due_ms = UINT64_MAX;
    sock->data = c;
    *client_r = c;
    return 0;
}

void http1_client_free(struct http1_client **client)
{
    struct http1_client *c = *client;

    *client = NULL;
    if (c == NULL)
        return;
    timer_stop(&c->timer);
    timer_stop(&c->upload_timer);
    h2o_timeout_unlink(&c->wake);
    http1_response_free(&c->response);
    h2o_socket_close(c->sock);
    free(c);
}

/* All zero if the kernel does not say. */
static struct tcp_info tcp_state(const struct http1_client *c)
{
    struct tcp_info info = { 0 };
    socklen_t len = sizeof(info);

    if (getsockopt(h2o_socket_get_fd(c->sock), IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        info = (struct tcp_info){ 0 };
    return info;
}

/* ---- time ---- */

/*
 * Every request waits for something several times over, and mostly in vain: a timer is moved only
 * when it would be late, and looks up what it is for when it fires.
 */
static void wait_until(struct http1_client *c, struct timer *timer, uint64_t due_ms,
                       void (*fire)(struct timer *timer))
{
    uint64_t now_ms = clock_mono_ms();

    if (!timer_running(timer) || timer->due_ms > due_ms)
        timer_start(timer, c->means->timers, due_ms > now_ms ? due_ms - now_ms : 0, fire);
}

static void finish(struct http1_client *c, enum upstream_failure failure, const char *detail);
static void on_silence(struct http1_client *c);

static void on_due(struct timer *timer)
{
    struct http1_client *c = H2O_STRUCT_FROM_MEMBER(struct http1_client, timer, timer);

    if (c->due_ms == UINT64_MAX)
        return;
    if (clock_mono_ms() < c->due_ms)
        wait_until(c, timer, c->due_ms, on_due);
    else if (c->busy)
        on_silence(c);
    else
        c->gone(c->gone_arg);
}

static void wait_for(struct http1_client *c, uint64_t ms)
{
    c->due_ms = clock_mono_ms() + ms;
    wait_until(c, &c->timer, c->due_ms, on_due);
}

static void start_silence(struct http1_client *c)
{
    if (c->means->silence_ms > 0 && !c->paused)
        wait_for(c, c->means->silence_ms);
}

/*
 * libh2o tells us of a write only when the kernel has taken all of it, and then the kernel may be
 * at it for long. A slow upload that is still getting through is no silence, so the kernel is
 * asked: where the other side has acknowledged more, we count from the last byte that went out. The
 * first look has nothing to compare with and may find progress that is old: a peer that goes deaf
 * inside an upload has twice the time, at most.
 */
static void on_silence(struct http1_client *c)
{
    struct tcp_info tcp = tcp_state(c);

    if (tcp.tcpi_bytes_acked != c->acked && tcp.tcpi_last_data_sent < c->means->silence_ms) {
        c->acked = tcp.tcpi_bytes_acked;
        wait_for(c, c->means->silence_ms - tcp.tcpi_last_data_sent);
    } else {
        finish(c, UPSTREAM_SILENT, NULL);
    }
}

static void on_upload_over(struct timer *timer)
{
    struct http1_client *c = H2O_STRUCT_FROM_MEMBER(struct http1_client, upload_timer, timer);

    if (!c->busy || !c->writing || c->upload_due_ms == UINT64_MAX)
        return;
    if (clock_mono_ms() < c->upload_due_ms)
        wait_until(c, timer, c->upload_due_ms, on_upload_over);
    else
        finish(c, UPSTREAM_SILENT, "the upload took too long");
}

/* ---- the answer ---- */

static void finish(struct http1_client *c, enum upstream_failure failure, const char *detail)
{
    c->due_ms = UINT64_MAX;
    h2o_timeout_unlink(&c->wake);
    h2o_socket_read_stop(c->sock);
    c->was_reusable = failure == UPSTREAM_OK && c->keep_alive && !c->close_after && !c->writing &&
                      !c->write_failed && c->input_end == OPEN && c->sock->input->size == 0;
    c->busy = false;
    c->events.end(c->arg, failure, detail);
}

static int on_head(void *arg, const struct http1_head *head)
{
    struct http1_client *c = arg;
    int r;

    c->keep_alive = head->keep_alive;
    r = c->events.head(c->arg, head);
    return r < 0 ? r : c->paused ? HTTP1_STOP : 0;
}

static int on_body(void *arg, struct span bytes)
{
    struct http1_client *c = arg;
    int r = c->events.body(c->arg, bytes);

    return r < 0 ? r : c->paused ? HTTP1_STOP : 0;
}

/* The connection ended, and all that came was taken. */
static void on_input_end(struct http1_client *c)
{
    const char *refusal = c->sock->ssl != NULL ? tls_refusal(c->sock) : NULL;

    if (!http1_response_begun(c->response) && refusal != NULL)
        finish(c, UPSTREAM_TLS, refusal);
    else if (!http1_response_begun(c->response))
        finish(c, UPSTREAM_LOST, "the connection ended before an answer");
    else if (c->input_end == FINISHED && http1_response_eof(c->response) == 0)
        finish(c, UPSTREAM_OK, NULL);
    else
        finish(c, UPSTREAM_CUT, "the connection ended inside the answer");
}

/* Hands on what has been read, then looks how things stand. The last step of whoever calls it. */
static void take_input(struct http1_client *c)
{
    h2o_buffer_t *input = c->sock->input;
    size_t used = 0;
    int r = 0;

    if (input->size > 0) {
        r = http1_response_feed(c->response, span_of(input->bytes, input->size), &used);
        h2o_buffer_consume(&c->sock->input, used);
    }
    if (r < 0) {
        const char *why = http1_response_why(c->response);

        finish(c, UPSTREAM_BAD_ANSWER, why != NULL ? why : error_text(r));
    } else if (http1_response_complete(c->response)) {
        finish(c, UPSTREAM_OK, NULL);
    } else if (!c->paused && c->input_end != OPEN) {
        on_input_end(c);
    }
}

/*
 * How the input stands. TLS has a word of its own for the end, and a FIN alone may be an
 * attacker's. Without TLS: once a failed write has been told of a reset, reading reports the same
 * reset as an end in order, so only the state of the connection tells a FIN for certain.
 */
static enum input_end input_end(const struct http1_client *c, const char *err)
{
    if (c->sock->ssl != NULL && tls_ended(c->sock))
        return FINISHED;
    if (err == NULL)
        return OPEN;
    if (c->sock->ssl != NULL || err != h2o_socket_error_closed)
        return BROKEN;
    return tcp_state(c).tcpi_state == CLOSE_WAIT ? FINISHED : BROKEN;
}

static void on_read(h2o_socket_t *sock, const char *err)
{
    struct http1_client *c = sock->data;

    c->input_end = input_end(c, err);
    if (c->input_end != OPEN)
        h2o_socket_read_stop(sock);
    start_silence(c);
    take_input(c);
}

static void on_wake(h2o_timeout_entry_t *entry)
{
    struct http1_client *c = H2O_STRUCT_FROM_MEMBER(struct http1_client, wake, entry);

    if (c->input_end == OPEN)
        h2o_socket_read_start(c->sock, on_read);
    start_silence(c);
    take_input(c);
}

void http1_client_pause(struct http1_client *client)
{
    client->paused = true;
    client->due_ms = UINT64_MAX;
    h2o_timeout_unlink(&client->wake);
    h2o_socket_read_stop(client->sock);
}

/* What waits in the input is not handed on from within: the owner may be in the midst of things. */
void http1_client_resume(struct http1_client *client)
{
    if (!client->paused)
        return;
    client->paused = false;
    client->wake.cb = on_wake;
    h2o_timeout_link(client->means->loop, client->means->soon, &client->wake);
}

/* ---- the request ---- */

static void write_more(struct http1_client *c);

/* A failed write ends nothing: the answer may be there already, and reading will tell. */
static void on_written(h2o_socket_t *sock, const char *err)
{
    struct http1_client *c = sock->data;

    c->writing = false;
    c->write_failed = err != NULL;
    if (!c->busy || c->write_failed)
        return;
    start_silence(c);
    write_more(c);
}

/* In one piece, from where it lies; under TLS libh2o makes a copy, so a slice at a time. */
static void write_more(struct http1_client *c)
{
    size_t room = c->sock->ssl != NULL ? TLS_SLICE : SIZE_MAX, n = 0;
    h2o_iovec_t parts[2];

    for (size_t i = 0; i < 2; i++) {
        struct span part = span_part(c->rest[i], 0, room);

        if (part.len == 0)
            continue;
        parts[n++] = h2o_iovec_init(part.at, part.len);
        room -= part.len;
        c->rest[i] = span_from(c->rest[i], part.len);
    }
    c->writing = n > 0;
    if (n > 0)
        h2o_socket_write(c->sock, parts, n, on_written);
}

int http1_client_send(struct http1_client *client, const struct upstream_request *request,
                      const struct upstream_events *events, void *arg)
{
    static const struct http1_events parser_events = { on_head, on_body };
    struct http1_client *c = client;
    int r = 0;

    if (c->response != NULL)
        http1_response_reset(c->response, request->is_head);
    else
        r = http1_response_new(request->is_head, &parser_events, c, &c->response);
    if (r < 0)
        return r;
    c->busy = true;
    c->events = *events;
    c->arg = arg;
    c->close_after = request->close;
    c->keep_alive = c->paused = c->was_reusable = false;
    c->rest[0] = request->head;
    c->rest[1] = request->body;
    h2o_socket_read_start(c->sock, on_read);
    write_more(c);
    start_silence(c);
    c->upload_due_ms = request->upload_ms > 0 ? clock_mono_ms() + request->upload_ms : UINT64_MAX;
    if (request->upload_ms > 0)
        wait_until(c, &c->upload_timer, c->upload_due_ms, on_upload_over);
    return 0;
}

/* ---- between requests ---- */

bool http1_client_reusable(const struct http1_client *client)
{
    return client->was_reusable;
}

uint64_t http1_client_age_ms(const struct http1_client *client)
{
    return clock_mono_ms() - client->born_ms;
}

static void on_unasked(h2o_socket_t *sock, const char *err)
{
    struct http1_client *c = sock->data;

    if (input_end(c, err) != OPEN || sock->input->size > 0)
        c->gone(c->gone_arg);
}

void http1_client_rest(struct http1_client *client, uint64_t ms, void (*gone)(void *arg), void *arg)
{
    client->gone = gone;
    client->gone_arg = arg;
    client->rests_since_ms = clock_mono_ms();
    h2o_socket_read_start(client->sock, on_unasked);
    wait_for(client, ms);
}

/*
 * The loop may not have come round to tell us of an end, so the kernel is asked; not in a busy
 * pool, where servers that close what is idle have no cause to.
 */
static bool has_ended_unseen(const struct http1_client *c)
{
    uint8_t byte;

    if (clock_mono_ms() - c->rests_since_ms < FRESH_MS)
        return false;
    return recv(h2o_socket_get_fd(c->sock), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK);
}

bool http1_client_wake(struct http1_client *client)
{
    client->due_ms = UINT64_MAX;
    h2o_socket_read_stop(client->sock);
    return !has_ended_unseen(client);
}

bool http1_client_allowed(const struct http1_client *client, upstream_allow_cb allow, void *arg)
{
    struct sockaddr_storage address;

    if (allow == NULL)
        return true;
    return h2o_socket_getpeername(client->sock, (struct sockaddr *)&address) > 0 &&
           allow(arg, (const struct sockaddr *)&address);
}
