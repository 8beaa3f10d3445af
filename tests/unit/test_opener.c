/* SPDX-License-Identifier: MIT */
/* The laws of the opening half of common/envelope.h, held against a sender of anything. */
#include "common/envelope.h"

#include "tests/unit/forge.h"
#include "tests/unit/unit.h"

#include "common/token.h"
#include "common/wire.h"

#include <regex.h>
#include <stdlib.h>

enum { END = FRAME_END };

static struct pair_keys *keys;
static struct envelope_request request; /* the one that responses answer: MTE, so both may */
static uint8_t zeros[ENVELOPE_FRAME_PLAIN_MAX + 1];

static struct span content(enum frame_kind kind)
{
    switch (kind) {
    case FRAME_PAD:
        return SPAN("\0\0");
    case FRAME_AGAIN:
        return span_of(zeros, ENVELOPE_AGAIN_LEN);
    case FRAME_TRAILERS:
        return SPAN("\4\1a\1b");
    default:
        return SPAN("x");
    }
}

static void begin(struct forge *f, bool is_response, enum codec codec)
{
    struct envelope_request unused;

    if (is_response)
        forge_response(f, keys, &request, codec);
    else
        forge_request(f, keys, codec, &unused);
}

static int open_slices(const struct forge *f, bool is_response, size_t slice, struct opened *o)
{
    if (is_response)
        return open_response(keys, &request, forge_message(f), slice, o);
    return open_request(keys, forge_message(f), slice, o);
}

/* Opens and ends it. */
static int verdict(struct forge *f, bool is_response)
{
    struct opened o;
    int r;

    opened_init(&o);
    r = open_slices(f, is_response, SIZE_MAX, &o);
    if (r == 0 && !o.ended)
        r = ERR_SHORT;
    opened_fini(&o);
    forge_fini(f);
    return r;
}

/* The frames of every kind in every order, the last one with END, against what protocol.md says. */
static void frames_stand_in_their_order_and_in_no_other(void **state)
{
    static const char *const patterns[] = { "^HA?[DP]*T?P*$", "^P*H[DP]*T?P*$" };
    static const char letters[] = "HDTPAX";

    (void)state;
    for (int is_response = 0; is_response < 2; is_response++) {
        regex_t pattern;

        assert_int_equal(regcomp(&pattern, patterns[is_response], REG_EXTENDED | REG_NOSUB), 0);
        for (unsigned n = 1, all = 6; n <= 4; n++, all *= 6) {
            for (unsigned i = 0; i < all; i++) {
                char word[5] = "";
                struct forge f;
                int want, got;

                begin(&f, is_response, CODEC_MKE);
                for (unsigned k = 0, rest = i; k < n; k++, rest /= 6) {
                    enum frame_kind kind = (enum frame_kind)(rest % 6 + 1);

                    word[k] = letters[rest % 6];
                    forge_frame(&f, (uint8_t)(k + 1 == n ? kind | END : kind), content(kind));
                }
                want = regexec(&pattern, word, 0, NULL, 0) == 0 ? 0 : ERR_FORMAT;
                got = verdict(&f, is_response);
                if (got != want)
                    fail_msg("%s: %s", word, error_text(got));
            }
        }
        regfree(&pattern);
    }
}

static void a_message_without_end_is_never_whole(void **state)
{
    struct forge f;

    (void)state;
    for (int is_response = 0; is_response < 2; is_response++) {
        begin(&f, is_response, CODEC_MKE);
        forge_frame(&f, FRAME_HEAD, SPAN("h"));
        forge_frame(&f, FRAME_DATA, SPAN("d"));
        assert_int_equal(verdict(&f, is_response), ERR_SHORT);
        begin(&f, is_response, CODEC_MKE);
        assert_int_equal(verdict(&f, is_response), ERR_SHORT);
    }
}

static void nothing_follows_the_end(void **state)
{
    struct forge f;

    (void)state;
    for (int is_response = 0; is_response < 2; is_response++) {
        begin(&f, is_response, CODEC_MKE);
        forge_frame(&f, FRAME_HEAD | END, SPAN("h"));
        forge_frame(&f, FRAME_DATA | END, SPAN("d"));
        assert_int_equal(verdict(&f, is_response), ERR_FORMAT);
        begin(&f, is_response, CODEC_MKE);
        forge_frame(&f, FRAME_HEAD | END, SPAN("h"));
        wire_put_u8(&f.out, 0);
        assert_int_equal(verdict(&f, is_response), ERR_FORMAT);
    }
}

static void only_the_last_frame_may_be_empty(void **state)
{
    struct forge f;

    (void)state;
    for (int is_response = 0; is_response < 2; is_response++) {
        for (enum frame_kind kind = FRAME_DATA; kind <= FRAME_PAD; kind += 2) {
            begin(&f, is_response, CODEC_MKE);
            forge_frame(&f, FRAME_HEAD, SPAN("h"));
            forge_frame(&f, (uint8_t)(kind | END), SPAN_NONE);
            assert_int_equal(verdict(&f, is_response), 0);
            begin(&f, is_response, CODEC_MKE);
            forge_frame(&f, FRAME_HEAD, SPAN("h"));
            forge_frame(&f, (uint8_t)kind, SPAN_NONE);
            forge_frame(&f, FRAME_DATA | END, SPAN_NONE);
            assert_int_equal(verdict(&f, is_response), ERR_FORMAT);
        }
    }
}

static void a_frame_has_a_tag_and_at_most_64_kib(void **state)
{
    struct forge f;

    (void)state;
    begin(&f, true, CODEC_MKE);
    forge_frame(&f, FRAME_HEAD, span_of(zeros, 65536));
    forge_frame(&f, FRAME_DATA | END, span_of(zeros, 65536));
    assert_int_equal(verdict(&f, true), 0);
    begin(&f, true, CODEC_MKE);
    forge_frame(&f, FRAME_HEAD | END, span_of(zeros, 65537));
    assert_int_equal(verdict(&f, true), ERR_FORMAT);
    for (uint32_t len = 0; len < CRYPTO_TAG_LEN; len++) {
        begin(&f, true, CODEC_MKE);
        wire_put_u8(&f.out, FRAME_HEAD | END);
        wire_put_u24(&f.out, len);
        buffer_put(&f.out, span_of(zeros, len));
        assert_int_equal(verdict(&f, true), ERR_FORMAT);
    }
}

static void a_pad_is_zeros(void **state)
{
    struct forge f;

    (void)state;
    begin(&f, true, CODEC_MKE);
    forge_frame(&f, FRAME_PAD, span_of(zeros, 1000));
    forge_frame(&f, FRAME_HEAD | END, SPAN("h"));
    assert_int_equal(verdict(&f, true), 0);
    begin(&f, true, CODEC_MKE);
    forge_frame(&f, FRAME_PAD, SPAN("\0\0\1"));
    forge_frame(&f, FRAME_HEAD | END, SPAN("h"));
    assert_int_equal(verdict(&f, true), ERR_FORMAT);
}

static void again_and_trailers_are_checked(void **state)
{
    static const struct {
        uint8_t kind;
        struct span bytes;
    } wrong[] = {
        { FRAME_AGAIN, { zeros, 31 } },
        { FRAME_AGAIN, { zeros, 33 } },
        { FRAME_AGAIN | END, { zeros, 0 } },
        { FRAME_AGAIN, SPAN("pair_id_16_bytes\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0") },
        { FRAME_TRAILERS, SPAN("\4\1A\1b") },
        { FRAME_TRAILERS, SPAN("\4\1a\1b\0") },
        { FRAME_TRAILERS, SPAN("\x11\x0e"
                               "content-length\0011") },
        { FRAME_TRAILERS | END, { zeros, 0 } },
    };
    struct forge f;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        begin(&f, false, CODEC_MKE);
        forge_frame(&f, FRAME_HEAD, SPAN("h"));
        forge_frame(&f, wrong[i].kind, wrong[i].bytes);
        if ((wrong[i].kind & END) == 0)
            forge_frame(&f, FRAME_PAD | END, SPAN_NONE);
        assert_int_equal(verdict(&f, false), ERR_FORMAT);
    }
}

static void an_unknown_kind_is_refused(void **state)
{
    struct forge f;

    (void)state;
    for (unsigned kind = 0; kind < 128; kind++) {
        begin(&f, true, CODEC_MKE);
        forge_frame(&f, (uint8_t)kind | END, SPAN_NONE);
        assert_int_equal(verdict(&f, true), kind == FRAME_HEAD ? 0 : ERR_FORMAT);
    }
}

static void an_mte_message_is_one_token_with_end(void **state)
{
    struct token token;
    struct span plain;
    struct forge f;

    (void)state;
    token_init(&token);
    token_put(&token, FRAME_HEAD, SPAN("h"));
    token_pad(&token);
    plain = buffer_span(&token.parts);
    for (int is_response = 0; is_response < 2; is_response++) {
        begin(&f, is_response, CODEC_MTE);
        forge_frame(&f, FRAME_TOKEN | END, plain);
        assert_int_equal(verdict(&f, is_response), 0);
        begin(&f, is_response, CODEC_MTE);
        forge_frame(&f, FRAME_TOKEN, plain);
        forge_frame(&f, FRAME_PAD | END, SPAN_NONE);
        assert_int_equal(verdict(&f, is_response), ERR_FORMAT);
        begin(&f, is_response, CODEC_MTE);
        forge_frame(&f, FRAME_TOKEN, plain);
        assert_int_equal(verdict(&f, is_response), ERR_FORMAT);
        begin(&f, is_response, CODEC_MTE);
        forge_frame(&f, FRAME_PAD, SPAN("\0"));
        forge_frame(&f, FRAME_TOKEN | END, plain);
        assert_int_equal(verdict(&f, is_response), ERR_FORMAT);
        begin(&f, is_response, CODEC_MTE);
        forge_frame(&f, FRAME_HEAD | END, SPAN("h"));
        assert_int_equal(verdict(&f, is_response), ERR_FORMAT);
        begin(&f, is_response, CODEC_MTE);
        forge_frame(&f, FRAME_TOKEN | END, span_part(plain, 0, plain.len - 1));
        assert_int_equal(verdict(&f, is_response), ERR_FORMAT);
    }
    token_fini(&token);
}

static void a_response_has_the_pairs_suite_and_the_requests_codec_or_mke(void **state)
{
    struct envelope_request mke = request;
    struct opened o;
    struct forge f;

    (void)state;
    for (unsigned at = 0; at < 4; at++) {
        for (unsigned v = 0; v < 256; v++) {
            uint8_t was;

            begin(&f, true, CODEC_MKE);
            was = f.out.at[at];
            f.out.at[at] = (uint8_t)v;
            assert_int_equal(verdict(&f, true),
                             v == was || (at == 3 && v == CODEC_MTE) ? ERR_SHORT : ERR_FORMAT);
        }
    }
    mke.codec = CODEC_MKE;
    begin(&f, true, CODEC_MTE);
    opened_init(&o);
    assert_int_equal(open_response(keys, &mke, forge_message(&f), SIZE_MAX, &o), ERR_FORMAT);
    opened_fini(&o);
    forge_fini(&f);
}

static void a_request_of_another_suite_is_not_begun(void **state)
{
    struct pair_keys *other = forge_keys(SUITE_CHACHA20_POLY1305);
    struct opener *opener = NULL;

    (void)state;
    assert_int_equal(opener_new_request(other, &request, &opener), ERR_FORMAT);
    assert_null(opener);
    pair_keys_free(&other);
}

static void nothing_is_delivered_of_a_frame_with_a_wrong_tag(void **state)
{
    struct opened o;
    struct forge f;

    (void)state;
    begin(&f, true, CODEC_MKE);
    forge_frame(&f, FRAME_HEAD, SPAN("head"));
    forge_frame(&f, FRAME_DATA | END, SPAN("data"));
    f.out.at[f.out.end - 1] ^= 1;
    opened_init(&o);
    assert_int_equal(open_slices(&f, true, SIZE_MAX, &o), ERR_AUTH);
    assert_true(span_equal(buffer_span(&o.order), SPAN("H")));
    assert_false(o.ended);
    opened_fini(&o);
    forge_fini(&f);
}

static int count_calls(void *arg, enum part part, struct span bytes)
{
    (void)part;
    (void)bytes;
    ++*(int *)arg;
    return ERR_CANCELLED;
}

static void the_first_error_is_the_last_word(void **state)
{
    struct opener *opener = NULL;
    struct forge f;
    int n_calls = 0;

    (void)state;
    begin(&f, true, CODEC_MKE);
    forge_frame(&f, FRAME_HEAD, SPAN("head"));
    forge_frame(&f, FRAME_DATA | END, SPAN("data"));
    assert_int_equal(opener_new_response(keys, &request, &opener), 0);
    assert_int_equal(opener_feed(opener, forge_message(&f), count_calls, &n_calls), ERR_CANCELLED);
    assert_int_equal(opener_feed(opener, forge_message(&f), count_calls, &n_calls), ERR_CANCELLED);
    assert_int_equal(opener_feed(opener, SPAN_NONE, count_calls, &n_calls), ERR_CANCELLED);
    assert_int_equal(n_calls, 1);
    assert_false(opener_ended(opener));
    opener_free(&opener);
    forge_fini(&f);
}

static void put_random_frames(struct forge *f, bool is_response)
{
    static uint8_t data[40000];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)rand();
    for (int n = is_response ? rand() % 3 : 0; n > 0; n--)
        forge_frame(f, FRAME_PAD, span_of(zeros, (size_t)rand() % 50 + 1));
    forge_frame(f, FRAME_HEAD, span_of(data, (size_t)rand() % 500 + 1));
    if (!is_response && rand() % 2 == 0)
        forge_frame(f, FRAME_AGAIN, span_of(zeros, ENVELOPE_AGAIN_LEN));
    for (int n = rand() % 5; n > 0; n--)
        forge_frame(f, FRAME_DATA, span_of(data, (size_t)rand() % sizeof(data) + 1));
    forge_frame(f, FRAME_DATA | END, span_of(data, (size_t)rand() % 20));
    if (rand() % 4 == 0) /* a byte anywhere */
        f->out.at[ENVELOPE_REQ_LEN + (size_t)rand() % (f->out.end - ENVELOPE_REQ_LEN)] ^= 4;
    if (rand() % 4 == 0)
        buffer_put(&f->out, SPAN("more"));
}

static void the_slices_make_no_difference(void **state)
{
    (void)state;
    srand(65536);
    for (int i = 0; i < 300; i++) {
        bool is_response = rand() % 2 == 0;
        struct opened whole, sliced;
        struct forge f;
        int r, slices[] = { 0, 1, rand() % 100 + 1 };

        begin(&f, is_response, CODEC_MKE);
        put_random_frames(&f, is_response);
        opened_init(&whole);
        r = open_slices(&f, is_response, SIZE_MAX, &whole);
        for (size_t k = 0; k < 3; k++) {
            opened_init(&sliced);
            assert_int_equal(open_slices(&f, is_response, (size_t)slices[k], &sliced), r);
            assert_int_equal(sliced.ended, whole.ended);
            assert_true(span_equal(buffer_span(&sliced.order), buffer_span(&whole.order)));
            assert_true(span_equal(buffer_span(&sliced.head), buffer_span(&whole.head)));
            assert_true(span_equal(buffer_span(&sliced.data), buffer_span(&whole.data)));
            opened_fini(&sliced);
        }
        opened_fini(&whole);
        forge_fini(&f);
    }
}

static int setup(void **state)
{
    struct forge f;
    int r = crypto_init();

    (void)state;
    if (r < 0)
        return r;
    keys = forge_keys(SUITE_AES_256_GCM);
    forge_request(&f, keys, CODEC_MTE, &request);
    forge_fini(&f);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_keys_free(&keys);
    crypto_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_stand_in_their_order_and_in_no_other),
        cmocka_unit_test(a_message_without_end_is_never_whole),
        cmocka_unit_test(nothing_follows_the_end),
        cmocka_unit_test(only_the_last_frame_may_be_empty),
        cmocka_unit_test(a_frame_has_a_tag_and_at_most_64_kib),
        cmocka_unit_test(a_pad_is_zeros),
        cmocka_unit_test(again_and_trailers_are_checked),
        cmocka_unit_test(an_unknown_kind_is_refused),
        cmocka_unit_test(an_mte_message_is_one_token_with_end),
        cmocka_unit_test(a_response_has_the_pairs_suite_and_the_requests_codec_or_mke),
        cmocka_unit_test(a_request_of_another_suite_is_not_begun),
        cmocka_unit_test(nothing_is_delivered_of_a_frame_with_a_wrong_tag),
        cmocka_unit_test(the_first_error_is_the_last_word),
        cmocka_unit_test(the_slices_make_no_difference),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
