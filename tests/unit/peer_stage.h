/* SPDX-License-Identifier: MIT */
/*
 * The stage on which the tests of peers play: one peer, those who wait for it, a real responder;
 * an outward client, timers and clocks that are doubles of upstream.h, timer.h and clock.h.
 */
#ifndef TESTS_UNIT_PEER_STAGE_H
#define TESTS_UNIT_PEER_STAGE_H

#include "tests/unit/unit.h"

#include "common/metric.h"
#include "worker/peer.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, LIFETIME_S = 600, MAX_BODY = 1 << 20, N_WAITS = 8 };

/* Both clocks; pass() moves them and fires timers on the way. */
extern uint64_t mono_ms, wall_ms;
void pass(uint64_t ms);

/* The call to the peer that is under way: there is never more than one. */
struct out {
    bool under_way;
    unsigned n_calls;
    struct upstream_events events;
    void *arg;
    char head[512];
    uint8_t m1[PAIRING_M1_LEN];
    struct url url;
    bool no_memory; /* the next call does not begin */
};
extern struct out out;
void end_call(enum upstream_failure failure);
void answer_with(const char *type, struct span body);

/* The responder, theirs; others has another SECRET. */
extern struct identity ours, theirs, others;
extern uint8_t last_pair[PAIR_ID_LEN], given_token[CLIENT_TOKEN_LEN];
extern uint32_t lifetime_s;
extern int64_t their_clock_ahead_ms;
void answer_m2_by(const struct identity *identity);
void answer_m2(void);
void answer_error(enum errframe_code code);
uint64_t m1_time(void);

struct waiter {
    struct peer_wait wait;
    unsigned n_done;
    enum peer_failure failure;
    struct peer_lease lease;
};
extern struct waiter waiters[N_WAITS];
extern struct peers *peers;
extern struct metric_block metrics; /* what they count */
extern struct peer *peer;
void on_done(struct peer_wait *wait, enum peer_failure failure, const struct peer_lease *lease);
/* Ends the lease that it may have and asks for a new one. */
struct waiter *ask(size_t i);
void assert_leased(const struct waiter *w);
void assert_failed(const struct waiter *w, enum peer_failure failure);

struct url url_of(const char *text);
/* How often a phrase stands in the log. */
unsigned n_logged(const char *phrase);

/* Around each test, and around all of them. */
int open_all(void **state);
int close_all(void **state);
int played_start(void **state);
int played_stop(void **state);

#define LAW(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

#endif
