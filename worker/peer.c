/* SPDX-License-Identifier: MIT */
/*
 * The life of a peer: its current pair, the one pairing that may be under way, and the queue of
 * those who wait for it. What happens when is in peer_table.h; here is what it does.
 */
#include "worker/peer.h"

#include <assert.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/jitter.h"
#include "worker/peer_internal.h"
#include "worker/peer_pair.h"

enum {
    MAX_WAITING = 4096,
    MAX_RETRIES = 5,
    RETRY_MS = 50,             /* doubles with each retry */
    DOWN_MS = 250,             /* doubles with each series in vain */
    DOWN_MAX_MS = 4000,        /* so a peer that is back is found within seconds */
    RENEW_RETRY_MS = 5 * 1000, /* while the old pair still serves */
    YOUNG_MS = 60 * 1000,      /* a pair lost so early says something about the peer */
};

enum peer_event { WANTED, WORN, MADE, MISSED, REFUSED, DUE, LOST, N_EVENTS };

static void happen(struct peer *peer, enum peer_event event);

static const char *const failure_texts[N_PEER_FAILURES] = {
    [PEER_UNREACHABLE] = "it cannot be reached",
    [PEER_TLS] = "TLS failed",
    [PEER_NOT_ALLOWED] = "its addresses are not allowed",
    [PEER_TIMEOUT] = "it does not answer in time",
    [PEER_NOT_A_RELAY] = "it is not a relay",
    [PEER_PAIRING_REFUSED] = "it refuses: is SECRET the same on both sides?",
    [PEER_IS_SELF] = "it is this deployment: CLIENT_ID_SECRET and UPSTREAM are the same",
    [PEER_BUSY] = "it is busy",
    [PEER_BAD_RESPONSE] = "its answer is not valid",
};

const char *peer_failure_text(enum peer_failure failure)
{
    return failure_texts[failure] != NULL ? failure_texts[failure] : "";
}

/* ---- waiting ---- */

static void enqueue(struct peer *peer, struct peer_wait *wait)
{
    wait->peer = peer;
    wait->next = NULL;
    wait->pprev = peer->waiting_end;
    *peer->waiting_end = wait;
    peer->waiting_end = &wait->next;
    peer->n_waiting++;
}

static void dequeue(struct peer_wait *wait)
{
    struct peer *peer = wait->peer;

    *wait->pprev = wait->next;
    if (wait->next != NULL)
        wait->next->pprev = wait->pprev;
    else
        peer->waiting_end = wait->pprev;
    wait->peer = NULL;
    peer->n_waiting--;
}

void peer_wait_cancel(struct peer_wait *wait)
{
    if (wait->peer != NULL)
        dequeue(wait);
}

/* done() may do anything, also ask again: whoever calls this looks at the peer anew. */
static void answer_first(struct peer *peer, enum peer_failure failure,
                         const struct peer_lease *lease)
{
    struct peer_wait *wait = peer->waiting;

    dequeue(wait);
    if (failure != PEER_OK)
        peer_outage_count(&peer->outage);
    wait->done(wait, failure, lease);
}

/* ---- time ---- */

static void on_due(struct timer *timer)
{
    happen(H2O_STRUCT_FROM_MEMBER(struct peer, due, timer), DUE);
}

static void wait_for(struct peer *peer, enum peer_state state, uint64_t ms)
{
    peer->state = state;
    timer_start(&peer->due, peer->peers->config.timers, ms, on_due);
}

static void on_over(struct timer *timer);

static void watch_pair(struct peer *peer)
{
    uint64_t now_ms = clock_mono_ms(), over_ms = peer_pair_over_ms(peer->pair);

    timer_start(&peer->over, peer->peers->config.timers, over_ms > now_ms ? over_ms - now_ms : 0,
                on_over);
}

static bool pair_is_over(const struct peer *peer)
{
    return peer->pair != NULL && clock_mono_ms() >= peer_pair_over_ms(peer->pair);
}

static void on_over(struct timer *timer)
{
    struct peer *peer = H2O_STRUCT_FROM_MEMBER(struct peer, over, timer);

    if (pair_is_over(peer))
        happen(peer, LOST);
    else
        watch_pair(peer); /* it has been used since: it lives longer */
}

/* ---- tries at pairing ---- */

static void note_failure(struct peer *peer, const char *detail)
{
    peer_outage_pairing_failed(&peer->outage, peer->url_text, failure_texts[peer->failure], detail);
}

void peer_set_pair(struct peer *peer, struct peer_pair *pair)
{
    peer_count(peer, METRIC_peer_pairs, (pair != NULL) - (peer->pair != NULL));
    peer_pair_put(&peer->pair);
    peer->pair = pair;
}

static void count_failure(const struct peer *peer)
{
    _Static_assert(N_PEER_FAILURES - PEER_UNREACHABLE == N_LABEL_pairing_failure,
                   "the label's values are those of the enum behind PEER_OK");
    peer_count(peer, metric_of(METRIC_pairings_failed, peer->failure - PEER_UNREACHABLE, 0), 1);
}

static void note_success(struct peer *peer, const struct pairing_result *result)
{
    if (peer->knows_node && memcmp(peer->node, result->node, NODE_LEN) != 0)
        log_warning("another deployment than before answers for a peer: if that was not intended, "
                    "find out who does peer=%s",
                    peer->url_text);
    peer_outage_pairing_made(&peer->outage, peer->url_text);
    peer->n_series = 0;
    peer->knows_node = true;
    peer->skew_ms = result->skew_ms;
    peer->keeps_skew = false;
    memcpy(peer->node, result->node, NODE_LEN);
    memcpy(peer->client_token, result->client_token, CLIENT_TOKEN_LEN);
    peer_count(peer, METRIC_pairings_made, 1);
    if (peer->state == RENEWING)
        peer_count(peer, METRIC_renewals, 1);
}

/* The pair of a verdict in place of the current one, or why not. */
static int take_pair(struct peer *peer, const struct pairing_verdict *verdict)
{
    struct peer_pair *pair = NULL;
    int r = peer_pair_new(verdict->result, verdict->asked_ms, peer->peers->config.pair_lifetime_ms,
                          &pair);

    if (r < 0)
        return r;
    note_success(peer, verdict->result);
    peer_set_pair(peer, pair);
    watch_pair(peer);
    return 0;
}

/*
 * Of a peer's instances one may have another clock than the others, and a balancer may lead each
 * try to the next one. So what a CLOCK told is tried twice before another CLOCK is believed.
 */
static void note_clock(struct peer *peer, uint64_t their_time_ms)
{
    if (!peer->keeps_skew)
        peer_clock_differs(peer, their_time_ms);
    peer->keeps_skew = !peer->keeps_skew;
}

static void on_verdict(struct pairing_call *call, const struct pairing_verdict *verdict)
{
    struct peer *peer = H2O_STRUCT_FROM_MEMBER(struct peer, call, call);
    const char *detail = verdict->detail;
    int r = 0;

    if (verdict->has_clock)
        note_clock(peer, verdict->clock_ms);
    peer->failure = verdict->failure;
    if (verdict->failure == PEER_OK)
        r = take_pair(peer, verdict);
    if (verdict->failure == PEER_OK && r == 0)
        return happen(peer, MADE);
    if (r < 0)
        peer->failure = PEER_BAD_RESPONSE, detail = error_text(r);
    count_failure(peer);
    if (verdict->retry && peer->n_retries < MAX_RETRIES && !peer->outage.pairing)
        return happen(peer, MISSED);
    note_failure(peer, detail);
    happen(peer, REFUSED);
}

/* One try. While the peer is known to be down, each series has no more than one. */
static void start_try(struct peer *peer, enum peer_state state)
{
    struct pairing_offer offer = {
        .suites = { SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305 },
        .now_ms = clock_wall_ms() + (uint64_t)peer->skew_ms,
    };
    int r;

    memcpy(offer.client_token, peer->client_token, CLIENT_TOKEN_LEN);
    peer->state = state;
    peer->call.done = on_verdict;
    r = pairing_call_start(&peer->call, &peer->peers->config, &peer->url, buffer_span(&peer->head),
                           &offer);
    if (r == 0)
        return;
    peer->failure = PEER_BUSY;
    count_failure(peer);
    note_failure(peer, error_text(r));
    happen(peer, REFUSED);
}

/* ---- actions ---- */

static void stay(struct peer *peer)
{
    (void)peer; /* whoever waits is in the queue, what is under way will say */
}

static void begin(struct peer *peer)
{
    uint64_t now_ms = clock_mono_ms();

    peer->n_retries = 0;
    if (now_ms < peer->not_before_ms)
        return wait_for(peer, RETRYING, peer->not_before_ms - now_ms);
    start_try(peer, PAIRING);
}

static void attempt(struct peer *peer)
{
    start_try(peer, PAIRING);
}

static void retry(struct peer *peer)
{
    wait_for(peer, RETRYING, jittered((uint64_t)RETRY_MS << peer->n_retries++));
}

static void refuse(struct peer *peer)
{
    while (peer->waiting != NULL && peer->state == DOWN)
        answer_first(peer, peer->failure, NULL);
}

static void give_up(struct peer *peer)
{
    uint64_t ms = (uint64_t)DOWN_MS << (peer->n_series < 10 ? peer->n_series : 10);

    peer->n_series++;
    wait_for(peer, DOWN, jittered(ms < DOWN_MAX_MS ? ms : DOWN_MAX_MS));
    refuse(peer);
}

static void forget(struct peer *peer)
{
    peer->state = EMPTY;
}

/* Ends when all are served, or when serving one has shown that the pair is gone. */
static void serve(struct peer *peer)
{
    while (peer->waiting != NULL && peer->pair != NULL) {
        struct peer_lease lease;

        if (peer_pair_lease(peer->pair, peer->skew_ms, &lease) < 0)
            return happen(peer, LOST);
        if (peer_pair_worn(peer->pair, clock_mono_ms()))
            happen(peer, WORN);
        answer_first(peer, PEER_OK, &lease);
    }
}

static void adopt(struct peer *peer)
{
    peer->state = READY;
    serve(peer);
}

static void renew(struct peer *peer)
{
    peer->n_retries = 0;
    start_try(peer, RENEWING);
}

static void later(struct peer *peer)
{
    wait_for(peer, RENEW_LATER, jittered(RENEW_RETRY_MS));
}

static void drop_one(struct peer *peer)
{
    timer_stop(&peer->over);
    peer_set_pair(peer, NULL);
    peer->state = PAIRING;
}

static void drop(struct peer *peer)
{
    drop_one(peer);
    timer_stop(&peer->due);
    peer->state = EMPTY;
    if (peer->waiting != NULL)
        happen(peer, WANTED);
}

static void never(struct peer *peer)
{
    log_panic("a peer met an event that its state cannot have peer=%s state=%d", peer->url_text,
              (int)peer->state);
    abort();
}

static void (*const actions[][N_EVENTS])(struct peer *peer) = {
#define PEER_ROW(state, ...) [state] = { __VA_ARGS__ },
#include "worker/peer_table.h"
#undef PEER_ROW
};

static void happen(struct peer *peer, enum peer_event event)
{
    actions[peer->state][event](peer);
}

/* ---- leases ---- */

void peer_lease(struct peer *peer, struct peer_wait *wait)
{
    assert(wait->peer == NULL);
    if (pair_is_over(peer))
        happen(peer, LOST);
    if (peer->n_waiting >= MAX_WAITING)
        return wait->done(wait, PEER_BUSY, NULL);
    enqueue(peer, wait);
    happen(peer, WANTED);
}

static void warn_not_shared(struct peer *peer, uint64_t now_ms)
{
    if (peer->told_not_shared_ms != 0 && now_ms < peer->told_not_shared_ms + YOUNG_MS)
        return;
    peer->told_not_shared_ms = now_ms;
    log_warning("the peer's instances do not share pairs, or it was just restarted peer=%s",
                peer->url_text);
}

void peer_pair_unknown(struct peer *peer, const uint8_t pair_id[static PAIR_ID_LEN])
{
    uint64_t now_ms = clock_mono_ms();

    if (peer->pair == NULL || memcmp(peer_pair_id(peer->pair), pair_id, PAIR_ID_LEN) != 0)
        return; /* it was replaced meanwhile */
    if (now_ms < peer_pair_made_ms(peer->pair) + YOUNG_MS) {
        warn_not_shared(peer, now_ms);
        peer->not_before_ms = now_ms + jittered(RETRY_MS);
    }
    happen(peer, LOST);
}

void peer_forget(struct peer *peer)
{
    if (peer->pair == NULL)
        return;
    log_info("the pair is forgotten, as asked peer=%s", peer->url_text);
    happen(peer, LOST);
}

void peer_clock_differs(struct peer *peer, uint64_t their_time_ms)
{
    peer->skew_ms = (int64_t)(their_time_ms - clock_wall_ms());
}

/* ---- what became of messages ---- */

/* What a peer that is there cannot cause: PADs keep even a slow API's answer from being silent. */
static bool never_reached(enum upstream_failure failure)
{
    return failure == UPSTREAM_UNRESOLVED || failure == UPSTREAM_NOT_ALLOWED ||
           failure == UPSTREAM_UNREACHABLE || failure == UPSTREAM_CONNECT_TIMEOUT ||
           failure == UPSTREAM_TLS || failure == UPSTREAM_SILENT;
}

void peer_call_failed(struct peer *peer, enum upstream_failure failure, const char *detail)
{
    if (never_reached(failure))
        peer_outage_call_failed(&peer->outage, peer->url_text,
                                failure_texts[pairing_call_failure(failure)], detail);
    else
        peer_outage_count(&peer->outage);
}

void peer_call_answered(struct peer *peer)
{
    peer_outage_answered(&peer->outage, peer->url_text);
}

void peer_count_answer(struct peer *peer, const uint8_t pair_id[static PAIR_ID_LEN], uint64_t n)
{
    if (peer->pair != NULL && memcmp(peer_pair_id(peer->pair), pair_id, PAIR_ID_LEN) == 0)
        peer_pair_count(peer->pair, n);
}
