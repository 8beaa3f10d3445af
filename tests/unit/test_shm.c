/* SPDX-License-Identifier: MIT */
/* The memory that all processes share, and its lock. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/shm_layout.h"

enum { LEN = 10000 };

static struct shm *shm;

static int create(void **state)
{
    const struct shm_sizes sizes = { { LEN, LEN, LEN, LEN, LEN } };

    (void)state;
    return shm_create(&sizes, &shm);
}

static int destroy(void **state)
{
    (void)state;
    shm_close(&shm);
    return 0;
}

/* Forks a child that takes the lock; it dies holding it, by SIGKILL, once its end of the pipe
 * reads. */
static pid_t fork_owner(int *go_r)
{
    int go[2], held[2];
    pid_t pid;
    char c;

    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(held), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (shm_lock(shm) != 0 || write(held[1], "h", 1) != 1)
            _exit(1);
        close(go[1]);
        (void)!read(go[0], &c, 1);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(read(held[0], &c, 1), 1);
    close(held[0]);
    close(held[1]);
    close(go[0]);
    *go_r = go[1];
    return pid;
}

static void let_die(pid_t pid, int go)
{
    int status;

    close(go);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void fill(enum shm_region region)
{
    memset(shm_at(shm, region), 0xab, shm_len(shm, region));
}

static bool is_all(enum shm_region region, uint8_t byte)
{
    const uint8_t *at = shm_at(shm, region);

    for (size_t i = 0; i < shm_len(shm, region); i++) {
        if (at[i] != byte)
            return false;
    }
    return true;
}

static void every_region_is_whole_zeroed_and_apart_from_the_others(void **state)
{
    (void)state;
    for (int i = 0; i < N_SHM_REGIONS; i++) {
        assert_true(shm_len(shm, (enum shm_region)i) >= LEN);
        assert_int_equal((uintptr_t)shm_at(shm, (enum shm_region)i) % 4096, 0);
        assert_true(is_all((enum shm_region)i, 0));
    }
    for (int i = 0; i < N_SHM_REGIONS; i++)
        memset(shm_at(shm, (enum shm_region)i), i + 1, shm_len(shm, (enum shm_region)i));
    for (int i = 0; i < N_SHM_REGIONS; i++)
        assert_true(is_all((enum shm_region)i, (uint8_t)(i + 1)));
    assert_int_equal(shm_generation(shm), 0);
    assert_true(clock_mono_ms() - shm_began_ms(shm) < 60000);
}

static void who_attaches_sees_the_same_bytes(void **state)
{
    struct shm *other;

    (void)state;
    fill(SHM_CLAIMS);
    assert_int_equal(shm_attach(shm_fd(shm), &other), 0);
    assert_ptr_not_equal(shm_at(other, SHM_CLAIMS), shm_at(shm, SHM_CLAIMS));
    assert_int_equal(shm_len(other, SHM_CLAIMS), shm_len(shm, SHM_CLAIMS));
    assert_memory_equal(shm_at(other, SHM_CLAIMS), shm_at(shm, SHM_CLAIMS), LEN);
    assert_int_equal(shm_began_ms(other), shm_began_ms(shm));
    assert_int_equal(shm_lock(other), 0);
    shm_unlock(other);
    shm_close(&other);
    assert_null(other);
    shm_close(&other);
}

static void nobody_can_change_its_size(void **state)
{
    (void)state;
    assert_int_equal(ftruncate(shm_fd(shm), 4096), -1);
    assert_int_equal(errno, EPERM);
}

static void what_is_not_such_a_memory_is_not_attached(void **state)
{
    struct shm *other = NULL;
    uint32_t version = SHM_VERSION + 1;
    uint64_t len;
    int fd = memfd_create("other", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(shm_attach(fd, &other), ERR_FORMAT);
    assert_int_equal(ftruncate(fd, 65536), 0);
    assert_int_equal(shm_attach(fd, &other), ERR_FORMAT);
    close(fd);

    assert_int_equal(pread(shm_fd(shm), &len, sizeof(len), 16), sizeof(len));
    len += 4096; /* a region that reaches past the end */
    assert_int_equal(pwrite(shm_fd(shm), &len, sizeof(len), 16), sizeof(len));
    assert_int_equal(shm_attach(shm_fd(shm), &other), ERR_FORMAT);
    assert_int_equal(pwrite(shm_fd(shm), &version, sizeof(version), 8), sizeof(version));
    assert_int_equal(shm_attach(shm_fd(shm), &other), ERR_UNSUPPORTED);
    assert_null(other);
}

static void a_lock_that_is_held_is_waited_for_no_longer_than_its_bound(void **state)
{
    uint64_t before, waited;
    int go;
    pid_t pid = fork_owner(&go);

    (void)state;
    before = clock_mono_ms();
    assert_int_equal(shm_lock(shm), ERR_BUSY);
    waited = clock_mono_ms() - before;
    assert_in_range(waited, 40, 5000); /* 50, seen by a clock that ticks */
    assert_int_equal(shm_generation(shm), 0);
    let_die(pid, go);
}

static void an_owner_that_died_leaves_pairs_and_claims_empty_and_the_rest_alone(void **state)
{
    uint64_t began = shm_began_ms(shm);
    const struct timespec tick = { 0, 20000000 }; /* longer than any of the clock */
    int go;
    pid_t pid = fork_owner(&go);

    (void)state;
    for (int i = 0; i < N_SHM_REGIONS; i++)
        fill((enum shm_region)i);
    nanosleep(&tick, NULL);
    let_die(pid, go);
    assert_int_equal(shm_generation(shm), 0);
    assert_int_equal(shm_lock(shm), 0);
    assert_int_equal(shm_generation(shm), 1);
    assert_true(shm_began_ms(shm) > began);
    assert_true(is_all(SHM_PAIRS, 0));
    assert_true(is_all(SHM_CLAIMS, 0));
    assert_true(is_all(SHM_METRICS, 0xab));
    assert_true(is_all(SHM_HEARTBEATS, 0xab));
    shm_unlock(shm);

    fill(SHM_PAIRS); /* and from there on it is a lock as before */
    assert_int_equal(shm_lock(shm), 0);
    assert_int_equal(shm_generation(shm), 1);
    assert_true(is_all(SHM_PAIRS, 0xab));
    shm_unlock(shm);
}

static void the_heir_may_die_too(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        int go;
        pid_t pid = fork_owner(&go);

        let_die(pid, go);
    }
    assert_int_equal(shm_lock(shm), 0);
    assert_int_equal(shm_generation(shm), 3);
    shm_unlock(shm);
}

static void the_layout_has_room_for_what_it_promises(void **state)
{
    const struct shm_sizes sizes = shm_layout(4096, 8192);

    (void)state;
    assert_true(sizes.bytes[SHM_PAIRS] >= 4 * 4096 * 256 + 65536 * 64);
    assert_true(sizes.bytes[SHM_CLAIMS] >= 8192 * 4096);
    shm_close(&shm);
    assert_int_equal(shm_create(&sizes, &shm), 0);
    assert_non_null(metric_block(shm, SHM_N_SLOTS));
    assert_ptr_equal(shm_heartbeat(shm, SHM_N_SLOTS),
                     (uint8_t *)shm_at(shm, SHM_HEARTBEATS) + 64 * SHM_N_SLOTS);
    assert_true(shm_len(shm, SHM_HEARTBEATS) >= 64 * SHM_N_SLOTS);
}

#define IN_FRESH_MEMORY(test) cmocka_unit_test_setup_teardown(test, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FRESH_MEMORY(every_region_is_whole_zeroed_and_apart_from_the_others),
        IN_FRESH_MEMORY(who_attaches_sees_the_same_bytes),
        IN_FRESH_MEMORY(nobody_can_change_its_size),
        IN_FRESH_MEMORY(what_is_not_such_a_memory_is_not_attached),
        IN_FRESH_MEMORY(a_lock_that_is_held_is_waited_for_no_longer_than_its_bound),
        IN_FRESH_MEMORY(an_owner_that_died_leaves_pairs_and_claims_empty_and_the_rest_alone),
        IN_FRESH_MEMORY(the_heir_may_die_too),
        IN_FRESH_MEMORY(the_layout_has_room_for_what_it_promises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
