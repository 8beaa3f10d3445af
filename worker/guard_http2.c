/* SPDX-License-Identifier: MIT */
/*
 * Frames wait here until they are whole, a header block with all its CONTINUATIONs, and are then
 * put into the socket's input for libh2o, less those that it need not see. What is in a block is
 * seen as libh2o decodes it: it calls h2o_hpack_parse_headers() through its PLT, too.
 */
#include "worker/guard_http2.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/text.h"
#include "worker/http2_budget.h"
#include "worker/http2_frames.h"
#include "worker/request.h"

enum {
    FIELDS_MAX = 4096,  /* of a block that is decoded, if only to refuse it */
    OWED_MAX = 4 << 20, /* bytes of credit kept from who goes on sending */
};

static const struct span preface = { (const uint8_t *)"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24 };

struct guard_http2 {
    struct guard *guard;
    bool begun;       /* the preface has come */
    struct buffer in; /* not whole yet */
    uint64_t in_since_ms;
    struct http2_streams streams;
    struct http2_budget budget;
    struct timer timer;
    size_t n_excused; /* stream errors under way that are no nuisance */
    size_t owed;      /* bytes of DATA that libh2o did not see, so gave no credit for */
    bool ended;       /* libh2o was made to say GOAWAY */
    bool *gone;       /* told when this goes, within libh2o */
};

/* ---- libh2o ---- */

/* Of all connections of this process; what is added in one delivery is this one's. */
static uint64_t n_stream_errors(const struct guard_http2 *g)
{
    uint64_t n = 0;

    for (size_t i = 0; i < H2O_HTTP2_ERROR_MAX; i++)
        n += g->guard->context->http2.events.protocol_level_errors[i];
    return n;
}

static void put_bytes(struct guard_http2 *g, struct span bytes)
{
    h2o_buffer_t **input = &g->guard->sock->input;
    h2o_iovec_t room = h2o_buffer_reserve(input, bytes.len);

    memcpy(room.base, bytes.at, bytes.len);
    (*input)->size += bytes.len;
}

/* One of our own. */
static void put_frame(struct guard_http2 *g, enum http2_type type, uint8_t flags,
                      uint32_t stream_id, uint8_t len)
{
    const struct http2_unit unit = { type, flags, stream_id, .payload_len = len };
    uint8_t frame[HTTP2_HEADER_LEN + UINT8_MAX];

    put_bytes(g, span_of(frame, http2_write_zeros(&unit, frame)));
}

/* Lets libh2o have what was put, or know that something came. False: all of this is gone. */
static bool deliver(struct guard_http2 *g)
{
    h2o_socket_t *sock = g->guard->sock;
    uint64_t n_errors = n_stream_errors(g);
    bool gone = false;

    sock->bytes_read = sock->input->size;
    g->gone = &gone;
    g->guard->read(sock, NULL);
    if (gone)
        return false;
    g->gone = NULL;
    n_errors = n_stream_errors(g) - n_errors;
    g->budget.n_resets += n_errors > g->n_excused ? n_errors - g->n_excused : 0;
    g->n_excused = 0;
    return true;
}

/* ---- ends ---- */

static void shut(const struct guard_http2 *g)
{
    (void)shutdown(h2o_socket_get_fd(g->guard->sock), SHUT_RDWR);
}

/* Has libh2o say GOAWAY, for a PRIORITY of that stream. False: all of this is gone. */
static bool end_by(struct guard_http2 *g, uint32_t stream_id)
{
    g->ended = true;
    timer_stop(&g->timer);
    buffer_clear(&g->in);
    if (!g->begun) {
        shut(g); /* who has not begun to speak HTTP/2 is told nothing in it */
        return true;
    }
    if (!deliver(g))
        return false;
    put_frame(g, HTTP2_PRIORITY, 0, stream_id, 5);
    return deliver(g);
}

/* libh2o says ENHANCE_YOUR_CALM to a PRIORITY of a stream that is not open: it is configured to
 * remember none, and no good one of a client gets that far. False: all of this is gone. */
static bool calm(struct guard_http2 *g, enum guard_nuisance nuisance, const char *why)
{
    g->guard->events->calmed(g->guard, nuisance, why);
    return end_by(g, INT32_MAX);
}

void guard_http2_say_goodbye(struct guard_http2 *http2)
{
    calm(http2, GUARD_IDLE, "nothing was asked for long");
}

/* ---- streams ---- */

/*
 * The request is handed over now, as if its body were complete, and is refused; where it announced
 * another length, libh2o resets the stream. False: all of this is gone.
 */
static bool refuse(struct guard_http2 *g, uint32_t stream_id, struct http2_verdict verdict)
{
    if (!deliver(g))
        return false;
    http2_streams_end_body(&g->streams, stream_id);
    http2_streams_refuse(&g->streams, stream_id, verdict);
    put_frame(g, HTTP2_DATA, HTTP2_END_STREAM, stream_id, 0);
    return deliver(g);
}

static uint32_t stream_id_of(h2o_req_t *req)
{
    h2o_iovec_t text = req->conn->callbacks->log_.http2.stream_id(req);
    uint64_t id = 0;

    return text_u64(span_of(text.base, text.len), INT32_MAX, &id) == 0 ? (uint32_t)id : 0;
}

const struct http2_verdict *guard_http2_begin_request(struct guard_http2 *http2,
                                                      struct st_h2o_req_t *req)
{
    uint32_t stream_id = stream_id_of(req);

    http2_streams_end_body(&http2->streams, stream_id);
    return http2_streams_verdict(&http2->streams, stream_id);
}

void guard_http2_count_answer(struct guard_http2 *http2)
{
    http2->budget.n_answered++;
}

size_t guard_http2_n_bodies(const struct guard_http2 *http2)
{
    return http2->streams.n_bodies;
}

uint64_t guard_http2_held(const struct guard_http2 *http2)
{
    return buffer_len(&http2->in) + http2_streams_held(&http2->streams);
}

/* ---- judging ---- */

enum judgement { PASS, DROP, GONE };

static const struct http2_verdict too_large = { .refusal = REFUSAL_BODY_TOO_LARGE,
                                                .why = "the body is too large" },
                                  no_room = { .refusal = REFUSAL_OVERLOADED,
                                              .why = "there is no room for the body" },
                                  trailers = { .refusal = REFUSAL_BAD_REQUEST,
                                               .why = "trailers of a request are not carried" },
                                  stands_still = { .abort = true,
                                                   .why = "no progress of the body" };

/* May a body take so many bytes more? NULL: yes. */
static const struct http2_verdict *judge_len(const struct guard_http2 *g, uint64_t len,
                                             uint64_t more)
{
    const struct http1_limits *limits = &g->guard->walk.limits;

    if (more > limits->body_max || len > limits->body_max - more)
        return &too_large;
    if (more > 0 && limits->body_room != NULL && more > limits->body_room(limits->arg))
        return &no_room;
    return NULL;
}

static enum judgement judge_data(struct guard_http2 *g, const struct http2_unit *unit)
{
    struct http2_body *body = http2_streams_body(&g->streams, unit->stream_id);
    const struct http2_verdict *verdict;

    if (body == NULL && http2_streams_verdict(&g->streams, unit->stream_id) != NULL) {
        /* It might end the stream before its answer has gone; much later it tells to stop. */
        if (g->owed <= OWED_MAX) {
            g->owed += unit->payload_len;
            return DROP;
        }
        g->n_excused++;
        return PASS;
    }
    if (body == NULL)
        return PASS; /* libh2o knows what is wrong */
    g->budget.n_small += unit->payload_len == 0 && (unit->flags & HTTP2_END_STREAM) == 0;
    verdict = judge_len(g, body->len, unit->payload_len);
    if (verdict == NULL) {
        body->len += unit->payload_len;
        body->since_ms = clock_mono_ms();
        g->guard->events->moved(g->guard); /* one read may bring megabytes */
        return PASS;
    }
    g->owed += unit->payload_len;
    return refuse(g, unit->stream_id, *verdict) ? DROP : GONE;
}

static enum judgement judge_headers(struct guard_http2 *g, const struct http2_unit *unit)
{
    size_t n_fields = http2_count_fields(buffer_span(&g->in), unit);
    struct http2_body *body = http2_streams_body(&g->streams, unit->stream_id);

    if (n_fields > FIELDS_MAX)
        return calm(g, GUARD_FLOOD, "a block of thousands of fields") ? DROP : GONE;
    if (body == NULL && (unit->flags & HTTP2_END_STREAM) == 0)
        http2_streams_begin_body(&g->streams, unit->stream_id, clock_mono_ms());
    return PASS;
}

static enum judgement judge_reset(struct guard_http2 *g, const struct http2_unit *unit)
{
    http2_streams_end_body(&g->streams, unit->stream_id);
    g->guard->events->moved(g->guard); /* what it held is free for those that follow */
    g->budget.n_resets++;
    return PASS;
}

static enum judgement judge(struct guard_http2 *g, const struct http2_unit *unit)
{
    switch (unit->type) {
    case HTTP2_DATA:
        return judge_data(g, unit);
    case HTTP2_HEADERS:
        return judge_headers(g, unit);
    case HTTP2_PRIORITY: /* which RFC 9113 5.3.2 gave up */
        g->budget.n_small++;
        return http2_priority_ok(buffer_span(&g->in), unit) ? DROP : PASS;
    case HTTP2_RST_STREAM:
        return judge_reset(g, unit);
    case HTTP2_SETTINGS:
    case HTTP2_PING:
        g->budget.n_small++;
        return PASS;
    default:
        if (unit->type < N_HTTP2_TYPES)
            return PASS;
        g->budget.n_small++;
        return DROP; /* libh2o would write about it to standard error */
    }
}

/* ---- the loop over what came ---- */

/* It is whole. False: all of this is gone, or not HTTP/2. */
static bool take_preface(struct guard_http2 *g)
{
    if (g->begun)
        return true;
    if (!span_starts(buffer_span(&g->in), preface)) {
        shut(g);
        return false;
    }
    put_bytes(g, preface);
    buffer_take(&g->in, preface.len);
    g->begun = true;
    return deliver(g);
}

static void note_progress(struct guard_http2 *g, uint32_t stream_id)
{
    struct http2_body *body = http2_streams_body(&g->streams, stream_id);

    if (body != NULL)
        body->since_ms = clock_mono_ms();
}

/* False: all of this is gone, or ended. */
static bool take_units(struct guard_http2 *g)
{
    enum http2_reading reading;
    enum judgement judgement;
    struct http2_unit unit;
    const char *nuisance;

    while ((reading = http2_read_unit(buffer_span(&g->in), &unit)) == HTTP2_WHOLE) {
        judgement = judge(g, &unit);
        if (judgement == GONE || g->ended)
            return false;
        if (judgement == PASS)
            put_bytes(g, span_part(buffer_span(&g->in), 0, unit.len));
        if (unit.open) { /* seen by the header of what interrupts it, for which libh2o may wait */
            end_by(g, 0);
            return false;
        }
        buffer_take(&g->in, unit.len);
        g->in_since_ms = clock_mono_ms();
        nuisance = http2_budget_exceeded(&g->budget, g->in_since_ms);
        if (nuisance != NULL) {
            calm(g, GUARD_FLOOD, nuisance);
            return false;
        }
    }
    if (reading == HTTP2_EXCESS) {
        calm(g, GUARD_FLOOD, "a block of fields without an end");
        return false;
    }
    if (buffer_len(&g->in) >= HTTP2_HEADER_LEN && unit.type == HTTP2_DATA)
        note_progress(g, unit.stream_id); /* by a part of a frame */
    return deliver(g);
}

/* Refuses what was found to be refused as it was decoded. False: all of this is gone. */
static bool refuse_marked(struct guard_http2 *g)
{
    for (size_t i = 0; i < g->streams.n_bodies;) {
        uint32_t stream_id = g->streams.bodies[i].stream_id;
        const struct http2_verdict *verdict = http2_streams_verdict(&g->streams, stream_id);

        if (verdict == NULL)
            i++;
        else if (!refuse(g, stream_id, *verdict))
            return false;
    }
    return true;
}

/* ---- what libh2o decodes ---- */

/* Before the body has come in. A length that is forgotten here is not missed by libh2o. */
static void on_head(struct guard_http2 *g, h2o_req_t *req, size_t *content_length)
{
    uint32_t stream_id = stream_id_of(req);
    const struct http2_verdict *verdict = NULL;
    struct http2_verdict bad_head = { 0 };

    if (http2_streams_body(&g->streams, stream_id) == NULL)
        return; /* all of it is there: its handler judges */
    if (!request_judge(req, &bad_head.refusal, &bad_head.why))
        verdict = &bad_head;
    else if (*content_length != SIZE_MAX)
        verdict = judge_len(g, 0, *content_length);
    if (verdict == NULL)
        return;
    http2_streams_refuse(&g->streams, stream_id, *verdict);
    *content_length = SIZE_MAX;
}

/* libh2o's types that have no public name are void here. */
int h2o_hpack_parse_headers(h2o_req_t *req, void *table, const uint8_t *src, size_t len,
                            int *pseudo_headers, size_t *content_length, void *digests,
                            const char **err_desc);

int h2o_hpack_parse_headers(h2o_req_t *req, void *table, const uint8_t *src, size_t len,
                            int *pseudo_headers, size_t *content_length, void *digests,
                            const char **err_desc)
{
    static int (*librarys)(h2o_req_t *, void *, const uint8_t *, size_t, int *, size_t *, void *,
                           const char **);
    struct guard *guard = guard_of(req->conn->callbacks->get_socket(req->conn));
    int r;

    if (librarys == NULL)
        *(void **)&librarys = dlsym(RTLD_NEXT, "h2o_hpack_parse_headers");
    r = librarys(req, table, src, len, pseudo_headers, content_length, digests, err_desc);
    if (r != 0 || guard == NULL || guard->http2 == NULL)
        return r;
    if (pseudo_headers == NULL)
        http2_streams_refuse(&guard->http2->streams, stream_id_of(req), trailers);
    else if (req->input.path.base != NULL && req->input.path.len == 0)
        *pseudo_headers = 0; /* a malformed request like one without :path (RFC 9113 8.3.1) */
    else
        on_head(guard->http2, req, content_length);
    return r;
}

/* ---- time ---- */

/* Is something begun that is no body, or a body's frame? */
static bool in_head(const struct guard_http2 *g)
{
    struct span in = buffer_span(&g->in);

    return !g->begun || (in.len > 0 && (in.len < 4 || in.at[3] != HTTP2_DATA));
}

static void on_time(struct timer *timer);

static void arm(struct guard_http2 *g)
{
    uint64_t now = clock_mono_ms(), due = UINT64_MAX;

    if (in_head(g))
        due = g->in_since_ms + g->guard->head_ms;
    for (size_t i = 0; i < g->streams.n_bodies; i++) {
        if (due > g->streams.bodies[i].since_ms + g->guard->body_ms)
            due = g->streams.bodies[i].since_ms + g->guard->body_ms;
    }
    if (due == UINT64_MAX || g->ended)
        timer_stop(&g->timer);
    else if (!timer_running(&g->timer) || g->timer.due_ms > due)
        timer_start(&g->timer, g->guard->timers, due > now ? due - now : 0, on_time);
}

static void on_time(struct timer *timer)
{
    struct guard_http2 *g = H2O_STRUCT_FROM_MEMBER(struct guard_http2, timer, timer);
    uint64_t now = clock_mono_ms();

    if (in_head(g) && now >= g->in_since_ms + g->guard->head_ms) {
        calm(g, GUARD_SLOW_HEAD, "a request head that does not end");
        return;
    }
    for (size_t i = 0; i < g->streams.n_bodies;) {
        if (now < g->streams.bodies[i].since_ms + g->guard->body_ms) {
            i++;
            continue;
        }
        g->guard->events->body_stood_still(g->guard);
        if (!refuse(g, g->streams.bodies[i].stream_id, stands_still))
            return;
    }
    g->guard->events->moved(g->guard);
    arm(g);
}

/* ---- from birth to death ---- */

static void take(struct guard_http2 *g)
{
    if (g->begun || buffer_len(&g->in) >= preface.len) {
        if (!take_preface(g) || !take_units(g) || !refuse_marked(g))
            return;
        g->guard->events->moved(g->guard);
    }
    arm(g);
}

void guard_http2_read(struct guard_http2 *g)
{
    h2o_socket_t *sock = g->guard->sock;

    if (buffer_len(&g->in) == 0)
        g->in_since_ms = clock_mono_ms();
    if (!g->ended)
        buffer_put(&g->in, span_of(sock->input->bytes, sock->input->size));
    h2o_buffer_consume(&sock->input, sock->input->size);
    if (buffer_error(&g->in) != 0)
        shut(g);
    else if (!g->ended)
        take(g);
}

int guard_http2_new(struct guard *guard, struct guard_http2 **http2_r)
{
    struct guard_http2 *g = calloc(1, sizeof(*g));

    if (g == NULL)
        return -ENOMEM;
    g->guard = guard;
    g->in_since_ms = clock_mono_ms();
    buffer_init(&g->in, 0);
    *http2_r = g;
    return 0;
}

void guard_http2_free(struct guard_http2 **http2)
{
    struct guard_http2 *g = *http2;

    if (g == NULL)
        return;
    timer_stop(&g->timer);
    buffer_fini(&g->in);
    if (g->gone != NULL)
        *g->gone = true;
    free(g);
    *http2 = NULL;
}
