/* SPDX-License-Identifier: MIT */
/* Our own refusals: codes are API, bodies are problem+json. */

#include "tests/unit/unit.h"

#include "common/metric.h"
#include "worker/refusal.h"
#include "worker/status.h"

static void codes_are_distinct_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_REFUSALS; i++) {
        const char *code = refusal_code((enum refusal)i);

        assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz_"), strlen(code));
        assert_true(strlen(code) > 0);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(code, refusal_code((enum refusal)j));
    }
}

static void every_refusal_has_its_counter_and_its_reason(void **state)
{
    (void)state;
    assert_in_range(N_REFUSALS, 1, METRIC_N_REFUSALS);
    for (unsigned i = 0; i < N_REFUSALS; i++) {
        unsigned status = refusal_status((enum refusal)i);

        assert_in_range(status, 400, 599);
        assert_string_not_equal(status_reason(status), "");
    }
    assert_string_equal(status_reason(299), "");
}

static void a_body_says_code_status_and_request(void **state)
{
    struct buffer body;

    (void)state;
    buffer_init(&body, 0);
    refusal_body(REFUSAL_PEER_TLS, SPAN("req-1"), &body);
    assert_int_equal(buffer_error(&body), 0);
    buffer_put(&body, span_of("", 1));
    assert_string_equal((const char *)buffer_span(&body).at,
                        "{\"type\":\"about:blank\",\"title\":\"peer_tls\",\"status\":502,"
                        "\"detail\":\"The TLS connection to the peer relay failed.\","
                        "\"code\":\"peer_tls\",\"instance\":\"req-1\"}\n");
    buffer_fini(&body);
}

static void no_sentence_needs_escaping_in_json(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_REFUSALS; i++) {
        struct buffer body;
        struct span all;
        size_t quotes = 0;

        buffer_init(&body, 0);
        refusal_body((enum refusal)i, SPAN("x"), &body);
        all = buffer_span(&body);
        for (size_t at = 0; at + 1 < all.len; at++) {
            assert_int_not_equal(all.at[at], '\\');
            assert_in_range(all.at[at], 0x20, 0x7e);
            quotes += all.at[at] == '"';
        }
        assert_int_equal(quotes, 22); // six names, five strings
        buffer_fini(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_distinct_words),
        cmocka_unit_test(every_refusal_has_its_counter_and_its_reason),
        cmocka_unit_test(a_body_says_code_status_and_request),
        cmocka_unit_test(no_sentence_needs_escaping_in_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
