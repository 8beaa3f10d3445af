/* SPDX-License-Identifier: MIT */
/* Two instances that share a Redis: what it decides, and what they do without it. */
#include "tests/unit/redis_double.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/identity.h"
#include "common/metric.h"
#include "common/shm_layout.h"
#include "common/steady.h"
#include "tests/unit/store_asked.h"
#include "worker/pair_record.h"
#include "worker/timer.h"

#define RUN_ID    "1111111111111111111111111111111111111111"
#define RUN_ID_2  "2222222222222222222222222222222222222222"
#define PAIR_NAME "mar1:pair:{01000000000000000000000000000001}"
#define PAGE_NAME "mar1:seen:{01000000000000000000000000000001}:0"

enum { ONE, OTHER, N_STORES, AWAY_AFTER_MS = 20, HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000 };

static h2o_loop_t *loop;
static struct timers *timers;
static struct identity identity;
static struct shm *shms[N_STORES];
static struct session_store *stores[N_STORES];

/* What Redis answers at once. */
static int end(struct asked *asked)
{
    redis_double_run_all();
    assert_int_equal(asked->n_done, 1);
    return asked->result;
}

static void begin_put(int store, uint8_t id, struct asked *asked)
{
    struct session session = { .secret = { .id = { id, [15] = id }, .suite = SUITE_AES_256_GCM },
                               .created_mono_ms = clock_mono_ms(),
                               .expires_mono_ms = clock_mono_ms() + HOUR_MS };

    session_store_put(stores[store], &session, &asked_begin(asked)->wait);
}

static int put(int store, uint8_t id)
{
    struct asked asked;

    begin_put(store, id, &asked);
    return end(&asked);
}

static void begin_get(int store, uint8_t id, struct asked *asked)
{
    const uint8_t bytes[PAIR_ID_LEN] = { id, [15] = id };

    asked_begin(asked);
    session_store_get(stores[store], bytes, &asked->ref, &asked->wait);
}

static int get(int store, uint8_t id, struct session_ref **ref_r)
{
    struct asked asked;
    int r;

    begin_get(store, id, &asked);
    r = end(&asked);
    *ref_r = asked.ref;
    return r;
}

static struct session_ref *got(int store, uint8_t id)
{
    struct session_ref *ref;

    assert_int_equal(get(store, id, &ref), 0);
    return ref;
}

static int claim_again(int store, struct session_ref *ref, uint64_t counter,
                       const struct envelope_again *again)
{
    struct asked asked;

    session_store_claim(stores[store], ref, counter, again, &asked_begin(&asked)->wait);
    return end(&asked);
}

static int claim(int store, struct session_ref *ref, uint64_t counter)
{
    return claim_again(store, ref, counter, NULL);
}

static struct envelope_again again_of(uint8_t id, uint64_t counter)
{
    return (struct envelope_again){ .pair_id = { id, [15] = id },
                                    .counter = counter,
                                    .time_ms = steady_ms() + MINUTE_MS };
}

static uint64_t n_limited(int store, enum limit limit)
{
    return metric_sum(shms[store], metric_of(METRIC_limits, limit, 0));
}

static void open_store(int i, bool strict)
{
    const struct shm_sizes sizes = shm_layout(100, 64);
    const struct redis_config redis = { .loop = loop, .timers = timers };
    struct session_store_config config = { .pairs_per_node = 100,
                                           .pairing_rate = 10,
                                           .max_cached = 8,
                                           .redis = &redis,
                                           .strict = strict,
                                           .away_after_ms = AWAY_AFTER_MS,
                                           .identity = &identity };

    assert_int_equal(shm_create(&sizes, &shms[i]), 0);
    config.shm = shms[i];
    config.metrics = metric_block(shms[i], 1);
    assert_int_equal(session_store_new(&config, &stores[i]), 0);
}

static void open_both(bool strict)
{
    redis_double_begin(RUN_ID);
    for (int i = 0; i < N_STORES; i++)
        open_store(i, strict);
    redis_double_connect(true);
    redis_double_run_all();
    redis_double_set("mar1:since", "1");
}

static int open_local(void **state)
{
    (void)state;
    open_both(false);
    return 0;
}

static int open_strict(void **state)
{
    (void)state;
    open_both(true);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    for (int i = 0; i < N_STORES; i++) {
        session_store_free(&stores[i]);
        shm_close(&shms[i]);
    }
    redis_double_run_all();
    return 0;
}

static void until_outage(bool there)
{
    for (int i = 0; i < N_STORES; i++)
        while ((atomic_load(shm_redis_away(shms[i])) != 0) != there)
            h2o_evloop_run(loop, 10);
}

/* ---- pairs ---- */

static void a_pair_is_in_redis_before_it_is_said_to_be(void **state)
{
    (void)state;
    struct asked asked;
    struct session_ref *ref;

    begin_put(ONE, 1, &asked);
    assert_int_equal(asked.n_done, 0);
    assert_int_equal(redis_double_get(PAIR_NAME).len, 0);
    assert_int_equal(end(&asked), 0);
    assert_int_equal(redis_double_get(PAIR_NAME).len, PAIR_RECORD_LEN);
    ref = got(OTHER, 1);
    assert_int_equal(ref->session.arbiter, ARBITER_REDIS);
    session_ref_put(&ref);
}

static void a_pair_whose_storing_is_not_answered_is_busy(void **state)
{
    (void)state;
    struct asked asked;

    begin_put(ONE, 1, &asked);
    redis_double_run(true);
    assert_int_equal(end(&asked), ERR_BUSY);
}

static void a_pair_is_looked_up_once_for_all_who_wait(void **state)
{
    (void)state;
    struct asked asked[3];
    unsigned n_before;

    assert_int_equal(put(ONE, 1), 0);
    n_before = redis_double_n_asked();
    for (int i = 0; i < 3; i++)
        begin_get(OTHER, 1, &asked[i]);
    store_wait_cancel(&asked[1].wait);
    redis_double_run_all();
    assert_int_equal(redis_double_n_asked(), n_before + 1);
    assert_int_equal(asked[1].n_done, 0);
    assert_ptr_equal(asked[0].ref, asked[2].ref);
    session_ref_put(&asked[0].ref);
    session_ref_put(&asked[2].ref);
}

static void what_is_unknown_is_not_asked_for_again_at_once(void **state)
{
    (void)state;
    struct session_ref *ref;
    unsigned n_before = redis_double_n_asked();

    for (int i = 0; i < 5; i++)
        assert_int_equal(get(ONE, 9, &ref), ERR_UNKNOWN);
    assert_int_equal(redis_double_n_asked(), n_before + 1);
}

static void look_ups_are_bounded_and_the_bound_is_counted(void **state)
{
    (void)state;
    struct asked asked[65];

    for (uint8_t i = 0; i < 65; i++)
        begin_get(ONE, i, &asked[i]);
    assert_int_equal(asked[64].result, ERR_BUSY);
    assert_int_equal(n_limited(ONE, LIMIT_LOOKUPS), 1);
    redis_double_run_all();
    for (uint8_t i = 0; i < 64; i++)
        assert_int_equal(asked[i].result, ERR_UNKNOWN);
}

static void a_pair_that_redis_lost_is_dropped_everywhere(void **state)
{
    (void)state;
    struct session_ref *ref, *after;

    assert_int_equal(put(ONE, 1), 0);
    ref = got(ONE, 1);
    redis_double_flush();
    assert_int_equal(claim(ONE, ref, 1), ERR_UNKNOWN);
    assert_int_equal(get(ONE, 1, &after), ERR_UNKNOWN);
    assert_false(redis_double_bit(PAGE_NAME, 1));
    session_ref_put(&ref);
}

/* ---- claims ---- */

static void a_counter_is_new_once_to_all_instances(void **state)
{
    (void)state;
    struct session_ref *refs[N_STORES];

    assert_int_equal(put(ONE, 1), 0);
    for (int i = 0; i < N_STORES; i++)
        refs[i] = got(i, 1);
    assert_int_equal(claim(ONE, refs[ONE], 5), 0);
    assert_int_equal(claim(OTHER, refs[OTHER], 5), ERR_REPLAY);
    assert_int_equal(claim(OTHER, refs[OTHER], 6), 0);
    for (int i = 0; i < N_STORES; i++)
        session_ref_put(&refs[i]);
}

/* Answers are lost, waits are cancelled, in any order: a counter is new to one at most. */
static void nobody_is_told_new_twice(void **state)
{
    (void)state;
    enum { N_COUNTERS = 20, N_ASKED = 60 };
    struct session_ref *refs[N_STORES];
    unsigned wins[N_COUNTERS] = { 0 }, counters[N_ASKED];
    struct asked asked[N_ASKED];

    srandom(1);
    assert_int_equal(put(ONE, 1), 0);
    for (int i = 0; i < N_STORES; i++)
        refs[i] = got(i, 1);
    for (int i = 0; i < N_ASKED; i++) {
        int store = random() % N_STORES;
        struct envelope_again again = again_of(1, (uint64_t)random() % N_COUNTERS);

        counters[i] = (unsigned)random() % N_COUNTERS;
        session_store_claim(stores[store], refs[store], counters[i],
                            random() % 4 == 0 ? &again : NULL, &asked_begin(&asked[i])->wait);
        if (random() % 8 == 0)
            store_wait_cancel(&asked[i].wait);
        if (random() % 2 == 0)
            redis_double_run(random() % 4 == 0);
    }
    redis_double_run_all();
    for (int i = 0; i < N_ASKED; i++)
        wins[counters[i]] += asked[i].n_done == 1 && asked[i].result == 0;
    for (int i = 0; i < N_COUNTERS; i++)
        assert_true(wins[i] <= 1);
    for (int i = 0; i < N_STORES; i++)
        session_ref_put(&refs[i]);
}

static void a_claim_at_another_server_is_of_an_unknown_pair(void **state)
{
    (void)state;
    struct session_ref *ref;

    assert_int_equal(put(ONE, 1), 0);
    ref = got(ONE, 1);
    redis_double_fail_over(RUN_ID_2);
    assert_int_equal(claim(ONE, ref, 1), ERR_UNKNOWN);
    session_ref_put(&ref);
}

/* ---- AGAIN ---- */

static void an_again_is_asked_first_and_ends_it_where_it_is_old(void **state)
{
    (void)state;
    struct envelope_again again = again_of(1, 5);
    struct session_ref *ref;

    assert_int_equal(put(ONE, 1), 0);
    ref = got(OTHER, 1);
    assert_int_equal(claim(OTHER, ref, 5), 0);
    assert_int_equal(claim_again(OTHER, ref, 6, &again), ERR_REPLAY);
    assert_false(redis_double_bit(PAGE_NAME, 6));
    again = again_of(7, 5); /* of a pair that nobody knows */
    assert_int_equal(claim_again(OTHER, ref, 7, &again), 0);
    assert_int_equal(claim_again(OTHER, ref, 8, &again), ERR_REPLAY);
    session_ref_put(&ref);
}

static void an_again_older_than_what_redis_remembers_is_a_replay(void **state)
{
    (void)state;
    struct envelope_again again = again_of(1, 5);
    struct session_ref *ref;

    assert_int_equal(put(ONE, 1), 0);
    ref = got(ONE, 1);
    again.time_ms = steady_ms() - 11 * MINUTE_MS; /* claims are kept for a while only */
    assert_int_equal(claim_again(ONE, ref, 10, &again), ERR_REPLAY);
    again = again_of(1, 6);
    again.time_ms = steady_ms() + 9000; /* this instance has just met that server */
    assert_int_equal(claim_again(ONE, ref, 11, &again), ERR_REPLAY);
    again = again_of(1, 7);
    redis_double_set("mar1:since", "9999999999999"); /* it began later */
    assert_int_equal(claim_again(ONE, ref, 12, &again), ERR_REPLAY);
    redis_double_set("mar1:since", "nonsense");
    again.counter = 8;
    assert_int_equal(claim_again(ONE, ref, 13, &again), ERR_REPLAY);
    redis_double_set("mar1:since", "1");
    again.counter = 9;
    assert_int_equal(claim_again(ONE, ref, 14, &again), 0);
    session_ref_put(&ref);
}

static void a_redis_that_does_not_say_since_when_is_told_and_believes_no_again(void **state)
{
    (void)state;
    struct envelope_again again = again_of(1, 5);
    struct session_ref *ref;
    struct asked asked;

    redis_double_flush();
    begin_put(ONE, 1, &asked);
    assert_int_equal(end(&asked), 0);
    ref = got(ONE, 1);
    assert_int_equal(claim_again(ONE, ref, 6, &again), ERR_REPLAY);
    assert_true(redis_double_get("mar1:since").len > 0);
    session_ref_put(&ref);
}

/* ---- without it ---- */

static void local_an_instance_serves_what_it_pairs_in_the_outage(void **state)
{
    (void)state;
    struct envelope_again again = again_of(1, 5);
    struct session_ref *shared, *local, *ref;

    assert_int_equal(put(ONE, 1), 0);
    shared = got(ONE, 1);
    redis_double_connect(false);
    assert_int_equal(put(ONE, 2), ERR_BUSY); /* not away yet */
    until_outage(true);
    assert_int_equal(put(ONE, 3), 0);
    assert_int_equal(get(ONE, 1, &ref), ERR_UNKNOWN);
    assert_int_equal(get(OTHER, 3, &ref), ERR_UNKNOWN);
    local = got(ONE, 3);
    assert_int_equal(claim(ONE, local, 1), 0);
    assert_int_equal(claim(ONE, local, 1), ERR_REPLAY);
    assert_int_equal(claim_again(ONE, local, 2, &again), ERR_BUSY); /* only Redis could say */
    assert_int_equal(claim(ONE, shared, 5), ERR_BUSY);

    redis_double_connect(true);
    until_outage(false);
    redis_double_run_all();
    assert_true(redis_double_get("mar1:since").len > 1); /* it begins anew */
    assert_int_equal(get(ONE, 3, &ref), ERR_UNKNOWN);
    again = again_of(3, 1); /* its claims are known still, and where */
    assert_int_equal(claim_again(ONE, shared, 6, &again), ERR_REPLAY);
    again.counter = 2;
    assert_int_equal(claim_again(ONE, shared, 7, &again), 0);
    assert_int_equal(redis_double_get("mar1:pair:{03000000000000000000000000000003}").len, 0);
    session_ref_put(&shared);
    session_ref_put(&local);
}

static void strict_nothing_goes_on_in_an_outage(void **state)
{
    (void)state;
    const uint8_t nonce[PAIRING_NONCE_LEN] = { 1 };
    struct session_ref *shared, *ref;
    struct asked asked;

    assert_int_equal(put(ONE, 1), 0);
    shared = got(ONE, 1);
    redis_double_connect(false);
    until_outage(true);
    session_store_nonce(stores[ONE], nonce, &asked_begin(&asked)->wait);
    assert_int_equal(end(&asked), ERR_BUSY);
    assert_int_equal(put(ONE, 3), ERR_BUSY);
    assert_int_equal(get(ONE, 1, &ref), ERR_BUSY);
    assert_int_equal(claim(ONE, shared, 1), ERR_BUSY);
    redis_double_connect(true);
    until_outage(false);
    assert_int_equal(claim(ONE, shared, 1), 0);
    session_ref_put(&shared);
}

static void a_connection_that_comes_and_goes_at_once_is_no_outage(void **state)
{
    (void)state;
    redis_double_connect(false);
    redis_double_connect(true);
    for (int i = 0; i < 3; i++)
        h2o_evloop_run(loop, 3 * AWAY_AFTER_MS);
    assert_int_equal(atomic_load(shm_redis_away(shms[ONE])), 0);
    assert_int_equal(metric_sum(shms[ONE], METRIC_redis_up), 1);
}

static int start(void **state)
{
    const char *why;
    struct identity_config config = { .secret = SPAN("sharedsecret1234567890"),
                                      .client_id_secret =
                                          SPAN("2DkV4DDabehO8cifDktdF9elKJL0CKrk") };

    (void)state;
    loop = h2o_evloop_create();
    return crypto_init() < 0 || timers_new(loop, &timers) < 0 ||
           url_parse(SPAN("http://api.example"), &config.upstream, &why) < 0 ||
           identity_init(&identity, &config) < 0;
}

static int stop(void **state)
{
    (void)state;
    identity_fini(&identity);
    timers_free(&timers);
    h2o_evloop_run(loop, 0);
    h2o_evloop_destroy(loop);
    crypto_fini();
    return 0;
}

#define LOCAL(name)  cmocka_unit_test_setup_teardown(name, open_local, close_both)
#define STRICT(name) cmocka_unit_test_setup_teardown(name, open_strict, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL(a_pair_is_in_redis_before_it_is_said_to_be),
        LOCAL(a_pair_whose_storing_is_not_answered_is_busy),
        LOCAL(a_pair_is_looked_up_once_for_all_who_wait),
        LOCAL(what_is_unknown_is_not_asked_for_again_at_once),
        LOCAL(look_ups_are_bounded_and_the_bound_is_counted),
        LOCAL(a_pair_that_redis_lost_is_dropped_everywhere),
        LOCAL(a_counter_is_new_once_to_all_instances),
        LOCAL(nobody_is_told_new_twice),
        LOCAL(a_claim_at_another_server_is_of_an_unknown_pair),
        LOCAL(an_again_is_asked_first_and_ends_it_where_it_is_old),
        LOCAL(an_again_older_than_what_redis_remembers_is_a_replay),
        LOCAL(a_redis_that_does_not_say_since_when_is_told_and_believes_no_again),
        LOCAL(local_an_instance_serves_what_it_pairs_in_the_outage),
        STRICT(strict_nothing_goes_on_in_an_outage),
        LOCAL(a_connection_that_comes_and_goes_at_once_is_no_outage),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
