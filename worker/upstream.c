/* SPDX-License-Identifier: MIT */
/*
 * Calls. Each waits for a slot of its origin, gets a kept connection or dials one, and has its
 * request carried. Decides what may be sent again: nothing that may have been executed, unless its
 * bytes are sealed and can be executed only once.
 */
#include "worker/upstream.h"

#include <errno.h>
#include <stdlib.h>

#include "worker/dial.h"
#include "worker/origin.h"

struct upstream {
    struct upstream_limits limits;
    h2o_timeout_t soon;
    struct origins origins;
    struct dial_means dial_means;
    struct http1_client_means client_means;
};

/* What it has: a place in the queue; a slot and a dial; a slot and a connection; nothing. */
enum call_state { WAITING, DIALING, CARRIED, REFUSED };

struct upstream_call {
    struct upstream *upstream;
    struct upstream_request request;
    struct upstream_events events;
    void *arg;
    enum call_state state;
    struct origin_wait wait;
    struct timer wait_timer;
    struct dial dial;
    struct http1_client *client;
    bool on_kept; /* the connection has carried a request before */
    bool again;   /* one has broken under this call already */
    bool paused;
    h2o_timeout_entry_t soon; /* to end from outside upstream_call() */
    enum upstream_failure refusal;
};

static const char *failure_text(enum upstream_failure failure)
{
    static const char *const texts[] = {
        [UPSTREAM_OK] = "no failure",
        [UPSTREAM_UNRESOLVED] = "the name has no address",
        [UPSTREAM_NOT_ALLOWED] = "its address is not allowed",
        [UPSTREAM_UNREACHABLE] = "no address took a connection",
        [UPSTREAM_CONNECT_TIMEOUT] = "connecting took too long",
        [UPSTREAM_TLS] = "no TLS connection",
        [UPSTREAM_OVERLOADED] = "connections and queue are full",
        [UPSTREAM_LOST] = "the connection ended before an answer",
        [UPSTREAM_SILENT] = "it was silent for too long",
        [UPSTREAM_BAD_ANSWER] = "the answer is malformed",
        [UPSTREAM_CUT] = "the connection ended inside the answer",
    };

    return texts[failure];
}

int upstream_new(struct st_h2o_evloop_t *loop, struct timers *timers,
                 const struct upstream_limits *limits, struct upstream **upstream_r)
{
    struct upstream *u = calloc(1, sizeof(*u));
    int r;

    if (u == NULL)
        return -ENOMEM;
    r = resolver_new(loop, &u->dial_means.resolver);
    if (r < 0) {
        free(u);
        return r;
    }
    u->limits = *limits;
    h2o_timeout_init(loop, &u->soon, 0);
    u->dial_means.loop = loop;
    u->dial_means.timers = timers;
    u->dial_means.connect_ms = limits->connect_ms;
    u->client_means = (struct http1_client_means){ loop, timers, &u->soon, limits->silence_ms };
    u->origins.loop = loop;
    u->origins.soon = &u->soon;
    u->origins.max_connections = limits->max_connections;
    u->origins.max_waiting = limits->max_waiting;
    u->origins.metrics = limits->metrics;
    origins_init(&u->origins);
    *upstream_r = u;
    return 0;
}

void upstream_set_tls(struct upstream *upstream, enum upstream_side side, struct tls_trust **trust)
{
    tls_trust_free(&upstream->origins.trust[side]);
    upstream->origins.trust[side] = *trust;
    *trust = NULL;
}

void upstream_free(struct upstream **upstream)
{
    struct upstream *u = *upstream;

    *upstream = NULL;
    if (u == NULL)
        return;
    origins_fini(&u->origins);
    resolver_free(&u->dial_means.resolver);
    h2o_timeout_dispose(u->dial_means.loop, &u->soon);
    free(u);
}

void upstream_drain(struct upstream *upstream)
{
    origins_drain(&upstream->origins);
}

/* The last step of whoever calls it. The slot has been given back. */
static void end(struct upstream_call *call, enum upstream_failure failure, const char *detail)
{
    struct upstream_events events = call->events;
    void *arg = call->arg;

    free(call);
    events.end(arg, failure, detail != NULL ? detail : failure_text(failure));
}

static void give_back(struct upstream_call *call)
{
    origin_give_back(call->wait.origin, &call->client);
}

/* Nothing went out this time. What went out on a connection that broke may have been executed. */
static void end_unsent(struct upstream_call *call, enum upstream_failure failure,
                       const char *detail)
{
    give_back(call);
    end(call, call->again ? UPSTREAM_LOST : failure, detail);
}

/* ---- in order of time ---- */

static void on_refused(h2o_timeout_entry_t *entry)
{
    struct upstream_call *call = H2O_STRUCT_FROM_MEMBER(struct upstream_call, soon, entry);

    end(call, call->refusal, NULL);
}

static void on_waited_too_long(struct timer *timer)
{
    struct upstream_call *call = H2O_STRUCT_FROM_MEMBER(struct upstream_call, wait_timer, timer);

    origin_leave(&call->wait);
    end(call, UPSTREAM_OVERLOADED, "no connection became free in time");
}

static void on_slot(struct origin_wait *wait, struct http1_client *kept);

int upstream_call(struct upstream *upstream, const struct upstream_request *request,
                  const struct upstream_events *events, void *arg, struct upstream_call **call_r)
{
    struct upstream_call *call = malloc(sizeof(*call));
    int r;

    if (call == NULL)
        return -ENOMEM;
    *call = (struct upstream_call){
        .upstream = upstream,
        .request = *request,
        .events = *events,
        .arg = arg,
        .wait = { .allow = request->allow, .allow_arg = request->allow_arg, .ready = on_slot },
    };
    r = origin_wait(&upstream->origins, request, &call->wait);
    if (r == -ENOMEM) {
        free(call);
        return r;
    }
    if (r < 0) {
        call->state = REFUSED;
        call->refusal = r == ERR_FULL ? UPSTREAM_OVERLOADED : UPSTREAM_TLS;
        call->soon.cb = on_refused;
        h2o_timeout_link(upstream->dial_means.loop, &upstream->soon, &call->soon);
    } else if (upstream->limits.connect_ms > 0 && !call->wait.at_once) {
        timer_start(&call->wait_timer, upstream->dial_means.timers, upstream->limits.connect_ms,
                    on_waited_too_long);
    }
    *call_r = call;
    return 0;
}

static void carry(struct upstream_call *call);
static void on_dialed(struct dial *dial, h2o_socket_t *sock, enum upstream_failure failure,
                      const char *detail);

static void dial(struct upstream_call *call)
{
    call->state = DIALING;
    call->on_kept = false;
    call->dial = (struct dial){
        .means = &call->upstream->dial_means,
        .target = { .host = origin_host(call->wait.origin),
                    .port = origin_port(call->wait.origin),
                    .tls = origin_tls(call->wait.origin),
                    .allow = call->request.allow,
                    .allow_arg = call->request.allow_arg },
        .done = on_dialed,
    };
    dial_start(&call->dial);
}

static void on_slot(struct origin_wait *wait, struct http1_client *kept)
{
    struct upstream_call *call = H2O_STRUCT_FROM_MEMBER(struct upstream_call, wait, wait);

    timer_stop(&call->wait_timer);
    call->client = kept;
    call->on_kept = kept != NULL;
    if (kept != NULL)
        carry(call);
    else
        dial(call);
}

static void on_dialed(struct dial *dial, h2o_socket_t *sock, enum upstream_failure failure,
                      const char *detail)
{
    struct upstream_call *call = H2O_STRUCT_FROM_MEMBER(struct upstream_call, dial, dial);
    int r = 0;

    if (sock != NULL) {
        r = http1_client_new(&call->upstream->client_means, sock, &call->client);
        if (r == 0) {
            carry(call);
            return;
        }
        failure = UPSTREAM_UNREACHABLE;
        detail = error_text(r);
    }
    end_unsent(call, failure, detail);
}

static int on_head(void *arg, const struct http1_head *head)
{
    struct upstream_call *call = arg;

    return call->events.head(call->arg, head);
}

static int on_body(void *arg, struct span bytes)
{
    struct upstream_call *call = arg;

    return call->events.body(call->arg, bytes);
}

/*
 * A kept connection that breaks before any byte of an answer was most likely closed by the other
 * side just as we wrote, but nobody can know. One that was closed before we wrote was never used
 * (origin.c looks), so with RESEND_IF_UNWRITTEN there is nothing left to do here.
 */
static bool may_send_again(const struct upstream_call *call, enum upstream_failure failure)
{
    return failure == UPSTREAM_LOST && call->on_kept &&
           call->request.resend == UPSTREAM_RESEND_SAME_BYTES;
}

static void on_end(void *arg, enum upstream_failure failure, const char *detail)
{
    struct upstream_call *call = arg;

    if (may_send_again(call, failure)) {
        http1_client_free(&call->client);
        call->again = true;
        dial(call);
        return;
    }
    give_back(call);
    end(call, failure, detail);
}

static void carry(struct upstream_call *call)
{
    static const struct upstream_events events = { on_head, on_body, on_end };
    int r = http1_client_send(call->client, &call->request, &events, call);

    call->state = CARRIED;
    if (r < 0) {
        http1_client_free(&call->client);
        end_unsent(call, UPSTREAM_UNREACHABLE, error_text(r));
    } else if (call->paused) {
        http1_client_pause(call->client);
    }
}

/* ---- the owner's wishes ---- */

void upstream_call_pause(struct upstream_call *call)
{
    call->paused = true;
    if (call->state == CARRIED)
        http1_client_pause(call->client);
}

void upstream_call_resume(struct upstream_call *call)
{
    call->paused = false;
    if (call->state == CARRIED)
        http1_client_resume(call->client);
}

void upstream_call_cancel(struct upstream_call **call)
{
    struct upstream_call *c = *call;

    *call = NULL;
    if (c == NULL)
        return;
    timer_stop(&c->wait_timer);
    switch (c->state) {
    case WAITING:
        origin_leave(&c->wait);
        break;
    case DIALING:
        dial_cancel(&c->dial);
        give_back(c);
        break;
    case CARRIED:
        http1_client_free(&c->client);
        give_back(c);
        break;
    case REFUSED:
        h2o_timeout_unlink(&c->soon);
        break;
    }
    free(c);
}
