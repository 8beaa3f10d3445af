/* SPDX-License-Identifier: MIT */
/*
 * The one pipe. Owns its request's views, the state of its ops, the outward call and the door; all
 * of it lives in memory of libh2o's request and goes when libh2o disposes of that, which is also
 * how an application that left is noticed. Never looks into what it carries.
 */
#include "worker/exchange.h"

#include <stdarg.h>
#include <stdio.h>

#include <h2o.h>

#include "common/log.h"
#include "common/metric.h"
#include "worker/connection.h"
#include "worker/cors.h"
#include "worker/door.h"
#include "worker/source.h"

enum { CAUSE_LEN = 256 };

struct exchange {
    struct door door;
    h2o_req_t *req;
    struct services *services;
    struct connection *connection;
    const struct exchange_ops *ops;
    void *state; /* of ops; in the request's pool */
    struct exchange_request request;
    struct span id;
    char made_id[REQUEST_ID_MADE_LEN + 1];
    struct upstream_call *call;
    bool in_event; /* the call is speaking: it must not be cancelled now */
    bool unwanted; /* so it ends by what we return */
    bool paused;
    bool answered;               /* the answer has begun: it can only break off now */
    bool over;                   /* ended, once, whoever did it */
    enum upstream_side side;     /* of the call */
    struct exchange_report told; /* grows to the end */
};

/* ---- birth and death ---- */

/* What a request is until it is known: answered as it is, that is, refused. */
static const struct exchange_ops unknown_ops = {
    .name = "unknown",
    .answer_head = exchange_door_head,
    .answer_data = exchange_door_data,
    .answer_end = exchange_door_end,
};

static void on_room(struct door *door)
{
    struct exchange *x = H2O_STRUCT_FROM_MEMBER(struct exchange, door, door);

    if (!x->paused || x->call == NULL)
        return;
    x->paused = false;
    upstream_call_resume(x->call);
}

static void drop_call(struct exchange *x)
{
    stopwatch_call_drop(&x->told.watch);
    if (x->in_event)
        x->unwanted = true;
    else if (x->call != NULL)
        upstream_call_cancel(&x->call);
}

/* However it ends: from here on nobody but libh2o is listened to. */
static void end(struct exchange *x)
{
    x->over = true;
    drop_call(x);
}

static void blame(struct exchange *x, const char *why)
{
    if (x->told.why == NULL)
        x->told.why = why;
}

static void note_departure(struct exchange *x)
{
    if (!x->over) {
        log_debug("the application left kind=%s id=%.*s", x->ops->name, SPAN_PRINT(exchange_id(x)));
        blame(x, "client_gone");
    }
    end(x);
}

static void report(struct exchange *x)
{
    x->told.kind = x->ops->name;
    x->told.direction = x->ops->direction;
    x->told.complete = x->door.end == DOOR_COMPLETE;
    x->told.bytes_in = x->req->entity.len;
    x->told.bytes_out = x->door.n_sent;
    stopwatch_stop(&x->told.watch);
    exchange_report_take(&x->told, x, x->services);
}

static void on_dispose(void *arg)
{
    struct exchange *x = arg;

    note_departure(x);
    report(x);
    if (x->ops->fini != NULL)
        x->ops->fini(x);
    door_fini(&x->door);
    headers_fini(&x->request.fields);
    connection_end_request(x->connection, x->req->entity.len, x->door.end == DOOR_COMPLETE);
    metric_add(x->services->metrics, METRIC_requests_in_flight, -1);
}

struct exchange *exchange_new(struct st_h2o_req_t *req, struct services *services,
                              struct connection *connection, const struct http2_verdict **verdict_r)
{
    struct exchange *x = h2o_mem_alloc_shared(&req->pool, sizeof(*x), on_dispose);

    *x = (struct exchange){
        .req = req,
        .services = services,
        .connection = connection,
        .ops = &unknown_ops,
        .told.refusal = N_REFUSALS,
    };
    stopwatch_start(&x->told.watch);
    door_init(&x->door, req, on_room);
    headers_init(&x->request.fields);
    *verdict_r = connection_begin_request(connection, req, x);
    metric_add(services->metrics, METRIC_requests_in_flight, 1);
    return x;
}

void exchange_begin(struct exchange *x, const struct exchange_ops *ops)
{
    x->state = h2o_mem_alloc_pool(&x->req->pool, ops->state_len);
    memset(x->state, 0, ops->state_len);
    x->ops = ops;
    ops->begin(x);
}

void exchange_leave(struct exchange *x)
{
    note_departure(x);
    door_break(&x->door);
}

/* ---- what ops ask ---- */

void *exchange_state(struct exchange *x)
{
    return x->state;
}

struct stopwatch *exchange_stopwatch(struct exchange *x)
{
    return &x->told.watch;
}

struct services *exchange_services(struct exchange *x)
{
    return x->services;
}

struct exchange_request *exchange_request(struct exchange *x)
{
    return &x->request;
}

struct span exchange_id(struct exchange *x)
{
    const struct header *came = headers_find(&x->request.fields, SPAN("x-request-id"));

    if (x->id.len == 0 && came != NULL && request_id_ok(came->value))
        x->id = came->value;
    if (x->id.len == 0) {
        request_id_make(&x->services->request_ids, x->made_id);
        x->id = span_text(x->made_id);
    }
    return x->id;
}

struct span exchange_source(struct exchange *x)
{
    const struct span mapped = SPAN("::ffff:"); /* IPv4 on a dual-stack listener */
    char *text = h2o_mem_alloc_pool(&x->req->pool, NI_MAXHOST);
    struct sockaddr_storage address;
    socklen_t len = x->req->conn->callbacks->get_peername(x->req->conn, (void *)&address);
    size_t n = len > 0 ? h2o_socket_getnumerichost((void *)&address, len, text) : SIZE_MAX;
    struct span source = n != SIZE_MAX ? span_of(text, n) : SPAN_NONE;

    if (span_starts(source, mapped) && span_find(source, '.') < source.len)
        return span_from(source, mapped.len);
    return source;
}

bool exchange_find_connected(struct exchange *x, struct ip *ip_r)
{
    struct sockaddr_storage address;
    socklen_t len = x->req->conn->callbacks->get_peername(x->req->conn, (void *)&address);

    return len > 0 && ip_of_sockaddr((const struct sockaddr *)&address, ip_r);
}

bool exchange_came_by_proxy(struct exchange *x)
{
    struct ip peer;

    return exchange_find_connected(x, &peer) &&
           source_is_in(&x->services->conf->trusted_proxies, &peer);
}

bool exchange_find_source(struct exchange *x, struct ip *source_r)
{
    struct ip peer;

    return exchange_find_connected(x, &peer) &&
           source_find(&x->services->conf->trusted_proxies, &peer, &x->request.fields, source_r);
}

/* ---- the outward call ---- */

static const char *const whys[UPSTREAM_FAILURE_LAST_][N_UPSTREAM_SIDES] = {
#define WHY_ROW(failure, peer, upstream)                                                           \
    [failure] = { [UPSTREAM_SIDE_API] = upstream, [UPSTREAM_SIDE_PEER] = peer },
#include "worker/exchange_why_table.h"
#undef WHY_ROW
};

static int on_call_head(void *arg, const struct http1_head *head)
{
    struct exchange *x = arg;
    int r;

    stopwatch_call_event(&x->told.watch);
    x->in_event = true;
    r = x->ops->call_head(x, head);
    x->in_event = false;
    return x->unwanted ? ERR_CANCELLED : r;
}

static int on_call_body(void *arg, struct span bytes)
{
    struct exchange *x = arg;
    int r;

    stopwatch_call_event(&x->told.watch);
    x->in_event = true;
    r = x->ops->call_body(x, bytes);
    x->in_event = false;
    return x->unwanted ? ERR_CANCELLED : r;
}

static void fail_call(struct exchange *x, enum upstream_failure failure, const char *detail)
{
    blame(x, whys[failure][x->side]);
    x->ops->call_failed(x, failure, detail);
}

static void on_call_end(void *arg, enum upstream_failure failure, const char *detail)
{
    struct exchange *x = arg;
    int r;

    x->call = NULL;
    x->paused = false;
    if (x->over)
        return;
    if (failure != UPSTREAM_OK) {
        stopwatch_call_drop(&x->told.watch);
        fail_call(x, failure, detail);
        return;
    }
    stopwatch_call_end(&x->told.watch);
    r = x->ops->call_end(x);
    if (r < 0 && !x->over)
        fail_call(x, UPSTREAM_BAD_ANSWER, error_text(r));
}

static const struct upstream_events call_events = { on_call_head, on_call_body, on_call_end };

void exchange_call(struct exchange *x, const struct upstream_request *request)
{
    int r;

    if (x->over)
        return;
    x->unwanted = false;
    x->side = request->side;
    stopwatch_call(&x->told.watch,
                   x->side == UPSTREAM_SIDE_PEER ? TIME_OUTBOUND_PROXY : TIME_UPSTREAM_PROXY);
    r = upstream_call(x->services->upstream, request, &call_events, x, &x->call);
    if (r < 0)
        exchange_refuse(x, REFUSAL_OVERLOADED, "%s", error_text(r));
}

static void pause_call(struct exchange *x)
{
    if (x->paused || x->call == NULL || !door_is_full(&x->door))
        return;
    x->paused = true;
    upstream_call_pause(x->call);
}

/* ---- the answer ---- */

int exchange_answer_head(struct exchange *x, unsigned status, const struct headers *fields,
                         const uint64_t *content_length)
{
    if (x->over || x->answered)
        return ERR_MISUSE;
    x->answered = true;
    x->told.status = status;
    return x->ops->answer_head(x, status, fields, content_length);
}

int exchange_answer_data(struct exchange *x, struct span bytes)
{
    return x->over ? ERR_MISUSE : x->ops->answer_data(x, bytes);
}

int exchange_answer_end(struct exchange *x)
{
    return x->over ? ERR_MISUSE : x->ops->answer_end(x);
}

void exchange_goes_to(struct exchange *x, const struct url *peer)
{
    x->told.peer = peer;
}

void exchange_answers_error(struct exchange *x, unsigned status, const char *why)
{
    x->told.status = status;
    blame(x, why);
}

bool exchange_answered(const struct exchange *x)
{
    return x->answered;
}

/* What an application gets besides: HEADERS, and what CORS tells its browser. */
static int add_for_application(struct exchange *x, struct buffer *text, struct headers *fields)
{
    const struct conf *conf = x->services->conf;
    int r = 0;

    for (size_t i = 0; r == 0 && i < conf->headers.n; i++)
        r = headers_set(fields, conf->headers.items[i].name, conf->headers.items[i].value);
    if (r == 0)
        r = cors_answer(conf, x->request.method, &x->request.fields, text, fields);
    return r;
}

static bool adds_for_application(const struct exchange *x)
{
    const struct conf *conf = x->services->conf;

    return !x->ops->to_peer &&
           (conf->headers.n > 0 || cors_judge(conf, &x->request.fields) != CORS_NONE);
}

int exchange_door_head(struct exchange *x, unsigned status, const struct headers *fields,
                       const uint64_t *content_length)
{
    struct buffer text;
    struct headers all;
    int r = 0;

    if (x->told.status == 0)
        x->told.status = status;
    if (!adds_for_application(x))
        return door_head(&x->door, status, fields, content_length);
    headers_init(&all);
    buffer_init(&text, 0);
    for (size_t i = 0; r == 0 && i < fields->n; i++)
        r = headers_add(&all, fields->items[i].name, fields->items[i].value);
    if (r == 0)
        r = add_for_application(x, &text, &all);
    if (r == 0)
        r = door_head(&x->door, status, &all, content_length);
    buffer_fini(&text);
    headers_fini(&all);
    return r;
}

int exchange_door_data(struct exchange *x, struct span bytes)
{
    int r = door_data(&x->door, bytes);

    pause_call(x);
    return r;
}

struct buffer *exchange_door_buffer(struct exchange *x)
{
    return door_buffer(&x->door);
}

int exchange_door_filled(struct exchange *x)
{
    int r = door_filled(&x->door);

    pause_call(x);
    return r;
}

int exchange_door_end(struct exchange *x)
{
    int r = door_end(&x->door);

    if (r == 0)
        end(x);
    return r;
}

/* ---- ends ---- */

static void break_off(struct exchange *x, const char *cause)
{
    if (x->over)
        return;
    braked_log_broken_off(&x->services->lines, x->ops->name, exchange_id(x), cause);
    metric_add(x->services->metrics, METRIC_answers_aborted, 1);
    blame(x, "broken_off");
    end(x);
    door_break(&x->door);
}

static int answer_refusal(struct exchange *x, enum refusal refusal, struct span body)
{
    struct header items[5] = {
        { SPAN("content-type"), SPAN("application/problem+json") },
        { SPAN("cache-control"), SPAN("no-store") },
        { SPAN("x-mte-relay-error"), span_text(refusal_code(refusal)) },
        { SPAN("x-request-id"), exchange_id(x) },
        { SPAN("retry-after"), SPAN("1") },
    };
    struct headers fields = { .items = items, .n = refusal_status(refusal) == 503 ? 5 : 4 };
    uint64_t len = body.len;
    int r = exchange_answer_head(x, refusal_status(refusal), &fields, &len);

    if (r == 0 && !span_equal(x->request.method, SPAN("HEAD")))
        r = exchange_answer_data(x, body);
    return r == 0 ? exchange_answer_end(x) : r;
}

static void refuse(struct exchange *x, enum refusal refusal, const char *cause)
{
    struct buffer body;
    int r;

    braked_log_refusal(&x->services->lines, refusal, x->ops->name, exchange_id(x), cause);
    metric_add_refusal(x->services->metrics, refusal);
    x->told.refusal = refusal;
    drop_call(x);
    buffer_init(&body, 0);
    refusal_body(refusal, exchange_id(x), &body);
    r = buffer_error(&body);
    if (r == 0)
        r = answer_refusal(x, refusal, buffer_span(&body));
    if (r < 0)
        break_off(x, error_text(r));
    buffer_fini(&body);
}

void exchange_refuse(struct exchange *x, enum refusal refusal, const char *cause, ...)
{
    char text[CAUSE_LEN];
    va_list args;

    va_start(args, cause);
    vsnprintf(text, sizeof(text), cause, args);
    va_end(args);
    if (x->answered)
        break_off(x, text);
    else if (!x->over)
        refuse(x, refusal, text);
}

void exchange_abort(struct exchange *x, const char *cause, ...)
{
    char text[CAUSE_LEN];
    va_list args;

    va_start(args, cause);
    vsnprintf(text, sizeof(text), cause, args);
    va_end(args);
    break_off(x, text);
}
