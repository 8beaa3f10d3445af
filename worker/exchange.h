/* SPDX-License-Identifier: MIT */
/*
 * The one pipe: the life of a relayed request. The body comes in whole, is transformed, goes out as
 * an outward call; its answer is transformed and streamed back with back-pressure. Three thin
 * struct exchange_ops say what the transforms are:
 *
 *                  request                answer, from outward call      answer, to the door
 *   outbound       seal                   open                           as it is
 *   inbound        open, claim            as it is                       seal
 *   plain          as it is               as it is                       as it is
 *
 * An exchange ends exactly once, whoever ends it: the answer's end, a refusal, an abort, or the
 * application that left. Its memory goes with the libh2o request.
 */
#ifndef WORKER_EXCHANGE_H
#define WORKER_EXCHANGE_H

#include "worker/exchange_report.h"
#include "worker/headers.h"
#include "worker/refusal.h"
#include "worker/services.h"

struct exchange;

/* The request as the application or the opened message has it. */
struct exchange_request {
    struct span method, scheme, authority, path; /* path with query, as it came */
    struct headers fields;                       /* without framing and Host */
    struct span body;
};

struct exchange_ops {
    const char *name; /* for the log: "outbound" */
    enum direction direction;
    /* The door leads to a relay: HEADERS and CORS, which are for applications, do not act. */
    bool to_peer;
    size_t state_len; /* bytes of exchange_state(), zeroed at birth */
    /* Leads to exchange_call(), exchange_refuse() or an answer, now or later. */
    void (*begin)(struct exchange *x);
    /* What the outward call brings. Negative: the answer is not valid. */
    int (*call_head)(struct exchange *x, const struct http1_head *head);
    int (*call_body)(struct exchange *x, struct span bytes);
    int (*call_end)(struct exchange *x); /* complete */
    /* It failed; nothing or only part came. Ends in exchange_refuse(), exchange_abort() or a new
     * call. */
    void (*call_failed)(struct exchange *x, enum upstream_failure failure, const char *detail);
    /* The answer towards the door: ends in exchange_door_*(). */
    int (*answer_head)(struct exchange *x, unsigned status, const struct headers *fields,
                       const uint64_t *content_length);
    int (*answer_data)(struct exchange *x, struct span bytes);
    int (*answer_end)(struct exchange *x);
    /* Gives back what the state holds; the call is already gone. Exactly once. May be NULL. */
    void (*fini)(struct exchange *x);
};

/* ---- for the handler; h2o_req_t is libh2o's ---- */
struct st_h2o_req_t;
struct connection;
struct http2_verdict;
/*
 * Takes over a request; its memory is libh2o's and goes with it. Until exchange_begin() says what
 * the request is, it can only be refused; where *verdict_r is not NULL, it must be.
 */
struct exchange *exchange_new(struct st_h2o_req_t *req, struct services *services,
                              struct connection *connection,
                              const struct http2_verdict **verdict_r);
void exchange_begin(struct exchange *x, const struct exchange_ops *ops);
/* The application has gone and libh2o does not know: cancels everything. */
void exchange_leave(struct exchange *x);

/* ---- for ops ---- */
void *exchange_state(struct exchange *x);
struct services *exchange_services(struct exchange *x);
/* As it came; inbound puts in its place what it opened. */
struct exchange_request *exchange_request(struct exchange *x);
/* x-request-id: the request's, if it is well-formed, or made here at the first asking. */
struct span exchange_id(struct exchange *x);
/* Numeric address of who opened the connection; empty where it is not known. */
struct span exchange_source(struct exchange *x);
/* The same as a number; false where it is not known. */
bool exchange_find_connected(struct exchange *x, struct ip *ip_r);
/* Did it come by one of TRUSTED_PROXIES? */
bool exchange_came_by_proxy(struct exchange *x);
/* Who sent it, as far as TRUSTED_PROXIES can tell; false where that is not known. */
bool exchange_find_source(struct exchange *x, struct ip *source_r);

/* Its times. Mark after waiting, lap after work. */
struct stopwatch *exchange_stopwatch(struct exchange *x);

/* For the report: where it goes; the exchange's ops keep that until fini(). */
void exchange_goes_to(struct exchange *x, const struct url *peer);
/* For the report: what an answer that is not HTTP says by its own means. */
void exchange_answers_error(struct exchange *x, unsigned status, const char *why);

/*
 * Starts the outward call; an earlier one must have ended. Its time begins at the stopwatch's mark.
 * Refuses by itself when out of memory.
 */
void exchange_call(struct exchange *x, const struct upstream_request *request);

/*
 * The answer, from a call or made here (echo, refusals): through ops->answer_*(). All bytes are
 * copied; while the door is slow the call is paused. content_length NULL: not known. What the
 * functions return that is not 0, the op returns too: the call then fails as BAD_ANSWER.
 */
int exchange_answer_head(struct exchange *x, unsigned status, const struct headers *fields,
                         const uint64_t *content_length);
int exchange_answer_data(struct exchange *x, struct span bytes);
int exchange_answer_end(struct exchange *x);
bool exchange_answered(const struct exchange *x); /* has the head gone out? */

/*
 * The bottom of answer_*(): what goes to libh2o, a moment later and joined; the exchange never goes
 * from within these. An answer to HEAD, a 204 and a 304 have no body: its data is dropped. More or
 * less data than content_length says is ERR_FORMAT.
 */
int exchange_door_head(struct exchange *x, unsigned status, const struct headers *fields,
                       const uint64_t *content_length);
int exchange_door_data(struct exchange *x, struct span bytes);
int exchange_door_end(struct exchange *x);
/* Instead of exchange_door_data(), as door_buffer() and door_filled(). */
struct buffer *exchange_door_buffer(struct exchange *x);
int exchange_door_filled(struct exchange *x);

/*
 * Answers with a refusal of our own (through ops->answer_*()), logs and counts it; cancels the
 * call. After the head has gone out it aborts instead. cause: for the log only.
 */
void exchange_refuse(struct exchange *x, enum refusal refusal, const char *cause, ...)
    __attribute__((format(printf, 3, 4)));
/* The answer visibly breaks off: RST_STREAM, or a connection closed inside its framing. */
void exchange_abort(struct exchange *x, const char *cause, ...)
    __attribute__((format(printf, 2, 3)));

#endif
