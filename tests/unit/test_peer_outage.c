/* SPDX-License-Identifier: MIT */
/* What the log says of a peer that is away: a line when it goes, a line when it is back. */
#include "tests/unit/peer_stage.h"

#include "worker/peer_outage.h"

static void assert_lines(unsigned begun, unsigned over)
{
    assert_int_equal(n_logged("cannot pair with a peer") + n_logged("cannot send to a peer"),
                     begun);
    assert_int_equal(n_logged("a peer is back"), over);
}

static void pair_with_it(void)
{
    ask(0);
    answer_m2();
    assert_leased(&waiters[0]);
    peer_call_answered(peer);
}

static void an_outage_under_a_living_pair_has_two_lines(void **state)
{
    (void)state;
    pair_with_it();
    assert_lines(0, 0);
    for (int i = 0; i < 500; i++) {
        peer_call_failed(peer, UPSTREAM_UNREACHABLE, "connection refused");
        pass(10);
    }
    assert_lines(1, 0);
    assert_int_equal(n_logged("cannot send to a peer: it cannot be reached "
                              "peer=http://peer.example:80/base detail=\"connection refused\""),
                     1);
    for (int i = 0; i < 200; i++) {
        peer_call_answered(peer);
        pass(10);
    }
    assert_lines(1, 1);
    assert_int_equal(n_logged("a peer is back peer=http://peer.example:80/base after_ms=5000 "
                              "requests_failed=500"),
                     1);
}

static void every_failure_to_reach_it_begins_an_outage_and_no_other(void **state)
{
    for (int failure = UPSTREAM_OK + 1; failure < UPSTREAM_FAILURE_LAST_; failure++) {
        bool begins = failure != UPSTREAM_OVERLOADED && failure != UPSTREAM_LOST &&
                      failure != UPSTREAM_BAD_ANSWER && failure != UPSTREAM_CUT;

        pair_with_it();
        peer_call_failed(peer, (enum upstream_failure)failure, "detail");
        assert_lines(begins ? 1 : 0, 0);
        close_all(state);
        open_all(state);
    }
}

/* Kept connections still bring answers when no new one can be made. */
static void a_peer_that_leaves_bit_by_bit_has_one_outage(void **state)
{
    (void)state;
    pair_with_it();
    for (int i = 0; i < 300; i++) {
        peer_call_failed(peer, i % 3 == 0 ? UPSTREAM_LOST : UPSTREAM_UNREACHABLE, "detail");
        pass(50);
        peer_call_answered(peer);
    }
    assert_lines(1, 0);
    pass(PEER_OUTAGE_CALM_MS);
    peer_call_answered(peer);
    assert_lines(1, 1);
    assert_int_equal(n_logged("requests_failed=299"), 1); /* the first was lost before it began */
}

static void what_goes_on_as_a_pairing_in_vain_is_the_same_outage(void **state)
{
    (void)state;
    pair_with_it();
    peer_call_failed(peer, UPSTREAM_UNREACHABLE, "detail");
    pass(LIFETIME_S * SECOND); /* the pair ends meanwhile */
    for (int i = 0; i < 100; i++) {
        ask(1);
        while (waiters[1].n_done == 0) {
            if (out.under_way)
                end_call(UPSTREAM_UNREACHABLE);
            else
                pass(10);
        }
        assert_failed(&waiters[1], PEER_UNREACHABLE);
        pass(500);
    }
    assert_lines(1, 0);
    pass(8 * SECOND);
    ask(1);
    answer_m2();
    assert_leased(&waiters[1]);
    assert_lines(1, 1);
    assert_int_equal(n_logged("requests_failed=101"), 1);
}

static void answers_do_not_end_the_outage_of_a_renewal(void **state)
{
    (void)state;
    pair_with_it();
    pass(LIFETIME_S * SECOND / 100 * 86);
    for (int i = 0; i < 50; i++) {
        assert_leased(ask(1)); /* under the old pair, which still serves */
        if (out.under_way)
            end_call(UPSTREAM_SILENT);
        peer_call_answered(peer);
        pass(SECOND);
    }
    assert_lines(1, 0);
    while (!out.under_way) {
        pass(SECOND);
        ask(1);
    }
    answer_m2();
    assert_lines(1, 1);
    assert_int_equal(n_logged("requests_failed=0"), 1);
}

static void each_outage_is_told(void **state)
{
    (void)state;
    pair_with_it();
    for (unsigned n = 1; n <= 5; n++) {
        peer_call_failed(peer, UPSTREAM_CONNECT_TIMEOUT, "detail");
        assert_lines(n, n - 1);
        pass(PEER_OUTAGE_CALM_MS);
        peer_call_answered(peer);
        assert_lines(n, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(an_outage_under_a_living_pair_has_two_lines),
        LAW(every_failure_to_reach_it_begins_an_outage_and_no_other),
        LAW(a_peer_that_leaves_bit_by_bit_has_one_outage),
        LAW(what_goes_on_as_a_pairing_in_vain_is_the_same_outage),
        LAW(answers_do_not_end_the_outage_of_a_renewal),
        LAW(each_outage_is_told),
    };

    return cmocka_run_group_tests(tests, played_start, played_stop);
}
