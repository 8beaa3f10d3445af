/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "worker/http2_streams.h"

static const struct http2_verdict too_large = { .refusal = REFUSAL_BODY_TOO_LARGE, .why = "a" },
                                  still = { .abort = true, .why = "b" };

static void a_body_is_known_from_its_begin_to_its_end(void **state)
{
    struct http2_streams streams = { 0 };

    (void)state;
    assert_null(http2_streams_body(&streams, 1));
    http2_streams_begin_body(&streams, 1, 1000);
    http2_streams_begin_body(&streams, 3, 2000);
    http2_streams_body(&streams, 3)->len = 7;
    http2_streams_end_body(&streams, 1);
    http2_streams_end_body(&streams, 5);
    assert_null(http2_streams_body(&streams, 1));
    assert_int_equal(http2_streams_body(&streams, 3)->len, 7);
    assert_int_equal(streams.n_bodies, 1);
}

static void one_body_too_many_takes_the_place_of_the_stillest(void **state)
{
    struct http2_streams streams = { 0 };

    (void)state;
    for (uint32_t i = 0; i <= HTTP2_BODIES_MAX; i++)
        http2_streams_begin_body(&streams, 2 * i + 1, i == 5 ? 1 : 1000 + i);
    assert_int_equal(streams.n_bodies, HTTP2_BODIES_MAX);
    assert_null(http2_streams_body(&streams, 11));
    assert_non_null(http2_streams_body(&streams, 1));
    assert_non_null(http2_streams_body(&streams, 2 * HTTP2_BODIES_MAX + 1));
}

static void the_last_word_on_a_stream_holds_until_many_others_are_refused(void **state)
{
    struct http2_streams streams = { 0 };

    (void)state;
    assert_null(http2_streams_verdict(&streams, 1));
    assert_null(http2_streams_verdict(&streams, 0));
    http2_streams_refuse(&streams, 1, too_large);
    http2_streams_refuse(&streams, 1, still);
    assert_true(http2_streams_verdict(&streams, 1)->abort);
    for (uint32_t id = 3; id < 2 * HTTP2_REFUSED_MAX + 1; id += 2)
        http2_streams_refuse(&streams, id, too_large);
    assert_true(http2_streams_verdict(&streams, 1)->abort);
    http2_streams_refuse(&streams, 999, too_large);
    assert_null(http2_streams_verdict(&streams, 1));
    assert_int_equal(http2_streams_verdict(&streams, 999)->refusal, REFUSAL_BODY_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_known_from_its_begin_to_its_end),
        cmocka_unit_test(one_body_too_many_takes_the_place_of_the_stillest),
        cmocka_unit_test(the_last_word_on_a_stream_holds_until_many_others_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
