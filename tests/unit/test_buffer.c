/* SPDX-License-Identifier: MIT */
/* Growing bytes: what is in a buffer is what a plain array would hold, within the limit. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "common/buffer.h"

static void an_empty_buffer_holds_nothing_and_owns_nothing(void **state)
{
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    assert_int_equal(buffer_len(&b), 0);
    assert_null(buffer_span(&b).at);
    assert_int_equal(buffer_error(&b), 0);
    buffer_take(&b, 10);
    buffer_cut(&b, 10);
    buffer_clear(&b);
    assert_int_equal(buffer_len(&b), 0);
    buffer_fini(&b);
    buffer_fini(&b);
}

static void the_limit_is_of_what_is_held(void **state)
{
    struct buffer b;

    (void)state;
    buffer_init(&b, 4);
    for (int i = 0; i < 1000; i++) {
        buffer_put(&b, SPAN("1234"));
        buffer_take(&b, 4);
    }
    buffer_put(&b, SPAN("1234"));
    assert_int_equal(buffer_error(&b), 0);
    buffer_put(&b, SPAN("5"));
    assert_int_equal(buffer_error(&b), ERR_LIMIT);
    assert_true(span_equal(buffer_span(&b), SPAN("1234")));
    buffer_fini(&b);
}

static void an_error_sticks_until_it_is_cleared(void **state)
{
    struct buffer b;

    (void)state;
    buffer_init(&b, 4);
    buffer_put(&b, SPAN("12345"));
    buffer_put(&b, SPAN("1"));
    buffer_printf(&b, "%d", 1);
    assert_null(buffer_reserve(&b, 1));
    assert_int_equal(buffer_len(&b), 0);
    assert_int_equal(buffer_error(&b), ERR_LIMIT);
    buffer_clear(&b);
    buffer_put(&b, SPAN("1234"));
    assert_int_equal(buffer_error(&b), 0);
    assert_int_equal(buffer_len(&b), 4);
    buffer_fini(&b);
}

static void a_length_that_cannot_be_is_an_error_not_an_overflow(void **state)
{
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    buffer_put(&b, SPAN("x"));
    assert_null(buffer_reserve(&b, SIZE_MAX));
    assert_int_equal(buffer_error(&b), ERR_LIMIT);
    buffer_clear(&b);
    buffer_put(&b, SPAN("x"));
    assert_null(buffer_reserve(&b, SIZE_MAX - 1));
    assert_int_equal(buffer_error(&b), -ENOMEM);
    buffer_fini(&b);
}

static void a_size_that_is_known_gets_no_more_than_itself(void **state)
{
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    buffer_put(&b, SPAN("head"));
    assert_non_null(buffer_reserve(&b, 1000000));
    assert_int_equal(b.cap, 1000004);
    assert_int_equal(buffer_len(&b), 4);
    buffer_fini(&b);
}

static void many_small_writes_move_their_bytes_seldom(void **state)
{
    struct buffer b;
    const uint8_t *at = NULL;
    int n_moves = 0;

    (void)state;
    buffer_init(&b, 0);
    for (int i = 0; i < 100000; i++) {
        buffer_put(&b, SPAN("0123456789"));
        n_moves += b.at != at;
        at = b.at;
    }
    assert_int_equal(buffer_error(&b), 0);
    assert_int_equal(buffer_len(&b), 1000000);
    assert_in_range(n_moves, 1, 20);
    buffer_fini(&b);
}

static void text_that_fits_exactly_fits(void **state)
{
    uint8_t bytes[8];
    struct buffer b = buffer_over(bytes, sizeof(bytes));

    (void)state;
    buffer_printf(&b, "%s-%d", "1234", 678);
    assert_int_equal(buffer_error(&b), 0);
    assert_true(span_equal(buffer_span(&b), SPAN("1234-678")));
    buffer_init(&b, 3);
    buffer_printf(&b, "%d", 999);
    assert_int_equal(buffer_error(&b), 0);
    buffer_printf(&b, "%s", "");
    assert_int_equal(buffer_error(&b), 0);
    buffer_printf(&b, "%d", 1);
    assert_int_equal(buffer_error(&b), ERR_LIMIT);
    buffer_fini(&b);
}

static void long_text_is_formatted_whole(void **state)
{
    struct buffer b;

    (void)state;
    for (int width = 250; width < 260; width++) {
        buffer_init_secret(&b, 0);
        buffer_printf(&b, "%*d", width, 7);
        assert_int_equal(buffer_len(&b), width);
        assert_int_equal(buffer_span(&b).at[width - 1], '7');
        buffer_fini(&b);
    }
}

static void the_callers_memory_is_used_whole_and_never_left(void **state)
{
    uint8_t *bytes = malloc(100);
    struct buffer b = buffer_over(bytes, 100);

    (void)state;
    for (int i = 0; i < 200; i++) {
        size_t n = 60 - buffer_len(&b);
        uint8_t *room = buffer_reserve(&b, n);

        assert_non_null(room);
        memset(room, i, n);
        buffer_commit(&b, n);
        assert_ptr_equal(b.at, bytes);
        buffer_take(&b, 30);
        assert_int_equal(buffer_len(&b), 30);
    }
    assert_null(buffer_reserve(&b, 71));
    assert_int_equal(buffer_error(&b), ERR_LIMIT);
    free(bytes);
}

static void a_secret_is_wiped_where_it_was(void **state)
{
    uint8_t bytes[32];
    struct buffer b = buffer_over(bytes, sizeof(bytes));

    (void)state;
    memset(bytes, 0, sizeof(bytes));
    b.secret = true;
    buffer_put(&b, SPAN("hunter2"));
    buffer_take(&b, 3);
    buffer_clear(&b);
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
}

/* A buffer beside a plain array that holds the same. */
struct model {
    struct buffer b;
    uint8_t bytes[5000];
    size_t len, limit;
};

static void model_put(struct model *m, size_t len)
{
    uint8_t fresh[700];

    for (size_t i = 0; i < len; i++)
        fresh[i] = (uint8_t)random();
    if (random() % 2) {
        buffer_put(&m->b, span_of(fresh, len));
    } else {
        uint8_t *room = buffer_reserve(&m->b, len + (size_t)random() % 3);

        if (room == NULL)
            return;
        memcpy(room, fresh, len);
        buffer_commit(&m->b, len);
    }
    if (buffer_error(&m->b) != 0)
        return;
    memcpy(m->bytes + m->len, fresh, len);
    m->len += len;
}

static void model_step(struct model *m)
{
    size_t n = (size_t)random() % 700;

    switch (random() % 5) {
    case 0:
        buffer_take(&m->b, n);
        n = n < m->len ? n : m->len;
        memmove(m->bytes, m->bytes + n, m->len - n);
        m->len -= n;
        return;
    case 1:
        n = (size_t)random() % 5000;
        buffer_cut(&m->b, n);
        m->len = n < m->len ? n : m->len;
        return;
    default:
        model_put(m, n);
    }
}

static void any_sequence_of_steps_holds_what_an_array_would(void **state)
{
    static struct model m;

    (void)state;
    srandom(1);
    for (int round = 0; round < 60; round++) {
        size_t limit = 1 + (size_t)random() % 4000;

        m = (struct model){ .limit = limit };
        if (round % 3 == 0)
            buffer_init_secret(&m.b, limit);
        else if (round % 3 == 1)
            buffer_init(&m.b, limit);
        else
            m.b = buffer_over(malloc(limit), limit);
        for (int step = 0; step < 300; step++) {
            model_step(&m);
            if (buffer_error(&m.b) != 0) {
                assert_int_equal(buffer_error(&m.b), ERR_LIMIT);
                m.b.error = 0;
            }
            assert_true(m.len <= limit);
            assert_true(m.b.start <= m.b.end && m.b.end <= m.b.cap);
            assert_true(span_equal(buffer_span(&m.b), span_of(m.bytes, m.len)));
        }
        if (round % 3 == 2)
            free(m.b.at);
        else
            buffer_fini(&m.b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_holds_nothing_and_owns_nothing),
        cmocka_unit_test(the_limit_is_of_what_is_held),
        cmocka_unit_test(an_error_sticks_until_it_is_cleared),
        cmocka_unit_test(a_length_that_cannot_be_is_an_error_not_an_overflow),
        cmocka_unit_test(a_size_that_is_known_gets_no_more_than_itself),
        cmocka_unit_test(many_small_writes_move_their_bytes_seldom),
        cmocka_unit_test(text_that_fits_exactly_fits),
        cmocka_unit_test(long_text_is_formatted_whole),
        cmocka_unit_test(the_callers_memory_is_used_whole_and_never_left),
        cmocka_unit_test(a_secret_is_wiped_where_it_was),
        cmocka_unit_test(any_sequence_of_steps_holds_what_an_array_would),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
