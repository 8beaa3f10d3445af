/* SPDX-License-Identifier: MIT */
/* Peers that cannot be paired with, and any order of events. */
#include "tests/unit/peer_stage.h"

#include <stdlib.h>
#include <string.h>

static void clock_corrects_the_skew_and_tries_again(void **state)
{
    (void)state;
    their_clock_ahead_ms = 3600 * SECOND;
    ask(0);
    assert_int_equal(m1_time(), wall_ms);
    answer_error(ERRFRAME_CLOCK);
    assert_false(out.under_way);
    pass(200);
    assert_true(out.under_way);
    assert_in_range(m1_time(), wall_ms + 3599 * SECOND, wall_ms + 3601 * SECOND);
    answer_m2();
    assert_leased(&waiters[0]);
}

/* Of a peer whose instances have two clocks. */
static void a_skew_is_tried_twice_before_another_clock_is_believed(void **state)
{
    (void)state;
    their_clock_ahead_ms = 300 * SECOND;
    ask(0);
    answer_error(ERRFRAME_CLOCK);
    their_clock_ahead_ms = 0;
    pass(200);
    assert_in_range(m1_time(), wall_ms + 299 * SECOND, wall_ms + 301 * SECOND);
    answer_error(ERRFRAME_CLOCK);
    pass(400);
    assert_in_range(m1_time(), wall_ms + 299 * SECOND, wall_ms + 301 * SECOND);
    answer_error(ERRFRAME_CLOCK);
    pass(800);
    assert_in_range(m1_time(), wall_ms - 1 * SECOND, wall_ms + 1 * SECOND);
    answer_m2();
    assert_leased(&waiters[0]);
}

static void busy_is_tried_again_five_times(void **state)
{
    (void)state;
    ask(0);
    for (unsigned n = 1; n <= 5; n++) {
        answer_error(ERRFRAME_BUSY);
        assert_int_equal(waiters[0].n_done, 0);
        assert_false(out.under_way);
        pass(2 * 50 * (1 << n));
        assert_int_equal(out.n_calls, n + 1);
    }
    assert_int_equal(n_logged("cannot pair"), 0);
    answer_error(ERRFRAME_BUSY);
    assert_failed(&waiters[0], PEER_BUSY);
    assert_int_equal(n_logged("cannot pair"), 1);
    assert_int_equal(metrics.values[METRIC_pairings_failed + PAIRING_PEER_BUSY], 6);
    assert_int_equal(metrics.values[METRIC_peer_pairs], 0);
}

static const struct {
    enum upstream_failure upstream;
    enum errframe_code code; /* where upstream is OK */
    enum peer_failure failure;
    bool retried;
} failures[] = {
    { UPSTREAM_UNRESOLVED, 0, PEER_UNREACHABLE, true },
    { UPSTREAM_NOT_ALLOWED, 0, PEER_NOT_ALLOWED, false },
    { UPSTREAM_UNREACHABLE, 0, PEER_UNREACHABLE, true },
    { UPSTREAM_CONNECT_TIMEOUT, 0, PEER_TIMEOUT, false },
    { UPSTREAM_TLS, 0, PEER_TLS, false },
    { UPSTREAM_OVERLOADED, 0, PEER_BUSY, true },
    { UPSTREAM_LOST, 0, PEER_UNREACHABLE, true },
    { UPSTREAM_SILENT, 0, PEER_TIMEOUT, false },
    { UPSTREAM_BAD_ANSWER, 0, PEER_NOT_A_RELAY, false },
    { UPSTREAM_CUT, 0, PEER_UNREACHABLE, true },
    { UPSTREAM_OK, ERRFRAME_REJECT, PEER_PAIRING_REFUSED, false },
    { UPSTREAM_OK, ERRFRAME_UNKNOWN_PAIR, PEER_BAD_RESPONSE, false },
    { UPSTREAM_OK, ERRFRAME_CLOCK, PEER_BUSY, true },
    { UPSTREAM_OK, ERRFRAME_REPLAY, PEER_BUSY, true },
    { UPSTREAM_OK, ERRFRAME_BUSY, PEER_BUSY, true },
    { UPSTREAM_OK, ERRFRAME_REFUSED, PEER_IS_SELF, false },
};

static void each_failure_has_its_name_and_is_tried_again_or_not(void **state)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        unsigned n_tries = 0;

        ask(0);
        while (out.under_way && n_tries < 100) {
            n_tries++;
            if (failures[i].upstream == UPSTREAM_OK)
                answer_error(failures[i].code);
            else
                end_call(failures[i].upstream);
            if (waiters[0].n_done == 0)
                pass(2 * SECOND);
        }
        assert_failed(&waiters[0], failures[i].failure);
        assert_int_equal(n_tries, failures[i].retried ? 6 : 1);
        close_all(state);
        open_all(state);
    }
}

static void only_a_relays_answer_is_one(void **state)
{
    uint8_t zeros[PAIRING_M2_LEN + 1] = { 0 };
    const struct {
        const char *type;
        size_t len;
        enum peer_failure failure;
    } answers[] = {
        { NULL, PAIRING_M2_LEN, PEER_NOT_A_RELAY },
        { "text/html", PAIRING_M2_LEN, PEER_NOT_A_RELAY },
        { "application/mte-pair", PAIRING_M2_LEN, PEER_BAD_RESPONSE },
        { "application/mte-pair", PAIRING_M2_LEN - 1, PEER_BAD_RESPONSE },
        { "application/mte-pair", PAIRING_M2_LEN + 1, PEER_NOT_A_RELAY },
        { "application/mte-pair", 0, PEER_BAD_RESPONSE },
        { "application/mte-error", ERRFRAME_LEN - 1, PEER_NOT_A_RELAY },
        { "application/mte-error", ERRFRAME_LEN, PEER_NOT_A_RELAY }, /* zeros: another version */
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        ask(0);
        answer_with(answers[i].type, span_of(zeros, answers[i].len));
        assert_failed(&waiters[0], answers[i].failure);
        close_all(state);
        open_all(state);
    }
}

static void an_error_that_another_secret_made_is_a_refusal(void **state)
{
    (void)state;
    uint8_t frame[ERRFRAME_LEN];
    const struct span about = span_of(out.m1, PAIRING_M1_LEN);

    ask(0);
    assert_int_equal(errframe_make(&others.psk[0], ERRFRAME_REJECT, wall_ms, about, frame), 0);
    answer_with("application/mte-error", span_of(frame, sizeof(frame)));
    assert_failed(&waiters[0], PEER_PAIRING_REFUSED);
    assert_int_equal(out.n_calls, 1);
}

static void an_unverified_clock_or_busy_changes_nothing(void **state)
{
    (void)state;
    uint8_t frame[ERRFRAME_LEN];
    const struct span about = span_of(out.m1, PAIRING_M1_LEN);

    ask(0);
    assert_int_equal(errframe_make(&others.psk[0], ERRFRAME_CLOCK, 5, about, frame), 0);
    answer_with("application/mte-error", span_of(frame, sizeof(frame)));
    pass(30 * SECOND);
    ask(1);
    assert_int_equal(m1_time(), wall_ms);
}

static void a_peer_that_is_down_is_left_alone_for_a_while(void **state)
{
    (void)state;
    unsigned n_calls;

    ask(0);
    end_call(UPSTREAM_TLS);
    n_calls = out.n_calls;
    for (unsigned i = 0; i < 20; i++) {
        assert_failed(ask(1), PEER_TLS);
        pass(10);
    }
    assert_int_equal(out.n_calls, n_calls);
    /* Ten minutes of requests, each second some: tried seldom, logged once. */
    for (unsigned i = 0; i < 10 * 60 * 4; i++) {
        ask(1);
        if (out.under_way)
            end_call(UPSTREAM_UNREACHABLE);
        assert_int_equal(waiters[1].n_done, 1);
        pass(250);
    }
    assert_in_range(out.n_calls, 75, 160);
    assert_int_equal(n_logged("cannot pair"), 1);
    assert_int_equal(n_logged("is back"), 0);
    pass(8 * SECOND);
    ask(2);
    answer_m2();
    assert_leased(&waiters[2]);
    assert_int_equal(n_logged("a peer is back"), 1);
}

static void without_memory_the_waiter_is_told_at_once(void **state)
{
    (void)state;
    out.no_memory = true;
    assert_failed(ask(0), PEER_BUSY);
    out.no_memory = false;
    pass(SECOND);
    ask(0);
    answer_m2();
    assert_leased(&waiters[0]);
}

static void a_lifetime_of_nothing_is_no_valid_answer(void **state)
{
    (void)state;
    lifetime_s = 0;
    ask(0);
    answer_m2();
    assert_failed(&waiters[0], PEER_BAD_RESPONSE);
}

static void anything_happens(void)
{
    struct waiter *w = &waiters[random() % N_WAITS];

    switch (random() % 8) {
    case 0:
        peer_wait_cancel(&w->wait);
        break;
    case 1:
        if (out.under_way && random() % 2 == 0)
            answer_m2();
        else if (out.under_way)
            answer_error((enum errframe_code)(1 + random() % 6));
        break;
    case 2:
        if (out.under_way)
            end_call((enum upstream_failure)(1 + random() % (UPSTREAM_FAILURE_LAST_ - 1)));
        break;
    case 3:
        peer_pair_unknown(peer, last_pair);
        break;
    case 4:
        pass((uint64_t)random() % (random() % 4 == 0 ? 400 * SECOND : SECOND));
        break;
    default:
        if (w->wait.peer == NULL)
            ask((size_t)(w - waiters));
    }
}

static struct {
    uint8_t pair[PAIR_ID_LEN];
    uint64_t counter;
} seen[1 << 14];
static size_t n_seen;

static void note_lease(struct peer_lease *lease)
{
    for (size_t i = 0; i < n_seen; i++)
        assert_false(seen[i].counter == lease->counter &&
                     memcmp(seen[i].pair, lease->pair_id, PAIR_ID_LEN) == 0);
    assert_true(n_seen < sizeof(seen) / sizeof(*seen));
    seen[n_seen].counter = lease->counter;
    memcpy(seen[n_seen++].pair, lease->pair_id, PAIR_ID_LEN);
    peer_lease_end(lease);
}

/*
 * Whatever happens in whatever order: the machine never meets what it cannot have, one pairing is
 * under way at most, each waiter hears once, no two messages of a pair share a counter.
 */
static void any_order_of_events_is_sound(void **state)
{
    (void)state;
    unsigned n_failed = 0;

    srandom(6);
    for (int i = 0; i < 3000; i++) {
        anything_happens();
        for (size_t k = 0; k < N_WAITS; k++) {
            struct waiter *w = &waiters[k];

            assert_true(w->n_done <= 1 && (w->n_done == 0 || w->wait.peer == NULL));
            if (w->n_done == 1 && w->failure == PEER_OK)
                note_lease(&w->lease);
            else
                n_failed += w->n_done;
            w->n_done = 0; /* it was counted */
        }
    }
    assert_true(n_seen > 100 && n_failed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(clock_corrects_the_skew_and_tries_again),
        LAW(a_skew_is_tried_twice_before_another_clock_is_believed),
        LAW(busy_is_tried_again_five_times),
        LAW(each_failure_has_its_name_and_is_tried_again_or_not),
        LAW(only_a_relays_answer_is_one),
        LAW(an_error_that_another_secret_made_is_a_refusal),
        LAW(an_unverified_clock_or_busy_changes_nothing),
        LAW(a_peer_that_is_down_is_left_alone_for_a_while),
        LAW(without_memory_the_waiter_is_told_at_once),
        LAW(a_lifetime_of_nothing_is_no_valid_answer),
        LAW(any_order_of_events_is_sound),
    };

    return cmocka_run_group_tests(tests, played_start, played_stop);
}
