/* SPDX-License-Identifier: MIT */
/*
 * The shared memory as arbiter, among real processes: whoever is killed wherever, nothing is ever
 * won twice.
 */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/secret.h"
#include "tests/unit/memory_claim.h"

enum { PAIRS_LEN = 1 << 20, CLAIMS_LEN = 64 * 4160, N_COUNTERS = 4096, N_PROCESSES = 4 };

static struct shm *shm;
static struct store_memory memory;
static _Atomic uint32_t *wins; /* of each counter, shared by the processes of a test */

static int open_all(void **state)
{
    struct shm_sizes sizes = { { [SHM_METRICS] = 4096,
                                 [SHM_HEARTBEATS] = 4096,
                                 [SHM_PAIRS] = PAIRS_LEN,
                                 [SHM_CLAIMS] = CLAIMS_LEN } };

    (void)state;
    assert_int_equal(shm_create(&sizes, &shm), 0);
    assert_int_equal(store_memory_open(&memory, shm, 100, 10), 0);
    wins = mmap(NULL, N_COUNTERS * sizeof(*wins), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(wins, MAP_FAILED);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    munmap((void *)(uintptr_t)wins, N_COUNTERS * sizeof(*wins));
    shm_close(&shm);
    return 0;
}

static struct session new_pair(uint8_t id)
{
    uint64_t now_ms = clock_mono_ms();
    struct session session = { .secret = { .id = { id }, .suite = SUITE_AES_256_GCM },
                               .node = { 1 },
                               .created_mono_ms = now_ms,
                               .expires_mono_ms = now_ms + 3600 * 1000 };

    assert_int_equal(store_memory_put(&memory, &session), 0);
    return session;
}

static struct store_place found(const struct session *session)
{
    struct store_place place;
    struct session got;

    assert_int_equal(store_memory_find(&memory, session->secret.id, &got, &place), 0);
    assert_memory_equal(&got, session, sizeof(got));
    return place;
}

/* Dies holding the lock; the next owner empties the memory. */
static void die_inside(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (shm_lock(shm) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_counter_is_claimed_once_and_its_first_sending_with_it(void **state)
{
    (void)state;
    struct session session = new_pair(1);
    struct store_place place = found(&session);
    struct envelope_again again = { .pair_id = { 9 },
                                    .counter = 5, /* a pair unknown here */
                                    .time_ms = clock_wall_ms() + 3600 * 1000 };

    assert_int_equal(memory_claim(&memory, &place, &session, 1, &again), 0);
    assert_int_equal(memory_claim(&memory, &place, &session, 1, NULL), ERR_REPLAY);
    assert_int_equal(memory_claim(&memory, &place, &session, 2, &again), ERR_REPLAY);
    again.counter = 1;
    memcpy(again.pair_id, session.secret.id, PAIR_ID_LEN);
    assert_int_equal(memory_claim(&memory, &place, &session, 3, &again), ERR_REPLAY);
    again.counter = 4; /* names itself */
    assert_int_equal(memory_claim(&memory, &place, &session, 4, &again), ERR_REPLAY);
}

/* By the wall clock as it goes now. */
static uint64_t began_ms(void)
{
    return clock_wall_ms() - (clock_mono_ms() - shm_began_ms(shm));
}

static void an_again_from_before_the_memory_began_is_a_replay(void **state)
{
    (void)state;
    struct session session = new_pair(1);
    struct store_place place = found(&session);
    struct envelope_again again = { .pair_id = { 9 } };

    again.time_ms = began_ms() + 9990; /* two clocks have been rounded */
    assert_int_equal(memory_claim(&memory, &place, &session, 1, &again), ERR_REPLAY);
    again.time_ms = began_ms() + 10010;
    again.counter = 1;
    assert_int_equal(memory_claim(&memory, &place, &session, 2, &again), 0);
}

/* As if it had begun so much earlier: the one word of the header, before the regions, that says it.
 */
static void age_memory(uint64_t ms)
{
    uint64_t *words = (uint64_t *)shm_at(shm, SHM_METRICS), before_ms = shm_began_ms(shm);

    do
        words--;
    while (*words != before_ms);
    *words -= ms;
    assert_int_equal(shm_began_ms(shm), before_ms - ms);
}

static void an_again_older_than_claims_are_surely_kept_is_a_replay(void **state)
{
    (void)state;
    struct session session = new_pair(1);
    struct store_place place = found(&session);
    uint64_t now_ms = clock_wall_ms();
    struct envelope_again again = { .pair_id = { 9 } };

    age_memory(24 * 3600 * 1000);
    again.time_ms = now_ms - (10 * 60 - 30) * 1000;
    assert_int_equal(memory_claim(&memory, &place, &session, 1, &again), 0);
    again.counter = 1; /* its claim, if there was one, may have gone with its page */
    again.time_ms = now_ms - 10 * 60 * 1000 - 1;
    assert_int_equal(memory_claim(&memory, &place, &session, 2, &again), ERR_REPLAY);
    again.counter = 2;
    again.time_ms = now_ms - 12 * 3600 * 1000;
    assert_int_equal(memory_claim(&memory, &place, &session, 3, &again), ERR_REPLAY);
}

/* A sender may know our clock as it was before it was set back, and is then ahead of it by as much
 * as ours has gone slower since. */
static void an_again_from_the_first_quarter_of_the_memory_is_a_replay(void **state)
{
    (void)state;
    struct session session = new_pair(1);
    struct store_place place = found(&session);
    struct envelope_again again = { .pair_id = { 9 } };

    age_memory(400 * 1000);
    again.time_ms = began_ms() + 99 * 1000;
    assert_int_equal(memory_claim(&memory, &place, &session, 1, &again), ERR_REPLAY);
    again.time_ms = began_ms() + 101 * 1000;
    again.counter = 1;
    assert_int_equal(memory_claim(&memory, &place, &session, 2, &again), 0);
}

static void a_pair_that_ended_after_it_was_found_claims_nothing(void **state)
{
    (void)state;
    struct session session = new_pair(1), old = session;
    struct store_place place = found(&session);

    old.expires_mono_ms = clock_mono_ms();
    assert_int_equal(memory_claim(&memory, &place, &old, 1, NULL), ERR_UNKNOWN);
    assert_int_equal(memory_claim(&memory, &place, &session, 1, NULL), 0);
    shared_table_remove(&memory.pairs.pairs, place.ref.index); /* as an eviction does */
    assert_int_equal(memory_claim(&memory, &place, &session, 2, NULL), ERR_UNKNOWN);
    assert_false(store_memory_holds(&memory, &place, &session));
}

static void an_emptied_memory_knows_no_pair_from_before(void **state)
{
    (void)state;
    struct session session = new_pair(1), other;
    struct store_place place = found(&session), new_place;
    struct envelope_again again = { .time_ms = clock_wall_ms() };
    uint64_t generation = shm_generation(shm);

    assert_int_equal(memory_claim(&memory, &place, &session, 1, NULL), 0);
    die_inside();
    other = new_pair(2);
    assert_int_equal(shm_generation(shm), generation + 1);
    assert_int_equal(memory_claim(&memory, &place, &session, 1, NULL), ERR_UNKNOWN);
    assert_int_equal(memory_claim(&memory, &place, &session, 2, NULL), ERR_UNKNOWN);
    /* Not even if the cell is as it was: only the generation tells. */
    new_place = found(&other);
    assert_int_equal(new_place.ref.index, place.ref.index);
    assert_int_equal(new_place.ref.version, place.ref.version);
    assert_false(store_memory_holds(&memory, &place, &session));
    /* And what was sent under it does not run again by its first sending. */
    memcpy(again.pair_id, session.secret.id, PAIR_ID_LEN);
    again.counter = 1;
    assert_int_equal(memory_claim(&memory, &new_place, &other, 1, &again), ERR_REPLAY);
}

static void nonces_are_seen_once(void **state)
{
    (void)state;
    uint8_t nonce[PAIRING_NONCE_LEN] = { 1 };

    assert_int_equal(store_memory_nonce(&memory, nonce), 0);
    assert_int_equal(store_memory_nonce(&memory, nonce), ERR_REPLAY);
    nonce[31] = 1;
    assert_int_equal(store_memory_nonce(&memory, nonce), 0);
}

static void a_node_pairs_no_faster_than_its_rate(void **state)
{
    (void)state;
    uint8_t node[NODE_LEN] = { 1 }, other[NODE_LEN] = { 2 };
    unsigned n = 0;

    while (n < 200 && store_memory_pairing_allowed(&memory, node) == 0)
        n++;
    assert_in_range(n, 100, 110); /* ten seconds' worth, and what a slow machine adds */
    assert_int_equal(store_memory_pairing_allowed(&memory, other), 0);
}

static void a_memory_too_small_is_refused(void **state)
{
    (void)state;
    struct shm_sizes sizes = { { 4096, 4096, 4096, CLAIMS_LEN } };
    struct store_memory m;
    struct shm *small;

    assert_int_equal(shm_create(&sizes, &small), 0);
    assert_int_equal(store_memory_open(&m, small, 100, 10), ERR_LIMIT);
    shm_close(&small);
}

/* Claims all counters, each in a place of its own, beginning anywhere; counts what it wins. */
static void claim_all(const struct session *session, unsigned seed)
{
    struct store_place place;
    struct session got;

    if (store_memory_find(&memory, session->secret.id, &got, &place) < 0)
        return;
    for (uint32_t i = 0; i < N_COUNTERS; i++) {
        uint32_t n = (i * 1021 + seed * 577) % N_COUNTERS; /* 1021 is odd: meets all */
        uint64_t counter = (uint64_t)(n % 8) * CLAIM_PAGE_BITS + n / 8;
        int r = memory_claim(&memory, &place, session, counter, NULL);

        if (r == 0)
            atomic_fetch_add(&wins[n], 1);
        else if (r == ERR_UNKNOWN)
            return;
    }
}

static pid_t start_claimer(const struct session *session, unsigned seed)
{
    pid_t pid = fork();

    if (pid == 0) {
        claim_all(session, seed);
        _exit(0);
    }
    assert_true(pid > 0);
    return pid;
}

static void many_processes_win_each_counter_exactly_once(void **state)
{
    (void)state;
    struct session session = new_pair(1);
    pid_t pids[N_PROCESSES];

    for (unsigned i = 0; i < N_PROCESSES; i++)
        pids[i] = start_claimer(&session, i);
    for (unsigned i = 0; i < N_PROCESSES; i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    for (uint32_t n = 0; n < N_COUNTERS; n++)
        assert_int_equal(wins[n], 1);
}

/* Changes the tables all the time: inserts, removes, allocates, so that deaths fall inside. */
static void make_noise(unsigned seed)
{
    uint8_t nonce[PAIRING_NONCE_LEN] = { 0 };

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
    for (uint64_t i = 0;; i++) {
        memcpy(nonce, &i, sizeof(i));
        nonce[31] = (uint8_t)seed;
        (void)!store_memory_nonce(&memory, nonce);
        store_memory_sweep(&memory);
    }
}

static void killed_anywhere_nothing_is_won_twice(void **state)
{
    (void)state;
    enum { ROUNDS = 60 };
    unsigned n_won = 0;

    srandom(4);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct session session = new_pair((uint8_t)round);
        pid_t pids[N_PROCESSES], noisy = fork();

        if (noisy == 0)
            make_noise(round);
        for (uint32_t n = 0; n < N_COUNTERS; n++)
            wins[n] = 0;
        for (unsigned i = 0; i < N_PROCESSES; i++)
            pids[i] = start_claimer(&session, i);
        usleep((useconds_t)(random() % 3000));
        kill(noisy, SIGKILL);
        kill(pids[round % N_PROCESSES], SIGKILL);
        assert_int_equal(waitpid(noisy, NULL, 0), noisy);
        for (unsigned i = 0; i < N_PROCESSES; i++)
            assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        claim_all(&session, round); /* what is left, if the pair is */
        for (uint32_t n = 0; n < N_COUNTERS; n++) {
            assert_true(wins[n] <= 1);
            n_won += wins[n];
        }
    }
    print_message("%u claims won, emptied %u times\n", n_won, (unsigned)shm_generation(shm));
    assert_true(n_won > N_COUNTERS && shm_generation(shm) > 0);
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(a_counter_is_claimed_once_and_its_first_sending_with_it),
        LAW(an_again_from_before_the_memory_began_is_a_replay),
        LAW(an_again_from_the_first_quarter_of_the_memory_is_a_replay),
        LAW(an_again_older_than_claims_are_surely_kept_is_a_replay),
        LAW(a_pair_that_ended_after_it_was_found_claims_nothing),
        LAW(an_emptied_memory_knows_no_pair_from_before),
        LAW(nonces_are_seen_once),
        LAW(a_node_pairs_no_faster_than_its_rate),
        LAW(a_memory_too_small_is_refused),
        LAW(many_processes_win_each_counter_exactly_once),
        LAW(killed_anywhere_nothing_is_won_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
