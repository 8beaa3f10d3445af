/* SPDX-License-Identifier: MIT */
/* The store's door: pairs with their keys, cached but never beyond the truth of the memory. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/metric.h"
#include "common/shm.h"
#include "tests/unit/store_asked.h"

enum { MAX_CACHED = 4 };

static struct shm *shm;
static struct metric_block metrics;
static struct session_store *store, *other; /* two workers over one memory */

static int end(struct asked *asked)
{
    assert_int_equal(asked->n_done, 1);
    store_wait_cancel(&asked->wait);
    return asked->result;
}

static int put(struct session_store *s, uint8_t id, uint64_t lifetime_ms)
{
    struct session session = { .secret = { .id = { id, [15] = id }, .suite = SUITE_AES_256_GCM },
                               .created_mono_ms = clock_mono_ms(),
                               .expires_mono_ms = clock_mono_ms() + lifetime_ms };
    struct asked asked;

    session_store_put(s, &session, &asked_begin(&asked)->wait);
    return end(&asked);
}

static int get(struct session_store *s, uint8_t id, struct session_ref **ref_r)
{
    const uint8_t bytes[PAIR_ID_LEN] = { id, [15] = id };
    struct asked asked;

    session_store_get(s, bytes, ref_r, &asked_begin(&asked)->wait);
    return end(&asked);
}

static int claim(struct session_store *s, struct session_ref *ref, uint64_t counter)
{
    struct asked asked;

    session_store_claim(s, ref, counter, NULL, &asked_begin(&asked)->wait);
    return end(&asked);
}

static int open_all(void **state)
{
    struct shm_sizes sizes = { { 4096, 4096, 1 << 20, 64 * 4160 } };
    struct session_store_config config = {
        .pairs_per_node = 100, .pairing_rate = 10, .max_cached = MAX_CACHED, .metrics = &metrics
    };

    (void)state;
    assert_int_equal(shm_create(&sizes, &shm), 0);
    config.shm = shm;
    assert_int_equal(session_store_new(&config, &store), 0);
    assert_int_equal(session_store_new(&config, &other), 0);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    session_store_free(&store);
    session_store_free(&other);
    shm_close(&shm);
    return 0;
}

static void a_pair_of_one_worker_is_found_by_another(void **state)
{
    (void)state;
    struct session_ref *ref = NULL;

    assert_int_equal(get(other, 1, &ref), ERR_UNKNOWN);
    assert_null(ref);
    assert_int_equal(put(store, 1, 60000), 0);
    assert_int_equal(get(other, 1, &ref), 0);
    assert_non_null(ref->keys);
    assert_int_equal(ref->session.secret.suite, SUITE_AES_256_GCM);
    session_ref_put(&ref);
    assert_null(ref);
    session_ref_put(&ref);
}

static void keys_are_made_once_and_live_as_long_as_a_reference(void **state)
{
    (void)state;
    struct session_ref *first = NULL, *refs[2 * MAX_CACHED] = { NULL };

    for (uint8_t id = 0; id < 2 * MAX_CACHED; id++)
        assert_int_equal(put(store, id, 60000), 0);
    assert_int_equal(get(store, 0, &first), 0);
    assert_int_equal(get(store, 0, &refs[0]), 0);
    assert_ptr_equal(refs[0], first); /* from the cache */
    session_ref_put(&refs[0]);
    for (uint8_t id = 1; id < 2 * MAX_CACHED; id++) /* pushes it out */
        assert_int_equal(get(store, id, &refs[id]), 0);
    assert_int_equal(get(store, 0, &refs[0]), 0);
    assert_ptr_not_equal(refs[0], first);
    assert_non_null(first->keys);
    assert_int_equal(claim(store, first, 1), 0);
    assert_int_equal(claim(store, refs[0], 1), ERR_REPLAY);
    session_ref_put(&first);
    for (uint8_t id = 0; id < 2 * MAX_CACHED; id++)
        session_ref_put(&refs[id]);
}

static void workers_share_claims(void **state)
{
    (void)state;
    struct session_ref *ours = NULL, *theirs = NULL;

    assert_int_equal(put(store, 1, 60000), 0);
    assert_int_equal(get(store, 1, &ours), 0);
    assert_int_equal(get(other, 1, &theirs), 0);
    assert_int_equal(claim(store, ours, 5), 0);
    assert_int_equal(claim(other, theirs, 5), ERR_REPLAY);
    assert_int_equal(claim(other, theirs, 6), 0);
    assert_int_equal(claim(store, ours, 6), ERR_REPLAY);
    session_ref_put(&ours);
    session_ref_put(&theirs);
}

static void a_pair_that_ended_is_unknown_cached_or_not(void **state)
{
    (void)state;
    struct session_ref *ref = NULL, *again = NULL;

    assert_int_equal(put(store, 1, 50), 0);
    assert_int_equal(get(store, 1, &ref), 0);
    usleep(60 * 1000);
    assert_int_equal(claim(store, ref, 0), ERR_UNKNOWN);
    assert_int_equal(get(store, 1, &again), ERR_UNKNOWN);
    assert_null(again);
    session_store_sweep(store);
    assert_non_null(ref->keys); /* a response may still be on its way */
    session_ref_put(&ref);
}

static void an_emptied_memory_ends_the_cached_pairs_of_all(void **state)
{
    (void)state;
    struct session_ref *ref = NULL, *again = NULL;
    pid_t pid;

    assert_int_equal(put(store, 1, 60000), 0);
    assert_int_equal(get(store, 1, &ref), 0);
    pid = fork();
    if (pid == 0) {
        if (shm_lock(shm) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(put(other, 2, 60000), 0); /* takes the same cell */
    assert_int_equal(claim(store, ref, 0), ERR_UNKNOWN);
    assert_int_equal(get(store, 1, &again), ERR_UNKNOWN);
    assert_int_equal(get(store, 2, &again), 0);
    session_ref_put(&ref);
    session_ref_put(&again);
}

static int start(void **state)
{
    (void)state;
    return crypto_init();
}

static int stop(void **state)
{
    (void)state;
    crypto_fini();
    return 0;
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(a_pair_of_one_worker_is_found_by_another),
        LAW(keys_are_made_once_and_live_as_long_as_a_reference),
        LAW(workers_share_claims),
        LAW(a_pair_that_ended_is_unknown_cached_or_not),
        LAW(an_emptied_memory_ends_the_cached_pairs_of_all),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
