/* SPDX-License-Identifier: MIT */
/* What a burst leaves in the heap goes back to the system. (Limits: test_cores.) */
#include "tests/unit/unit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"

enum { BLOCK = 100000, N_BLOCKS = 1000, PINNED_EVERY = 20 };

static void *blocks[N_BLOCKS];

/* Bytes of this process in memory. */
static size_t resident(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void burst(void)
{
    for (size_t i = 0; i < N_BLOCKS; i++) {
        blocks[i] = malloc(BLOCK);
        assert_non_null(blocks[i]);
        memset(blocks[i], 1, BLOCK);
    }
}

/* All but some in between, so that the heap cannot shrink from its end. */
static void subside(void)
{
    for (size_t i = 0; i < N_BLOCKS; i++) {
        if (i % PINNED_EVERY == PINNED_EVERY - 1)
            continue;
        free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void end(void)
{
    for (size_t i = 0; i < N_BLOCKS; i++) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void what_a_burst_leaves_goes_back(void **state)
{
    size_t before;

    (void)state;
#ifdef WITH_ASAN
    skip(); /* its allocator is another */
#endif
    burst();
    subside();
    before = resident();
    assert_true(memory_give_back());
    assert_true(resident() + (size_t)BLOCK * N_BLOCKS / 2 < before);
    for (size_t i = 0; i < N_BLOCKS; i++) {
        const uint8_t *at = blocks[i];

        assert_true(at == NULL || (at[0] == 1 && at[BLOCK - 1] == 1));
    }
    end();
}

static void nothing_is_given_back_in_the_middle_of_a_burst(void **state)
{
    (void)state;
    burst();
    assert_false(memory_give_back());
    end();
}

static void what_is_little_is_kept(void **state)
{
    (void)state;
    free(malloc(BLOCK));
    assert_false(memory_give_back());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_little_is_kept),
        cmocka_unit_test(nothing_is_given_back_in_the_middle_of_a_burst),
        cmocka_unit_test(what_a_burst_leaves_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
