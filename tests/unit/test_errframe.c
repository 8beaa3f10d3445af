/* SPDX-License-Identifier: MIT */
/* The laws of common/errframe.h. */
#include "common/errframe.h"

#include "tests/unit/unit.h"

static struct identity identity;

enum { NOW_MS = 1700000000 };

static void make(const struct identity_psk *psk, enum errframe_code code, struct span about,
                 uint8_t frame_r[static ERRFRAME_LEN])
{
    assert_int_equal(errframe_make(psk, code, NOW_MS, about, frame_r), 0);
}

static int read_it(const uint8_t frame[static ERRFRAME_LEN], struct span about)
{
    enum errframe_code code;
    uint64_t time_ms;

    return errframe_read(&identity.psk[0], span_of(frame, ERRFRAME_LEN), about, &code, &time_ms);
}

static void what_is_refused_is_read_as_it_was_said(void **state)
{
    static const char *const names[] = { "REJECT", "UNKNOWN_PAIR", "CLOCK",
                                         "REPLAY", "BUSY",         "REFUSED" };

    (void)state;
    for (enum errframe_code code = ERRFRAME_REJECT; code <= ERRFRAME_REFUSED; code++) {
        uint8_t frame[ERRFRAME_LEN];
        enum errframe_code said = 0;
        uint64_t time_ms = 0;

        make(&identity.psk[0], code, SPAN("body"), frame);
        assert_memory_equal(frame, "\1\x7f", 2);
        assert_int_equal(frame[2], code);
        assert_int_equal(frame[3], 0);
        assert_int_equal(errframe_read(&identity.psk[0], span_of(frame, ERRFRAME_LEN), SPAN("body"),
                                       &said, &time_ms),
                         0);
        assert_int_equal(said, code);
        assert_int_equal(time_ms, NOW_MS);
        assert_string_equal(errframe_name(code), names[code - 1]);
    }
}

static void any_flipped_byte_is_refused(void **state)
{
    uint8_t frame[ERRFRAME_LEN];

    (void)state;
    make(&identity.psk[0], ERRFRAME_BUSY, SPAN("body"), frame);
    for (size_t at = 0; at < ERRFRAME_LEN; at++) {
        int want = at < 2 || at == 3 ? ERR_FORMAT : ERR_AUTH;

        frame[at] ^= 1; /* BUSY becomes REPLAY: another code there is */
        assert_int_equal(read_it(frame, SPAN("body")), want);
        frame[at] ^= 1;
    }
    assert_int_equal(read_it(frame, SPAN("body")), 0);
}

static void a_code_that_there_is_not_is_malformed(void **state)
{
    uint8_t frame[ERRFRAME_LEN];

    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        make(&identity.psk[0], (enum errframe_code)code, SPAN("body"), frame);
        assert_int_equal(read_it(frame, SPAN("body")), code >= 1 && code <= 6 ? 0 : ERR_FORMAT);
    }
}

static void another_length_is_malformed(void **state)
{
    uint8_t frame[ERRFRAME_LEN + 1] = { 0 };
    enum errframe_code code;
    uint64_t time_ms;

    (void)state;
    make(&identity.psk[0], ERRFRAME_CLOCK, SPAN("body"), frame);
    for (size_t len = 0; len <= sizeof(frame); len++)
        assert_int_equal(errframe_read(&identity.psk[0], span_of(frame, len), SPAN("body"), &code,
                                       &time_ms),
                         len == ERRFRAME_LEN ? 0 : ERR_FORMAT);
}

static void a_refusal_of_something_else_is_not_ours(void **state)
{
    uint8_t frame[ERRFRAME_LEN];

    (void)state;
    make(&identity.psk[0], ERRFRAME_UNKNOWN_PAIR, SPAN("body"), frame);
    assert_int_equal(read_it(frame, SPAN("Body")), ERR_AUTH);
    assert_int_equal(read_it(frame, SPAN_NONE), ERR_AUTH);
}

static void a_refusal_under_another_secret_is_not_believed(void **state)
{
    uint8_t frame[ERRFRAME_LEN];

    (void)state;
    make(&identity.psk[1], ERRFRAME_UNKNOWN_PAIR, SPAN("body"), frame);
    assert_int_equal(read_it(frame, SPAN("body")), ERR_AUTH);
}

static void the_first_52_or_1356_bytes_are_what_it_is_about(void **state)
{
    static const uint8_t bytes[2000];

    (void)state;
    assert_int_equal(errframe_about_message(span_of(bytes, 2000)).len, 52);
    assert_int_equal(errframe_about_message(span_of(bytes, 51)).len, 51);
    assert_int_equal(errframe_about_message(SPAN_NONE).len, 0);
    assert_int_equal(errframe_about_m1(span_of(bytes, 2000)).len, 1356);
    assert_int_equal(errframe_about_m1(span_of(bytes, 1355)).len, 1355);
}

static void the_psk_is_the_one_that_the_body_names(void **state)
{
    uint8_t body[52] = { 0 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        memcpy(body + 4, identity.psk[i].id, PSK_ID_LEN);
        assert_ptr_equal(errframe_psk_of_m1(&identity, span_of(body, 12)), &identity.psk[i]);
        assert_ptr_equal(errframe_psk_of_m1(&identity, span_of(body, 11)), &identity.psk[0]);
        assert_ptr_equal(errframe_psk_of_message(&identity, span_of(body, 20)), &identity.psk[i]);
        assert_ptr_equal(errframe_psk_of_message(&identity, span_of(body, 19)), &identity.psk[0]);
        body[8] ^= 1; /* past the four bytes of a pair id that are a psk_id's */
        assert_ptr_equal(errframe_psk_of_message(&identity, span_of(body, 52)), &identity.psk[i]);
        assert_ptr_equal(errframe_psk_of_m1(&identity, span_of(body, 52)), &identity.psk[0]);
    }
    body[4] ^= 1;
    assert_ptr_equal(errframe_psk_of_message(&identity, span_of(body, 52)), &identity.psk[0]);
    assert_ptr_equal(errframe_psk_of_message(&identity, SPAN_NONE), &identity.psk[0]);
    assert_ptr_equal(errframe_psk_of_m1(&identity, SPAN_NONE), &identity.psk[0]);
}

static int setup(void **state)
{
    struct identity_config config = { .secret = SPAN("one secret"),
                                      .secret_also = SPAN("another secret"),
                                      .client_id_secret = SPAN("client id secret") };
    const char *why = NULL;

    (void)state;
    if (crypto_init() < 0 || url_parse(SPAN("http://h"), &config.upstream, &why) < 0)
        return -1;
    return identity_init(&identity, &config);
}

static int teardown(void **state)
{
    (void)state;
    identity_fini(&identity);
    crypto_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_is_read_as_it_was_said),
        cmocka_unit_test(any_flipped_byte_is_refused),
        cmocka_unit_test(a_code_that_there_is_not_is_malformed),
        cmocka_unit_test(another_length_is_malformed),
        cmocka_unit_test(a_refusal_of_something_else_is_not_ours),
        cmocka_unit_test(a_refusal_under_another_secret_is_not_believed),
        cmocka_unit_test(the_first_52_or_1356_bytes_are_what_it_is_about),
        cmocka_unit_test(the_psk_is_the_one_that_the_body_names),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
