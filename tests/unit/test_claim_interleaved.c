/* SPDX-License-Identifier: MIT */
/*
 * A claim without the lock, and a sweep beside it: one of the two runs in a process that is stopped
 * after its first, second, third ... instruction, while the other runs to its end. Wherever that
 * is, a counter that was won stays won.
 */
#include "tests/unit/unit.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/memory_claim.h"
#include "worker/claim.h"

enum { N_PAGES = 4, COUNTER = 10, HALF_HOUR_MS = 30 * 60 * 1000, N_PLACES = 150, N_WIPES = 100 };

static const uint64_t before_ms = 1 << 30, now_ms = before_ms + HALF_HOUR_MS + 2000;
static const uint8_t pair[PAIR_ID_LEN] = { 1 }, other[PAIR_ID_LEN] = { 2 };
static struct claims claims;

static struct shared {
    int result;
    bool done;
    uint64_t memory[(N_PAGES * 4148 + 72) / 8 + 1];
} * shared;

static void claim_it(void)
{
    shared->result = claims_try(&claims, pair, COUNTER, now_ms);
}

/* What another worker does under the lock: the page that is over goes, to another pair. */
static void sweep_it(void)
{
    claims_sweep(&claims, N_PAGES, now_ms);
}

static void sweep_and_give_away(void)
{
    sweep_it();
    assert_int_equal(claims_take(&claims, other, COUNTER, now_ms), 0);
}

/* A page of the pair that was last written to just over half an hour ago. */
static void set_up(void)
{
    memset(shared, 0, sizeof(*shared));
    shared->result = ERR_UNKNOWN;
    assert_int_equal(claims_open(&claims, shared->memory, sizeof(shared->memory)), 0);
    assert_int_equal(claims_take(&claims, pair, COUNTER - 1, before_ms), 0);
}

/* A process that stands before the first instruction of what it does. */
static pid_t start(void (*what)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(1);
        raise(SIGSTOP);
        what();
        shared->done = true;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSTOPPED(status))
        return pid;
    return 0; /* tracing is not allowed here */
}

/* False when it is done with what it does. */
static bool step(pid_t pid)
{
    int status;

    assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSTOPPED(status));
    return !shared->done;
}

/* n times, or until it is done: how many steps it takes differs from run to run. */
static void step_often(pid_t pid, unsigned n)
{
    while (n-- > 0 && step(pid))
        ;
}

static void finish(pid_t pid)
{
    int status;

    assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static unsigned count_steps(void (*what)(void))
{
    unsigned n = 0;
    pid_t pid;

    pid = start(what);
    if (pid == 0)
        skip();
    while (step(pid))
        n++;
    finish(pid);
    return n;
}

static void won_stays_won(void (*stopped)(void), void (*meanwhile)(void))
{
    unsigned n_steps, stride, n_won = 0, n_not = 0;

    set_up();
    n_steps = count_steps(stopped);
    stride = n_steps / N_PLACES + 1;
    for (unsigned n = 0; n <= n_steps; n += stride) {
        pid_t pid;
        int again;

        set_up();
        pid = start(stopped);
        step_often(pid, n);
        meanwhile();
        finish(pid);
        again = claims_take(&claims, pair, COUNTER, now_ms);
        assert_false(shared->result == 0 && again == 0);
        n_won += shared->result == 0;
        n_not += shared->result == ERR_UNKNOWN;
    }
    print_message("%u steps: won at %u places, not at %u\n", n_steps, n_won, n_not);
    assert_true(n_won > 0 && n_not > 0);
}

static void a_claim_stopped_anywhere_while_its_page_is_freed(void **state)
{
    (void)state;
    won_stays_won(claim_it, sweep_it);
}

static void a_claim_stopped_anywhere_while_its_page_goes_to_another_pair(void **state)
{
    (void)state;
    won_stays_won(claim_it, sweep_and_give_away);
}

static void a_sweep_stopped_anywhere_while_its_page_is_claimed_in(void **state)
{
    (void)state;
    won_stays_won(sweep_it, claim_it);
}

/* ---- the whole memory, emptied because an owner of the lock died ---- */

static struct shm *shm;
static struct store_memory store;
static struct session session;
static struct store_place place;

static void claim_in_store(void)
{
    shared->result = memory_claim(&store, &place, &session, COUNTER, NULL);
}

/* A counter that was claimed: a claim of it that wins would be a second one. */
static void set_up_store(void)
{
    struct shm_sizes sizes = { { 4096, 4096, 1 << 18, 16 * 4160 } };
    struct session got;

    shared->done = false;
    shm_close(&shm);
    assert_int_equal(shm_create(&sizes, &shm), 0);
    assert_int_equal(store_memory_open(&store, shm, 10, 10), 0);
    session = (struct session){ .created_mono_ms = clock_mono_ms(),
                                .expires_mono_ms = clock_mono_ms() + HALF_HOUR_MS };
    assert_int_equal(store_memory_put(&store, &session), 0);
    assert_int_equal(store_memory_find(&store, session.secret.id, &got, &place), 0);
    claim_in_store();
    assert_int_equal(shared->result, 0);
}

/* And used again at once, so that its cells look as those did that were there before. */
static void empty_the_memory(void)
{
    struct session new = session;
    pid_t pid = fork();

    if (pid == 0) {
        if (shm_lock(shm) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(shm_lock(shm), 0);
    memcpy(new.secret.id, other, PAIR_ID_LEN);
    assert_int_equal(session_table_put(&store.pairs, &new, clock_mono_ms()), 0);
    assert_int_equal(claims_take(&store.claims, other, 0, clock_mono_ms()), 0);
    shm_unlock(shm);
}

static void a_claim_stopped_anywhere_while_the_memory_is_emptied(void **state)
{
    (void)state;
    unsigned n_steps, n_unknown = 0;

    set_up_store();
    n_steps = count_steps(claim_in_store);
    for (unsigned n = 0; n <= n_steps; n += n_steps / N_WIPES + 1) {
        pid_t pid;

        set_up_store();
        pid = start(claim_in_store);
        step_often(pid, n);
        empty_the_memory();
        finish(pid);
        assert_true(shared->result == ERR_UNKNOWN || shared->result == ERR_REPLAY);
        n_unknown += shared->result == ERR_UNKNOWN;
    }
    shm_close(&shm);
    print_message("%u steps: unknown at %u places\n", n_steps, n_unknown);
    assert_true(n_unknown > 0);
}

static int map(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared != MAP_FAILED ? 0 : -1;
}

static int unmap(void **state)
{
    (void)state;
    return munmap(shared, sizeof(*shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_stopped_anywhere_while_its_page_is_freed),
        cmocka_unit_test(a_claim_stopped_anywhere_while_its_page_goes_to_another_pair),
        cmocka_unit_test(a_sweep_stopped_anywhere_while_its_page_is_claimed_in),
        cmocka_unit_test(a_claim_stopped_anywhere_while_the_memory_is_emptied),
    };

    return cmocka_run_group_tests(tests, map, unmap);
}
