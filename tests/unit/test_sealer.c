/* SPDX-License-Identifier: MIT */
/* The laws of the sealing half of common/envelope.h. */
#include "common/envelope.h"

#include "tests/unit/forge.h"
#include "tests/unit/unit.h"

#include "common/token.h"
#include "common/wire.h"

static uint8_t body[2 * TOKEN_MAX];

struct sealing {
    struct pair_keys *keys;
    struct envelope_request request;
    struct sealer *sealer;
    struct buffer out;
};

static void begin_request(struct sealing *s, enum codec codec)
{
    *s = (struct sealing){ .keys = forge_keys(SUITE_AES_256_GCM) };
    buffer_init(&s->out, 0);
    assert_int_equal(sealer_new_request(s->keys, codec, 1, 2, &s->request, &s->sealer), 0);
}

static void begin_response(struct sealing *s, enum codec codec)
{
    begin_request(s, codec);
    sealer_free(&s->sealer);
    assert_int_equal(sealer_new_response(s->keys, &s->request, &s->sealer), 0);
}

static int put(struct sealing *s, enum part part, struct span bytes, bool end)
{
    return sealer_put(s->sealer, part, bytes, end, &s->out);
}

static void end(struct sealing *s)
{
    sealer_free(&s->sealer);
    buffer_fini(&s->out);
    pair_keys_free(&s->keys);
}

/* "H4 D16384 D1!" for the frames that follow a header of so many bytes; ! is END. */
static void assert_frames(const struct sealing *s, size_t header_len, const char *want)
{
    struct wire w = wire_read(span_from(buffer_span(&s->out), header_len));
    struct buffer text;

    buffer_init(&text, 0);
    while (w.rest.len > 0 && wire_error(&w) == 0) {
        uint8_t kind = wire_u8(&w);
        uint32_t len = wire_u24(&w);

        wire_bytes(&w, len);
        assert_in_range(kind & 0x7f, 1, 6);
        buffer_printf(&text, "%s%c%u%s", buffer_len(&text) > 0 ? " " : "", "?HDTPAX"[kind & 0x7f],
                      len - CRYPTO_TAG_LEN, kind & FRAME_END ? "!" : "");
    }
    assert_int_equal(wire_end(&w), 0);
    if (!span_equal(buffer_span(&text), span_text(want)))
        fail_msg("\"%.*s\" instead of \"%s\"", SPAN_PRINT(buffer_span(&text)), want);
    buffer_fini(&text);
}

static void data_goes_in_frames_of_16_kib(void **state)
{
    struct sealing s;

    (void)state;
    begin_request(&s, CODEC_MKE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body, 40000), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body, 32768), true), 0);
    assert_frames(&s, ENVELOPE_REQ_LEN, "H4 D16384 D16384 D7232 D16384 D16384!");
    end(&s);
}

static void nothing_more_to_say_is_an_empty_data_frame(void **state)
{
    struct sealing s;

    (void)state;
    begin_response(&s, CODEC_MKE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_DATA, SPAN_NONE, false), 0);
    assert_int_equal(put(&s, PART_DATA, SPAN_NONE, true), 0);
    assert_frames(&s, ENVELOPE_RSP_LEN, "H4 D0!");
    end(&s);
}

static void a_head_may_be_all(void **state)
{
    struct sealing s;

    (void)state;
    begin_request(&s, CODEC_MKE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), true), 0);
    assert_frames(&s, ENVELOPE_REQ_LEN, "H4!");
    end(&s);
}

static void trailers_and_again_have_a_frame_each(void **state)
{
    struct sealing s;

    (void)state;
    begin_request(&s, CODEC_MKE);
    assert_int_equal(put(&s, PART_HEAD, span_of(body, 65536), false), 0);
    assert_int_equal(put(&s, PART_AGAIN, span_of(body, ENVELOPE_AGAIN_LEN), false), 0);
    assert_int_equal(put(&s, PART_TRAILERS, SPAN("\0"), true), 0);
    assert_frames(&s, ENVELOPE_REQ_LEN, "H65536 A32 T1!");
    end(&s);
}

static void a_head_over_64_kib_is_over_a_limit(void **state)
{
    struct sealing s;

    (void)state;
    begin_request(&s, CODEC_MKE);
    assert_int_equal(put(&s, PART_HEAD, span_of(body, 65537), false), ERR_LIMIT);
    end(&s);
}

static void a_breach_of_the_order_is_said_and_stays(void **state)
{
    static const struct {
        enum part first, second;
    } breaches[] = { { PART_HEAD, PART_HEAD },
                     { PART_DATA, PART_HEAD },
                     { PART_TRAILERS, PART_HEAD },
                     { PART_AGAIN, PART_HEAD } };
    struct sealing s;

    (void)state;
    for (size_t i = 0; i < sizeof(breaches) / sizeof(*breaches); i++) {
        begin_request(&s, CODEC_MKE);
        if (breaches[i].first == PART_HEAD)
            assert_int_equal(put(&s, PART_HEAD, span_of(body, 32), false), 0);
        else
            assert_int_equal(put(&s, breaches[i].first, span_of(body, 32), false), ERR_MISUSE);
        assert_int_equal(put(&s, breaches[i].second, span_of(body, 32), false), ERR_MISUSE);
        assert_int_equal(put(&s, PART_DATA, SPAN_NONE, true), ERR_MISUSE);
        end(&s);
    }
}

static void nothing_is_sealed_after_the_end(void **state)
{
    struct sealing s;
    size_t len;

    (void)state;
    for (enum codec codec = CODEC_MKE; codec <= CODEC_MTE; codec++) {
        begin_response(&s, codec);
        assert_int_equal(put(&s, PART_HEAD, SPAN("head"), true), 0);
        len = buffer_len(&s.out);
        assert_int_equal(put(&s, PART_DATA, SPAN_NONE, true), ERR_MISUSE);
        assert_int_equal(sealer_pad(s.sealer, &s.out), ERR_MISUSE);
        assert_int_equal(buffer_len(&s.out), len);
        end(&s);
    }
}

static void parts_other_than_data_are_never_empty(void **state)
{
    struct sealing s;

    (void)state;
    begin_request(&s, CODEC_MKE);
    assert_int_equal(put(&s, PART_HEAD, SPAN_NONE, true), ERR_MISUSE);
    end(&s);
    begin_request(&s, CODEC_MKE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_AGAIN, span_of(body, 31), false), ERR_MISUSE);
    end(&s);
}

static void a_response_has_no_again_and_a_request_no_pad(void **state)
{
    struct sealing s;

    (void)state;
    begin_response(&s, CODEC_MKE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_AGAIN, span_of(body, 32), false), ERR_MISUSE);
    end(&s);
    begin_request(&s, CODEC_MKE);
    assert_int_equal(sealer_pad(s.sealer, &s.out), ERR_MISUSE);
    end(&s);
}

static void a_pad_may_stand_before_the_head_and_after(void **state)
{
    struct sealing s;

    (void)state;
    begin_response(&s, CODEC_MKE);
    assert_int_equal(sealer_pad(s.sealer, &s.out), 0);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(sealer_pad(s.sealer, &s.out), 0);
    assert_int_equal(put(&s, PART_DATA, SPAN("data"), true), 0);
    assert_frames(&s, ENVELOPE_RSP_LEN, "P1 H4 P1 D4!");
    end(&s);
}

static void an_mte_message_is_one_token(void **state)
{
    struct sealing s;

    (void)state;
    begin_request(&s, CODEC_MTE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body, 600), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body, 600), false), 0);
    assert_int_equal(buffer_len(&s.out), 0);
    assert_int_equal(put(&s, PART_DATA, SPAN_NONE, true), 0);
    assert_frames(&s, ENVELOPE_REQ_LEN, "X1216!"); /* 4 + 4 + 4 + 1200, rounded up */
    end(&s);
}

static void an_mte_request_that_does_not_fit_is_over_a_limit(void **state)
{
    struct sealing s;

    (void)state;
    begin_request(&s, CODEC_MTE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body, TOKEN_MAX - 12), true), 0);
    assert_frames(&s, ENVELOPE_REQ_LEN, "X65536!");
    end(&s);
    begin_request(&s, CODEC_MTE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body, TOKEN_MAX - 11), true), ERR_LIMIT);
    assert_int_equal(put(&s, PART_DATA, SPAN_NONE, true), ERR_LIMIT);
    assert_int_equal(buffer_len(&s.out), 0);
    end(&s);
}

static void assert_opens(struct sealing *s, size_t len)
{
    struct opened opened;

    opened_init(&opened);
    assert_int_equal(open_response(s->keys, &s->request, buffer_span(&s->out), 0, &opened), 0);
    assert_true(opened.ended);
    assert_true(span_equal(buffer_span(&opened.head), SPAN("head")));
    assert_true(span_equal(buffer_span(&opened.data), span_of(body, len)));
    opened_fini(&opened);
}

static void an_mte_response_that_does_not_fit_goes_on_as_mke(void **state)
{
    struct sealing s;

    (void)state;
    begin_response(&s, CODEC_MTE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body, 20000), false), 0);
    assert_int_equal(buffer_len(&s.out), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body + 20000, 50000), false), 0);
    assert_int_equal(s.out.at[3], CODEC_MKE);
    assert_int_equal(put(&s, PART_DATA, span_of(body + 70000, 5), true), 0);
    assert_frames(&s, ENVELOPE_RSP_LEN, "H4 D16384 D3616 D16384 D16384 D16384 D848 D5!");
    assert_opens(&s, 70005);
    end(&s);
}

static void an_mte_response_that_fits_is_mte(void **state)
{
    struct sealing s;

    (void)state;
    begin_response(&s, CODEC_MTE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body, 20000), true), 0);
    assert_int_equal(s.out.at[3], CODEC_MTE);
    assert_frames(&s, ENVELOPE_RSP_LEN, "X20480!");
    assert_opens(&s, 20000);
    end(&s);
}

static void an_mte_response_that_is_padded_goes_on_as_mke(void **state)
{
    struct sealing s;

    (void)state;
    begin_response(&s, CODEC_MTE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body, 5), false), 0);
    assert_int_equal(sealer_pad(s.sealer, &s.out), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(body + 5, 5), true), 0);
    assert_int_equal(s.out.at[3], CODEC_MKE);
    assert_frames(&s, ENVELOPE_RSP_LEN, "H4 D5 P1 D5!");
    assert_opens(&s, 10);
    end(&s);
    begin_response(&s, CODEC_MTE);
    assert_int_equal(sealer_pad(s.sealer, &s.out), 0);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), true), 0);
    assert_frames(&s, ENVELOPE_RSP_LEN, "P1 H4!");
    assert_opens(&s, 0);
    end(&s);
}

static void a_body_that_comes_whole_is_given_its_room_at_once(void **state)
{
    static const uint8_t large[1000000];
    struct sealing s;

    (void)state;
    begin_request(&s, CODEC_MKE);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
    assert_int_equal(put(&s, PART_DATA, span_of(large, sizeof(large)), true), 0);
    assert_int_equal(s.out.cap, buffer_len(&s.out));
    end(&s);
}

static void the_room_that_is_said_is_enough(void **state)
{
    static const size_t lens[] = { 0, 1, 16383, 16384, 16385, 32768, 2 * TOKEN_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
        struct sealing s;
        size_t room = sealer_room(4 + lens[i]);

        begin_request(&s, CODEC_MKE);
        assert_non_null(buffer_reserve(&s.out, room));
        assert_int_equal(put(&s, PART_HEAD, SPAN("head"), false), 0);
        assert_int_equal(put(&s, PART_AGAIN, span_of(body, ENVELOPE_AGAIN_LEN), false), 0);
        assert_int_equal(put(&s, PART_DATA, span_of(body, lens[i]), true), 0);
        assert_in_range(buffer_len(&s.out), 1, room);
        assert_int_equal(s.out.cap, room < 256 ? 256 : room); /* it has not grown since */
        end(&s);
    }
}

static void a_full_buffer_ends_the_sealing(void **state)
{
    struct sealing s;
    struct buffer small;

    (void)state;
    begin_request(&s, CODEC_MKE);
    buffer_init(&small, 100);
    assert_int_equal(sealer_put(s.sealer, PART_HEAD, span_of(body, 100), false, &small), ERR_LIMIT);
    assert_int_equal(put(&s, PART_HEAD, SPAN("head"), true), ERR_LIMIT);
    buffer_fini(&small);
    end(&s);
}

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)(i * 31 + 1);
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
        cmocka_unit_test(data_goes_in_frames_of_16_kib),
        cmocka_unit_test(nothing_more_to_say_is_an_empty_data_frame),
        cmocka_unit_test(a_head_may_be_all),
        cmocka_unit_test(trailers_and_again_have_a_frame_each),
        cmocka_unit_test(a_head_over_64_kib_is_over_a_limit),
        cmocka_unit_test(a_breach_of_the_order_is_said_and_stays),
        cmocka_unit_test(nothing_is_sealed_after_the_end),
        cmocka_unit_test(parts_other_than_data_are_never_empty),
        cmocka_unit_test(a_response_has_no_again_and_a_request_no_pad),
        cmocka_unit_test(a_pad_may_stand_before_the_head_and_after),
        cmocka_unit_test(an_mte_message_is_one_token),
        cmocka_unit_test(an_mte_request_that_does_not_fit_is_over_a_limit),
        cmocka_unit_test(an_mte_response_that_does_not_fit_goes_on_as_mke),
        cmocka_unit_test(an_mte_response_that_fits_is_mte),
        cmocka_unit_test(an_mte_response_that_is_padded_goes_on_as_mke),
        cmocka_unit_test(a_body_that_comes_whole_is_given_its_room_at_once),
        cmocka_unit_test(the_room_that_is_said_is_enough),
        cmocka_unit_test(a_full_buffer_ends_the_sealing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
