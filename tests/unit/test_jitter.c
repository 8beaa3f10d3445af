/* SPDX-License-Identifier: MIT */
/* Waits of random length. */
#include "tests/unit/unit.h"

#include "common/crypto.h"
#include "worker/jitter.h"

static void a_wait_is_between_its_base_and_twice_that_and_varies(void **state)
{
    uint64_t least = UINT64_MAX, most = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t ms = jittered(1000);

        assert_in_range(ms, 1000, 2000);
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    assert_true(most - least > 500);
    assert_int_equal(0, jittered(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_between_its_base_and_twice_that_and_varies),
    };

    return crypto_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
