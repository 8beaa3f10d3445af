/* SPDX-License-Identifier: MIT */
/* Peers: pairs made, leased, worn out, lost, replaced. */
#include "tests/unit/peer_stage.h"

#include <string.h>

static void one_pairing_serves_all_who_wait(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_WAITS; i++)
        assert_int_equal(ask(i)->n_done, 0);
    assert_int_equal(out.n_calls, 1);
    answer_m2();
    for (size_t i = 0; i < N_WAITS; i++) {
        assert_leased(&waiters[i]);
        assert_int_equal(waiters[i].lease.counter, i);
        assert_int_equal(waiters[i].lease.max_body, MAX_BODY);
        assert_memory_equal(waiters[i].lease.pair_id, last_pair, PAIR_ID_LEN);
    }
    assert_leased(ask(0));
    assert_int_equal(waiters[0].lease.counter, N_WAITS);
    assert_int_equal(out.n_calls, 1);
}

static void m1_is_posted_below_the_base_url(void **state)
{
    (void)state;
    ask(0);
    assert_string_equal(out.head, "POST /base/api/mte-pair HTTP/1.1\r\n"
                                  "host: peer.example\r\n"
                                  "content-type: application/mte-pair\r\n"
                                  "content-length: 1356\r\n\r\n");
    assert_int_equal(out.url.port, 80);
}

static void copies_stand_beside_our_own_fields(void **state)
{
    struct header items[] = { { SPAN("x-a"), SPAN("1") }, { SPAN("x-a"), SPAN("") } };
    const struct headers copies = { .items = items, .n = 2 };
    const struct peer_post post = { SPAN("/v1?q"), "application/mte-relay", 7, &copies };
    struct buffer head;
    struct url base;
    const char *why;

    (void)state;
    assert_int_equal(url_parse(SPAN("http://h:81/base/"), &base, &why), 0);
    buffer_init(&head, 0);
    peer_put_post(&head, &base, &post);
    assert_true(span_equal(buffer_span(&head), SPAN("POST /base/v1?q HTTP/1.1\r\n"
                                                    "host: h:81\r\n"
                                                    "content-type: application/mte-relay\r\n"
                                                    "content-length: 7\r\n"
                                                    "x-a: 1\r\nx-a: \r\n\r\n")));
    buffer_fini(&head);
}

static void a_cancelled_waiter_gets_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        ask(i);
    peer_wait_cancel(&waiters[2].wait);
    peer_wait_cancel(&waiters[0].wait);
    ask(3);
    answer_m2();
    assert_int_equal(waiters[0].n_done, 0);
    assert_leased(&waiters[1]);
    assert_int_equal(waiters[2].n_done, 0);
    assert_leased(&waiters[3]);
}

static void messages_are_stamped_by_the_responders_clock(void **state)
{
    (void)state;
    their_clock_ahead_ms = -5 * SECOND;
    ask(0);
    answer_m2();
    assert_int_equal(waiters[0].lease.skew_ms, -5 * SECOND);
    assert_int_equal(waiters[0].lease.time_ms, wall_ms - 5 * SECOND);
    peer_clock_differs(peer, wall_ms + 7 * SECOND);
    assert_int_equal(ask(1)->lease.time_ms, wall_ms + 7 * SECOND);
}

static void the_first_sending_is_told_by_the_responders_clock_of_now(void **state)
{
    struct peer_sending first;
    uint64_t first_wall_ms;

    (void)state;
    ask(0);
    answer_m2();
    first = peer_sending_of(&waiters[0].lease);
    first_wall_ms = wall_ms;
    pass(3 * SECOND);
    peer_clock_differs(peer, wall_ms + 7 * SECOND); /* a CLOCK told it */
    assert_int_equal(peer_sending_ms(&first, &ask(1)->lease), first_wall_ms + 7 * SECOND);
}

/* Whichever way it was set, and whether the skew was learned anew after that or not. */
static void the_first_sending_is_never_told_too_late_when_our_clock_was_set(void **state)
{
    const int64_t steps_ms[] = { -3600 * SECOND, -30 * SECOND, 30 * SECOND, 3600 * SECOND };

    for (size_t i = 0; i < 8; i++) {
        bool learned = i % 2 != 0;
        struct peer_sending first;
        uint64_t theirs_ms;

        ask(0);
        answer_m2();
        first = peer_sending_of(&waiters[0].lease);
        theirs_ms = wall_ms;
        pass(3 * SECOND);
        wall_ms += (uint64_t)steps_ms[i / 2];
        if (learned)
            peer_clock_differs(peer, theirs_ms + 3 * SECOND);
        assert_true(peer_sending_ms(&first, &ask(1)->lease) <= theirs_ms);
        close_all(state);
        open_all(state);
    }
}

static void a_used_pair_is_replaced_in_the_background(void **state)
{
    (void)state;
    uint8_t old[PAIR_ID_LEN];

    ask(0);
    answer_m2();
    memcpy(old, last_pair, PAIR_ID_LEN);
    pass(LIFETIME_S * SECOND / 100 * 65 - 1);
    assert_leased(ask(1));
    assert_false(out.under_way);
    pass(LIFETIME_S * SECOND / 100 * 20 + 1);
    assert_false(out.under_way); /* only a request begins it */
    assert_leased(ask(2));
    assert_true(out.under_way);
    assert_leased(ask(3)); /* under the old one meanwhile */
    assert_memory_equal(waiters[3].lease.pair_id, old, PAIR_ID_LEN);
    answer_m2();
    assert_leased(ask(4));
    assert_memory_equal(waiters[4].lease.pair_id, last_pair, PAIR_ID_LEN);
    assert_int_equal(waiters[4].lease.counter, 0);
    assert_int_equal(metrics.values[METRIC_pairings_made], 2);
    assert_int_equal(metrics.values[METRIC_renewals], 1);
    assert_int_equal(metrics.values[METRIC_peer_pairs], 1);
    /* What was leased under the old one still has its keys. */
    assert_non_null(waiters[3].lease.keys);
}

static void a_renewal_that_fails_leaves_the_old_pair_in_use(void **state)
{
    (void)state;
    ask(0);
    answer_m2();
    pass(LIFETIME_S * SECOND / 100 * 86);
    assert_leased(ask(1));
    end_call(UPSTREAM_UNREACHABLE);
    assert_leased(ask(2));
    assert_false(out.under_way);
    pass(11 * SECOND);
    assert_true(out.under_way);
    assert_leased(ask(3));
    answer_m2();
    assert_memory_equal(ask(4)->lease.pair_id, last_pair, PAIR_ID_LEN);
}

static void bytes_wear_a_pair_out_and_end_it(void **state)
{
    (void)state;
    ask(0);
    answer_m2();
    waiters[0].lease.n_bytes = (uint64_t)15 << 38;
    assert_leased(ask(0));
    assert_true(out.under_way); /* the next one is on its way */
    waiters[0].lease.n_bytes = (uint64_t)1 << 38;
    assert_int_equal(ask(0)->n_done, 0); /* this one has no more to give */
    answer_m2();
    assert_leased(&waiters[0]);
    assert_int_equal(waiters[0].lease.counter, 0);
}

static void answers_count_as_requests_do_under_their_own_pair(void **state)
{
    uint8_t old[PAIR_ID_LEN];

    (void)state;
    ask(0);
    answer_m2();
    memcpy(old, last_pair, PAIR_ID_LEN);
    waiters[0].lease.n_bytes = (uint64_t)7 << 38;
    assert_leased(ask(0));
    peer_count_answer(peer, old, ((uint64_t)8 << 38) - 1);
    assert_leased(ask(0));
    assert_false(out.under_way);
    peer_count_answer(peer, old, 1);
    assert_leased(ask(0));
    assert_true(out.under_way);
    answer_m2();
    peer_count_answer(peer, old, (uint64_t)1 << 42); /* not the new one's */
    assert_leased(ask(0));
    assert_false(out.under_way);
    peer_count_answer(peer, last_pair, (uint64_t)1 << 42);
    assert_int_equal(ask(0)->n_done, 0);
    answer_m2();
    assert_leased(&waiters[0]);
}

/* All 16 million of them. */
static void a_pair_ends_at_its_last_counter_and_is_replaced_before(void **state)
{
    const uint64_t worn = ENVELOPE_COUNTER_END / 16 * 15;
    struct waiter *w = ask(0);

    (void)state;
    answer_m2();
    for (uint64_t i = 1; i < ENVELOPE_COUNTER_END; i++) {
        peer_lease_end(&w->lease);
        w->n_done = 0;
        peer_lease(peer, &w->wait);
        if (w->n_done != 1 || w->lease.counter != i || out.under_way != (i + 1 >= worn))
            fail_msg("message %llu", (unsigned long long)i);
    }
    assert_memory_equal(w->lease.pair_id, last_pair, PAIR_ID_LEN);
    assert_int_equal(ask(1)->n_done, 0); /* no counter is used twice */
    answer_m2();
    assert_leased(&waiters[1]);
    assert_int_equal(waiters[1].lease.counter, 0);
    assert_memory_equal(waiters[1].lease.pair_id, last_pair, PAIR_ID_LEN);
    assert_memory_not_equal(waiters[0].lease.pair_id, last_pair, PAIR_ID_LEN);
}

static void a_pair_ends_with_the_smaller_of_both_lifetimes(void **state)
{
    (void)state;
    const uint32_t lifetimes[] = { 600, 3600, 86400 };

    for (size_t i = 0; i < 3; i++) {
        uint64_t life_ms = (lifetimes[i] < 3600 ? lifetimes[i] : 3600) * (uint64_t)SECOND;

        lifetime_s = lifetimes[i];
        ask(0);
        pass(SECOND); /* counts from M1 on: ours ends first */
        answer_m2();
        pass(life_ms - SECOND - 1);
        assert_leased(ask(1));
        answer_error(ERRFRAME_REJECT); /* of the renewal that this began */
        pass(1);
        assert_int_equal(ask(2)->n_done, 0);
        assert_true(out.under_way);
        close_all(state);
        open_all(state);
    }
}

static void a_pair_unused_for_fifty_seconds_is_dropped(void **state)
{
    (void)state;
    ask(0);
    peer_wait_cancel(&waiters[0].wait); /* who wanted it left */
    answer_m2();
    pass(50 * SECOND - 1);
    assert_leased(ask(1)); /* in time */
    pass(60 * SECOND);
    assert_leased(ask(1));
    assert_int_equal(out.n_calls, 1);

    peer_pair_unknown(peer, last_pair);
    ask(0);
    peer_wait_cancel(&waiters[0].wait);
    answer_m2();
    pass(50 * SECOND);
    assert_false(out.under_way); /* none is begun until somebody wants it */
    assert_int_equal(ask(1)->n_done, 0);
    assert_int_equal(out.n_calls, 3);
}

static void an_unknown_pair_is_dropped_only_if_it_is_current(void **state)
{
    (void)state;
    uint8_t other[PAIR_ID_LEN] = { 1 };

    ask(0);
    answer_m2();
    pass(2 * MINUTE);
    peer_pair_unknown(peer, other);
    assert_leased(ask(1));
    peer_pair_unknown(peer, last_pair);
    assert_int_equal(ask(2)->n_done, 0);
    assert_true(out.under_way); /* at once: it was not young */
    assert_int_equal(n_logged("do not share pairs"), 0);
    answer_m2();
    assert_leased(&waiters[2]);
    assert_non_null(waiters[1].lease.keys); /* the old keys live as long as their lease */
}

static void a_young_pair_that_is_unknown_says_that_pairs_are_not_shared(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        ask(0);
        pass(200);
        answer_m2();
        assert_leased(&waiters[0]);
        peer_pair_unknown(peer, last_pair);
        assert_int_equal(n_logged("do not share pairs"), 1);
        ask(1);
        assert_false(out.under_way); /* a moment later */
        pass(100);
        assert_true(out.under_way);
        peer_wait_cancel(&waiters[1].wait);
    }
}

static void a_token_is_kept_and_offered_next_time(void **state)
{
    (void)state;
    uint8_t zeros[CLIENT_TOKEN_LEN] = { 0 };
    const size_t offset = 4 + 8 + 16 + 8;

    ask(0);
    assert_memory_equal(out.m1 + offset, zeros, CLIENT_TOKEN_LEN);
    memset(given_token, 0x77, CLIENT_TOKEN_LEN);
    answer_m2();
    pass(2 * MINUTE);
    peer_pair_unknown(peer, last_pair);
    ask(0);
    assert_memory_equal(out.m1 + offset, given_token, CLIENT_TOKEN_LEN);
}

static void another_deployment_behind_the_url_is_said_loudly(void **state)
{
    (void)state;
    struct identity moved = theirs;

    ask(0);
    answer_m2();
    pass(2 * MINUTE);
    peer_pair_unknown(peer, last_pair);
    ask(0);
    answer_m2();
    assert_int_equal(n_logged("another deployment"), 0);
    pass(2 * MINUTE);
    peer_pair_unknown(peer, last_pair);
    moved.node[0].node[0] ^= 1;
    ask(0);
    answer_m2_by(&moved);
    assert_leased(&waiters[0]);
    assert_int_equal(n_logged("another deployment"), 1);
}

static void asks_again(struct peer_wait *wait, enum peer_failure failure,
                       const struct peer_lease *lease)
{
    struct waiter *w = wait->arg;

    on_done(wait, failure, lease);
    peer_pair_unknown(peer, lease->pair_id);
    w->wait.done = on_done;
    peer_lease(peer, wait);
}

static void done_may_drop_the_pair_and_ask_again(void **state)
{
    (void)state;
    struct waiter *w = &waiters[0];

    *w = (struct waiter){ .wait = { .done = asks_again, .arg = w } };
    peer_lease(peer, &w->wait);
    ask(1);
    answer_m2();
    assert_leased(w);
    assert_int_equal(waiters[1].n_done, 0); /* waits for the next pair */
    peer_lease_end(&w->lease);
    pass(SECOND);
    answer_m2();
    assert_int_equal(w->n_done, 2);
    assert_leased(&waiters[1]);
}

static void peers_are_known_by_canonical_url_and_bounded(void **state)
{
    (void)state;
    const char *texts[] = { "http://b", "http://c", "http://d", "http://e" };
    struct url same = url_of("HTTP://peer.EXAMPLE:80/base/");
    struct peer *got[5] = { NULL }, *again = NULL;

    assert_int_equal(peers_get(peers, &same, &got[0]), 0);
    assert_ptr_equal(got[0], peer);
    for (size_t i = 0; i < 3; i++) {
        struct url url = url_of(texts[i]);

        assert_int_equal(peers_get(peers, &url, &got[i + 1]), 0);
    }
    same = url_of(texts[3]);
    assert_int_equal(peers_get(peers, &same, &again), ERR_FULL);
    peer_put(&got[2]); /* c is idle now, and goes */
    assert_int_equal(peers_get(peers, &same, &got[4]), 0);
    same = url_of(texts[1]);
    assert_int_equal(peers_get(peers, &same, &again), ERR_FULL);
    for (size_t i = 0; i < 5; i++)
        peer_put(&got[i]);
    assert_int_equal(peers_get(peers, &same, &again), 0);
    peer_put(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(one_pairing_serves_all_who_wait),
        LAW(m1_is_posted_below_the_base_url),
        LAW(copies_stand_beside_our_own_fields),
        LAW(a_cancelled_waiter_gets_nothing),
        LAW(messages_are_stamped_by_the_responders_clock),
        LAW(the_first_sending_is_told_by_the_responders_clock_of_now),
        LAW(the_first_sending_is_never_told_too_late_when_our_clock_was_set),
        LAW(a_used_pair_is_replaced_in_the_background),
        LAW(a_renewal_that_fails_leaves_the_old_pair_in_use),
        LAW(bytes_wear_a_pair_out_and_end_it),
        LAW(answers_count_as_requests_do_under_their_own_pair),
        LAW(a_pair_ends_at_its_last_counter_and_is_replaced_before),
        LAW(a_pair_ends_with_the_smaller_of_both_lifetimes),
        LAW(a_pair_unused_for_fifty_seconds_is_dropped),
        LAW(an_unknown_pair_is_dropped_only_if_it_is_current),
        LAW(a_young_pair_that_is_unknown_says_that_pairs_are_not_shared),
        LAW(a_token_is_kept_and_offered_next_time),
        LAW(another_deployment_behind_the_url_is_said_loudly),
        LAW(done_may_drop_the_pair_and_ask_again),
        LAW(peers_are_known_by_canonical_url_and_bounded),
    };

    return cmocka_run_group_tests(tests, played_start, played_stop);
}
