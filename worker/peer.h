/* SPDX-License-Identifier: MIT */
/*
 * Peer relays that this worker sends to: one pair each, made by one pairing at a time while others
 * wait, replaced in the background before it wears out. Each message takes a lease: keys and a
 * counter that nobody else has.
 */
#ifndef WORKER_PEER_H
#define WORKER_PEER_H

#include "common/envelope.h"
#include "common/errframe.h"
#include "worker/upstream.h"

struct identity;
struct metric_block;
struct peers;
struct peer;
struct timers;

struct peers_config {
    const struct identity *identity;
    struct upstream *upstream;
    struct timers *timers;
    uint64_t pair_lifetime_ms; /* our own PAIR_LIFETIME */
    uint64_t max_peers;        /* remembered peer URLs; the least recently used idle one goes */
    upstream_allow_cb allow;   /* for pairing calls */
    void *allow_arg;
    struct metric_block *metrics; /* NULL: nothing is counted */
};
/* *config is copied. */
MUST_CHECK int peers_new(const struct peers_config *config, struct peers **peers_r);
/* Nobody may wait any more; pairings under way are cancelled. Leases may still be out. */
void peers_free(struct peers **peers);

/* The peer of a base URL (canonical form is the key). ERR_FULL, ERR_LIMIT (the URL is overlong),
 * -ENOMEM. Counted. */
MUST_CHECK int peers_get(struct peers *peers, const struct url *base, struct peer **peer_r);
/* What the board shall say of the peers, the most recently used ones. */
struct board_peers;
void peers_describe(const struct peers *peers, struct board_peers *peers_r);

/* The pair with the peer whose url_hash() this is, if there is one, is used for no new request. */
void peers_forget(struct peers *peers, uint64_t hash);

void peer_put(struct peer **peer);
const struct url *peer_url(const struct peer *peer); /* base URL; views owned by the peer */

/* What one message is sealed with. The keys live until peer_lease_end(). */
struct peer_lease {
    struct pair_keys *keys;
    uint8_t pair_id[PAIR_ID_LEN];
    uint64_t counter;
    uint64_t time_ms; /* now, by the responder's clock */
    int64_t skew_ms;  /* what was added to our clock for it */
    uint64_t max_body;
    uint64_t n_bytes; /* sealed with it: for who holds the lease to say before its end */
    void *pair;       /* the peer's own; NULL once ended */
};

/* When a message was first sent, for the AGAIN of a second sending. */
struct peer_sending {
    uint64_t own_ms, mono_ms; /* our two clocks */
};
/* Now, as the lease was just given. */
struct peer_sending peer_sending_of(const struct peer_lease *lease);
/* By the responder's clock as it is known with this later lease, and rather too early than late. */
uint64_t peer_sending_ms(const struct peer_sending *sending, const struct peer_lease *now);

/* What stands in front of an M1 or a sealed request. */
struct peer_post {
    struct span target; /* behind the base path: "/api/mte-relay" */
    const char *content_type;
    size_t body_len;
    const struct headers *copies; /* fields beside our own, for whoever is between; NULL: none */
};
/* Writes its head, with the empty line. */
void peer_put_post(struct buffer *head, const struct url *base, const struct peer_post *post);

/* Why there is no lease; each maps to one refusal. */
enum peer_failure {
    PEER_OK = 0,
    PEER_UNREACHABLE,
    PEER_TLS,
    PEER_NOT_ALLOWED,
    PEER_TIMEOUT,
    PEER_NOT_A_RELAY,     /* it answers, but not as a relay */
    PEER_PAIRING_REFUSED, /* SECRET differs */
    PEER_IS_SELF,         /* or has no suite in common, which no relay of today has */
    PEER_BUSY,            /* BUSY for longer than we retry, or we back off */
    PEER_BAD_RESPONSE,
    N_PEER_FAILURES
};

/* Embedded in whoever waits. done() comes exactly once unless cancelled, maybe before the return.
 */
struct peer_wait {
    void (*done)(struct peer_wait *wait, enum peer_failure failure, const struct peer_lease *lease);
    void *arg;         /* the waiter's own */
    struct peer *peer; /* NULL when nothing is under way */
    struct peer_wait *next, **pprev;
};
void peer_lease(struct peer *peer, struct peer_wait *wait);
void peer_wait_cancel(struct peer_wait *wait);
/* May come twice. The response has begun (its opener has its own key), or the message is given up.
 */
void peer_lease_end(struct peer_lease *lease);

/*
 * What became of a message, for the log and for the pair's end. detail: a phrase. Answered is who
 * gave a verified answer, of whatever kind; its bytes count where their pair is still the current
 * one.
 */
void peer_call_failed(struct peer *peer, enum upstream_failure failure, const char *detail);
void peer_call_answered(struct peer *peer);
void peer_count_answer(struct peer *peer, const uint8_t pair_id[static PAIR_ID_LEN], uint64_t n);

/* What verified ERR frames say. UNKNOWN_PAIR: dropped if still current. CLOCK: skew corrected. */
void peer_pair_unknown(struct peer *peer, const uint8_t pair_id[static PAIR_ID_LEN]);
void peer_clock_differs(struct peer *peer, uint64_t their_time_ms);

#endif
