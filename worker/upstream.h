/* SPDX-License-Identifier: MIT */
/*
 * Requests that leave this worker, to UPSTREAM or to a peer relay: one interface over the pools of
 * connections. A call is one request and its answer; it ends exactly once, with end() or by being
 * cancelled. No callback comes from within upstream_call() itself.
 */
#ifndef WORKER_UPSTREAM_H
#define WORKER_UPSTREAM_H

#include "common/url.h"
#include "worker/http1_response.h"

struct metric_block;
struct st_h2o_evloop_t; /* h2o_loop_t */

/* Why a call failed. */
enum upstream_failure {
    UPSTREAM_OK = 0,
    UPSTREAM_UNRESOLVED,  /* the name has no address */
    UPSTREAM_NOT_ALLOWED, /* every address is refused by the policy */
    UPSTREAM_UNREACHABLE, /* no address took a connection */
    UPSTREAM_CONNECT_TIMEOUT,
    UPSTREAM_TLS,        /* handshake or certificate */
    UPSTREAM_OVERLOADED, /* connections and queue are full */
    UPSTREAM_LOST,       /* broke before the first byte of an answer, the request may have run */
    UPSTREAM_SILENT,     /* no byte for UPSTREAM_TIMEOUT */
    UPSTREAM_BAD_ANSWER, /* not HTTP as it should be */
    UPSTREAM_CUT,        /* broke off inside the answer */
    UPSTREAM_FAILURE_LAST_
};

/* Two kinds of other sides, each with its own CAs and our certificate for it; https only. */
enum upstream_side { UPSTREAM_SIDE_API, UPSTREAM_SIDE_PEER, N_UPSTREAM_SIDES };

/* May an address be connected to? Asked for every resolved address before connecting. */
struct sockaddr;
typedef bool (*upstream_allow_cb)(void *arg, const struct sockaddr *address);

struct upstream_limits {
    uint64_t connect_ms;      /* CONNECT_TIMEOUT: for each address, and in the queue; 0 = none */
    uint64_t silence_ms;      /* UPSTREAM_TIMEOUT, from the last byte either way; 0 = none */
    uint64_t max_connections; /* per origin */
    uint64_t max_waiting;     /* calls in the queue per origin */
    struct metric_block *metrics; /* NULL: nothing is counted */
};

/* What to do when a kept connection breaks before any byte of an answer. */
enum upstream_resend {
    UPSTREAM_RESEND_IF_UNWRITTEN, /* again on a fresh one only if not one byte was written */
    UPSTREAM_RESEND_SAME_BYTES,   /* again on a fresh one, once: sealed messages */
};

struct upstream_request {
    struct url url;   /* origin; the path is not used. host is copied */
    struct span head; /* request line and fields with the empty line, ready to send */
    struct span body; /* all of it */
    bool is_head;     /* the method is HEAD: the answer has no body */
    bool close;       /* do not keep the connection */
    enum upstream_resend resend;
    uint64_t upload_ms; /* SILENT where not all was written by then; 0: as long as it goes on */
    enum upstream_side side;
    upstream_allow_cb allow; /* NULL: any address */
    void *allow_arg;
}; /* head and body stay the caller's and in place until the call ended */

struct upstream_events {
    int (*head)(void *arg, const struct http1_head *head); /* negative: the call fails BAD_ANSWER */
    int (*body)(void *arg, struct span bytes);
    /* The last event; the call is gone. detail: a phrase for the log, never NULL. */
    void (*end)(void *arg, enum upstream_failure failure, const char *detail);
};

struct upstream;
struct upstream_call;
struct timers;
struct tls_trust;

MUST_CHECK int upstream_new(struct st_h2o_evloop_t *loop, struct timers *timers,
                            const struct upstream_limits *limits, struct upstream **upstream_r);
/*
 * Whom to trust and what to show towards that side, before its first call; without it, the system's
 * store and nothing. Takes *trust and leaves NULL.
 */
void upstream_set_tls(struct upstream *upstream, enum upstream_side side, struct tls_trust **trust);
/* All calls must have ended. Closes kept connections. */
void upstream_free(struct upstream **upstream);
/* Draining: connections are no longer kept after use. */
void upstream_drain(struct upstream *upstream);

/* -ENOMEM only; every other failure comes through end(). */
MUST_CHECK int upstream_call(struct upstream *upstream, const struct upstream_request *request,
                             const struct upstream_events *events, void *arg,
                             struct upstream_call **call_r);
/*
 * Stops head() and body() (and the silence timer) until resumed; end() may still come. Callable
 * from within them. Resuming never brings an event from within.
 */
void upstream_call_pause(struct upstream_call *call);
void upstream_call_resume(struct upstream_call *call);
/* No event comes any more; its connection is closed. Sets *call to NULL. Not from within events. */
void upstream_call_cancel(struct upstream_call **call);

#endif
