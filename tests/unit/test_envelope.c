/* SPDX-License-Identifier: MIT */
/* The laws of common/envelope.h that hold for both sides: headers, AGAIN, round trips. */
#include "common/envelope.h"

#include "tests/unit/forge.h"
#include "tests/unit/unit.h"

#include "common/wire.h"

#include <stdlib.h>

enum { LONGEST = 3 * ENVELOPE_FRAME_PLAIN_MAX };

static uint8_t body[LONGEST];

static void a_request_header_is_52_bytes_in_their_places(void **state)
{
    struct pair_keys *keys = forge_keys(SUITE_CHACHA20_POLY1305);
    struct envelope_request request, read;
    struct sealer *sealer = NULL;
    struct buffer out;

    (void)state;
    buffer_init(&out, 0);
    assert_int_equal(
        sealer_new_request(keys, CODEC_MTE, 0xabcdef, 0x0102030405060708, &request, &sealer), 0);
    assert_int_equal(sealer_put(sealer, PART_HEAD, SPAN("h"), true, &out), 0);
    assert_memory_equal(out.at, request.bytes, ENVELOPE_REQ_LEN);
    assert_memory_equal(out.at, "\1\x10\2\1", 4);
    assert_int_equal(out.at[4], 0xa0);
    assert_int_equal(out.at[19], 0xaf);
    assert_memory_equal(out.at + 20, "\0\0\0\0\0\xab\xcd\xef\1\2\3\4\5\6\7\10", 16);
    assert_int_equal(envelope_read_request(buffer_span(&out), &read), 0);
    assert_memory_equal(read.bytes, request.bytes, ENVELOPE_REQ_LEN);
    assert_memory_equal(read.pair_id, request.pair_id, PAIR_ID_LEN);
    assert_int_equal(read.suite, SUITE_CHACHA20_POLY1305);
    assert_int_equal(read.codec, CODEC_MTE);
    assert_int_equal(read.counter, 0xabcdef);
    assert_int_equal(read.time_ms, 0x0102030405060708);
    sealer_free(&sealer);
    buffer_fini(&out);
    pair_keys_free(&keys);
}

static void a_request_header_of_another_kind_is_refused(void **state)
{
    struct pair_keys *keys = forge_keys(SUITE_AES_256_GCM);
    struct envelope_request request;
    struct forge f;

    (void)state;
    forge_request(&f, keys, CODEC_MKE, &request);
    for (size_t len = 0; len < ENVELOPE_REQ_LEN; len++)
        assert_int_equal(envelope_read_request(span_part(forge_message(&f), 0, len), &request),
                         ERR_FORMAT);
    for (size_t at = 0; at < 28; at++) {
        bool checked = at < 2 || at == 3 || (at >= 20 && at < 25);

        if (at == 3)
            f.out.at[at] ^= 2; /* 1 is a codec */
        else
            f.out.at[at] ^= 1;
        assert_int_equal(envelope_read_request(forge_message(&f), &request),
                         checked ? ERR_FORMAT : 0);
        f.out.at[at] ^= at == 3 ? 2 : 1;
    }
    forge_fini(&f);
    pair_keys_free(&keys);
}

static void a_counter_has_24_bits(void **state)
{
    uint8_t bytes[ENVELOPE_REQ_LEN] = { 1, ENVELOPE_TYPE_REQ, 1, 0 };
    struct envelope_request request;

    (void)state;
    memset(bytes + 25, 0xff, 3);
    assert_int_equal(envelope_read_request(span_of(bytes, sizeof(bytes)), &request), 0);
    assert_int_equal(request.counter, 0xffffff);
    memset(bytes + 25, 0, 3);
    bytes[24] = 1;
    assert_int_equal(envelope_read_request(span_of(bytes, sizeof(bytes)), &request), ERR_FORMAT);
}

static void again_is_32_bytes_in_their_places(void **state)
{
    struct envelope_again again = { .counter = 0xffffff, .time_ms = 0x0102030405060708 }, read;
    uint8_t bytes[ENVELOPE_AGAIN_LEN + 1] = { 0 };

    (void)state;
    memset(again.pair_id, 0x77, PAIR_ID_LEN);
    envelope_put_again(&again, bytes);
    assert_int_equal(bytes[15], 0x77);
    assert_memory_equal(bytes + 16, "\0\0\0\0\0\xff\xff\xff\1\2\3\4\5\6\7\10", 16);
    for (size_t len = 0; len <= sizeof(bytes); len++)
        assert_int_equal(envelope_read_again(span_of(bytes, len), &read),
                         len == ENVELOPE_AGAIN_LEN ? 0 : ERR_FORMAT);
    assert_int_equal(envelope_read_again(span_of(bytes, ENVELOPE_AGAIN_LEN), &read), 0);
    assert_memory_equal(&read, &again, sizeof(read));
    bytes[20] = 1;
    assert_int_equal(envelope_read_again(span_of(bytes, ENVELOPE_AGAIN_LEN), &read), ERR_FORMAT);
}

/* Seals a request and its response, in both cases in pieces, and opens them. */
static void round_trip(enum suite suite, enum codec codec, size_t len)
{
    struct pair_keys *keys = forge_keys(suite);
    struct envelope_request request;
    struct sealer *sealer = NULL;
    struct opened opened;
    struct buffer out;
    size_t half = len / 2;

    buffer_init(&out, 0);
    for (int is_response = 0; is_response < 2; is_response++) {
        opened_init(&opened);
        buffer_clear(&out);
        if (is_response)
            assert_int_equal(sealer_new_response(keys, &request, &sealer), 0);
        else
            assert_int_equal(sealer_new_request(keys, codec, 1, 2, &request, &sealer), 0);
        assert_int_equal(sealer_put(sealer, PART_HEAD, SPAN("head"), false, &out), 0);
        assert_int_equal(sealer_put(sealer, PART_DATA, span_of(body, half), false, &out), 0);
        assert_int_equal(
            sealer_put(sealer, PART_DATA, span_of(body + half, len - half), true, &out), 0);
        if (is_response)
            assert_int_equal(open_response(keys, &request, buffer_span(&out), 0, &opened), 0);
        else
            assert_int_equal(open_request(keys, buffer_span(&out), 0, &opened), 0);
        assert_true(opened.ended);
        assert_true(span_equal(buffer_span(&opened.head), SPAN("head")));
        assert_true(span_equal(buffer_span(&opened.data), span_of(body, len)));
        sealer_free(&sealer);
        opened_fini(&opened);
    }
    buffer_fini(&out);
    pair_keys_free(&keys);
}

static void what_is_sealed_is_opened(void **state)
{
    static const size_t lens[] = { 0, 1, 2, 16383, 16384, 16385, 32768, 32769, 65000 };

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
        round_trip(SUITE_AES_256_GCM, CODEC_MKE, lens[i]);
        round_trip(SUITE_CHACHA20_POLY1305, CODEC_MKE, lens[i]);
        round_trip(SUITE_AES_256_GCM, CODEC_MTE, lens[i]);
        round_trip(SUITE_CHACHA20_POLY1305, CODEC_MTE, lens[i]);
    }
    round_trip(SUITE_AES_256_GCM, CODEC_MKE, LONGEST);
}

static void no_two_messages_have_the_same_salt(void **state)
{
    struct pair_keys *keys = forge_keys(SUITE_AES_256_GCM);
    struct envelope_request a, b;
    struct sealer *sealer = NULL;
    struct buffer out[2];

    (void)state;
    assert_int_equal(sealer_new_request(keys, CODEC_MKE, 1, 2, &a, &sealer), 0);
    sealer_free(&sealer);
    assert_int_equal(sealer_new_request(keys, CODEC_MKE, 1, 2, &b, &sealer), 0);
    sealer_free(&sealer);
    assert_memory_equal(a.bytes, b.bytes, 36);
    assert_memory_not_equal(a.bytes + 36, b.bytes + 36, ENVELOPE_SALT_LEN);
    for (int i = 0; i < 2; i++) {
        buffer_init(&out[i], 0);
        assert_int_equal(sealer_new_response(keys, &a, &sealer), 0);
        assert_int_equal(sealer_put(sealer, PART_HEAD, SPAN("h"), true, &out[i]), 0);
        sealer_free(&sealer);
    }
    assert_memory_equal(out[0].at, out[1].at, 4);
    assert_memory_not_equal(out[0].at + 4, out[1].at + 4, ENVELOPE_RSP_SALT_LEN);
    buffer_fini(&out[0]);
    buffer_fini(&out[1]);
    pair_keys_free(&keys);
}

static int setup(void **state)
{
    (void)state;
    srand(52);
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)rand();
    return crypto_init();
}

static int teardown(void **state)
{
    (void)state;
    crypto_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_header_is_52_bytes_in_their_places),
        cmocka_unit_test(a_request_header_of_another_kind_is_refused),
        cmocka_unit_test(a_counter_has_24_bits),
        cmocka_unit_test(again_is_32_bytes_in_their_places),
        cmocka_unit_test(what_is_sealed_is_opened),
        cmocka_unit_test(no_two_messages_have_the_same_salt),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
