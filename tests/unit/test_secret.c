/* SPDX-License-Identifier: MIT */
/* Secrets: compared whole, wiped whole. That time tells nothing is shown by tests/ct. */
#include "tests/unit/unit.h"

#include "common/secret.h"

static void equal_is_same_length_and_same_bytes(void **state)
{
    (void)state;
    assert_true(secret_equal(SPAN("abc"), SPAN("abc")));
    assert_true(secret_equal(SPAN_NONE, SPAN("")));
    assert_false(secret_equal(SPAN("abc"), SPAN("ab")));
    assert_false(secret_equal(SPAN("ab"), SPAN("abc")));
    assert_false(secret_equal(SPAN("ab"), SPAN("ab\0")));
    assert_false(secret_equal(SPAN("ab\0"), SPAN("ab")));
    assert_false(secret_equal(SPAN_NONE, SPAN("a")));
    assert_false(secret_equal(SPAN("a"), SPAN_NONE));
}

static void any_flipped_bit_is_a_difference(void **state)
{
    uint8_t a[SECRET_KEY_LEN], b[SECRET_KEY_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof(a); i++)
        a[i] = b[i] = (uint8_t)(i * 37);
    assert_true(secret_equal(span_of(a, sizeof(a)), span_of(b, sizeof(b))));
    for (size_t bit = 0; bit < sizeof(a) * 8; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(secret_equal(span_of(a, sizeof(a)), span_of(b, sizeof(b))));
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* 256 differences must not add up to none. */
static void differences_do_not_cancel_out(void **state)
{
    uint8_t a[512] = { 0 }, b[512];

    (void)state;
    memset(b, 1, sizeof(b));
    assert_false(secret_equal(span_of(a, sizeof(a)), span_of(b, sizeof(b))));
    assert_false(secret_equal(span_of(a, 256), span_of(a, 512)));
    assert_false(secret_equal(span_of(a, 512), span_of(a, 256)));
}

static void wiping_leaves_zeros_and_the_neighbours(void **state)
{
    uint8_t bytes[10];

    (void)state;
    memset(bytes, 0xff, sizeof(bytes));
    secret_wipe(bytes + 1, 8);
    assert_int_equal(bytes[0] & bytes[9], 0xff);
    for (size_t i = 1; i < 9; i++)
        assert_int_equal(bytes[i], 0);
    secret_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_is_same_length_and_same_bytes),
        cmocka_unit_test(any_flipped_bit_is_a_difference),
        cmocka_unit_test(differences_do_not_cancel_out),
        cmocka_unit_test(wiping_leaves_zeros_and_the_neighbours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
