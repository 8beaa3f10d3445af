/* SPDX-License-Identifier: MIT */
/*
 * The properties of messages in docs/protocol.md, a test each: integrity and order, binding, no
 * oracle, length hiding, secrecy on the wire. Those of pairing are in test_protocol_properties.c.
 */
#include "common/bhttp.h"
#include "common/envelope.h"
#include "common/errframe.h"

#include "tests/unit/forge.h"
#include "tests/unit/unit.h"

#include "common/token.h"
#include "common/wire.h"

#include <stdlib.h>

enum { NOW_MS = 1700000000 };

static struct pair_keys *keys;

/* ---- integrity and order ---- */

struct cut {
    size_t from, to;
}; /* of a frame in a message */

enum { N_FRAMES = 5 };

/* HEAD, three DATA of one length, DATA with END. */
static struct span whole_message(struct forge *f, struct envelope_request *request,
                                 struct cut frames_r[static N_FRAMES])
{
    static const char *const text[] = { "head", "aaaa", "bbbb", "cccc", "dddd" };

    forge_request(f, keys, CODEC_MKE, request);
    for (size_t i = 0; i < N_FRAMES; i++) {
        uint8_t kind = i == 0 ? FRAME_HEAD : FRAME_DATA;

        frames_r[i].from = buffer_len(&f->out);
        forge_frame(f, (uint8_t)(i + 1 == N_FRAMES ? kind | FRAME_END : kind), span_text(text[i]));
        frames_r[i].to = buffer_len(&f->out);
    }
    return forge_message(f);
}

/* 0 only if it opens and ends. */
static int open_whole(struct span message)
{
    struct opened o;
    int r;

    opened_init(&o);
    r = open_request(keys, message, SIZE_MAX, &o);
    if (r == 0 && !o.ended)
        r = ERR_SHORT;
    opened_fini(&o);
    return r;
}

/* The message with its frames in another order; -1 ends the list. */
static int open_arranged(const int *order)
{
    struct envelope_request request;
    struct cut frames[N_FRAMES];
    struct buffer arranged;
    struct forge f;
    int r;

    buffer_init(&arranged, 0);
    whole_message(&f, &request, frames);
    buffer_put(&arranged, span_of(request.bytes, ENVELOPE_REQ_LEN));
    for (; *order >= 0; order++)
        buffer_put(&arranged, span_part(forge_message(&f), frames[*order].from,
                                        frames[*order].to - frames[*order].from));
    r = open_whole(buffer_span(&arranged));
    buffer_fini(&arranged);
    forge_fini(&f);
    return r;
}

static void any_flipped_byte_of_a_message_is_refused(void **state)
{
    struct envelope_request request;
    struct cut frames[N_FRAMES];
    struct forge f;

    (void)state;
    whole_message(&f, &request, frames);
    assert_int_equal(open_whole(forge_message(&f)), 0);
    for (size_t at = 0; at < f.out.end; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            /* The pair id finds the pair: here one is asked to open what names another. */
            f.out.at[at] ^= (uint8_t)(1 << bit);
            assert_int_not_equal(open_whole(forge_message(&f)), 0);
            f.out.at[at] ^= (uint8_t)(1 << bit);
        }
    }
    forge_fini(&f);
}

static void reordered_frames_are_refused(void **state)
{
    (void)state;
    assert_int_equal(open_arranged((const int[]){ 0, 1, 2, 3, 4, -1 }), 0);
    assert_int_equal(open_arranged((const int[]){ 0, 2, 1, 3, 4, -1 }), ERR_AUTH);
    assert_int_equal(open_arranged((const int[]){ 0, 1, 3, 2, 4, -1 }), ERR_AUTH);
    assert_int_equal(open_arranged((const int[]){ 1, 0, 2, 3, 4, -1 }), ERR_FORMAT);
}

static void dropped_and_doubled_frames_are_refused(void **state)
{
    (void)state;
    assert_int_equal(open_arranged((const int[]){ 0, 2, 3, 4, -1 }), ERR_AUTH);
    assert_int_equal(open_arranged((const int[]){ 0, 1, 2, 4, -1 }), ERR_AUTH);
    assert_int_equal(open_arranged((const int[]){ 1, 2, 3, 4, -1 }), ERR_FORMAT);
    assert_int_equal(open_arranged((const int[]){ 0, 1, 1, 2, 3, 4, -1 }), ERR_AUTH);
    assert_int_equal(open_arranged((const int[]){ 0, 0, 1, 2, 3, 4, -1 }), ERR_FORMAT);
    assert_int_equal(open_arranged((const int[]){ 0, 1, 2, 3, 4, 4, -1 }), ERR_FORMAT);
}

static void a_cut_message_never_ends(void **state)
{
    struct envelope_request request;
    struct cut frames[N_FRAMES];
    struct forge f;

    (void)state;
    whole_message(&f, &request, frames);
    for (size_t len = 0; len < f.out.end; len++)
        assert_int_equal(open_whole(span_part(forge_message(&f), 0, len)),
                         len < ENVELOPE_REQ_LEN ? ERR_FORMAT : ERR_SHORT);
    forge_fini(&f);
}

static void appended_bytes_are_refused(void **state)
{
    struct envelope_request request;
    struct cut frames[N_FRAMES];
    struct forge f;

    (void)state;
    whole_message(&f, &request, frames);
    wire_put_u8(&f.out, 0);
    assert_int_equal(open_whole(forge_message(&f)), ERR_FORMAT);
    forge_fini(&f);
}

static void a_moved_end_is_refused(void **state)
{
    struct envelope_request request;
    struct cut frames[N_FRAMES];
    struct forge f;

    (void)state;
    for (size_t i = 0; i + 1 < N_FRAMES; i++) {
        whole_message(&f, &request, frames);
        f.out.at[frames[i].from] |= FRAME_END;
        assert_int_equal(open_whole(span_part(forge_message(&f), 0, frames[i].to)), ERR_AUTH);
        forge_fini(&f);
    }
    whole_message(&f, &request, frames);
    f.out.at[frames[N_FRAMES - 1].from] = FRAME_DATA;
    assert_int_equal(open_whole(forge_message(&f)), ERR_AUTH);
    forge_fini(&f);
}

static void a_head_that_smuggles_is_refused(void **state)
{
    static const struct span heads[] = {
        SPAN("\0\7CONNECT\4http\1h\1/\0"),
        SPAN("\0\3GET\4http\3a@b\1/\0"),
        SPAN("\0\3GET\4http\1h\4/\r\nx\0"),
        SPAN("\0\3GET\4http\1h\7/ HTTP/\0"),
        SPAN("\0\3GET\4http\1h\1/\7\1a\4\r\nb:"),
        SPAN("\0\3GET\4http\1h\1/\7\4host\1h"),
        SPAN("\0\3GET\4http\1h\1/\x1a\x11transfer-encoding\7chunked"),
        SPAN("\0\3GET\4http\1h\1/\x11\x0e"
             "content-length\0015"),
        SPAN("\0\3GET\4http\1h\1/\0\0"),
        SPAN("\2\3GET\4http\1h\1/\0"),
    };
    struct bhttp_request request;

    (void)state;
    assert_int_equal(bhttp_read_request(SPAN("\0\3GET\4http\1h\1/\0"), &request), 0);
    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
        assert_int_equal(bhttp_read_request(heads[i], &request), ERR_FORMAT);
}

/* ---- binding ---- */

/* A whole response to a request. */
static void seal_response(const struct envelope_request *request, struct span text,
                          struct buffer *out)
{
    struct sealer *sealer = NULL;

    buffer_init(out, 0);
    assert_int_equal(sealer_new_response(keys, request, &sealer), 0);
    assert_int_equal(sealer_put(sealer, PART_HEAD, text, true, out), 0);
    sealer_free(&sealer);
}

/* 0 only if it opens and ends. */
static int open_answer(const struct envelope_request *request, struct span message)
{
    struct opened o;
    int r;

    opened_init(&o);
    r = open_response(keys, request, message, SIZE_MAX, &o);
    if (r == 0 && !o.ended)
        r = ERR_SHORT;
    opened_fini(&o);
    return r;
}

static void any_flipped_byte_of_a_response_is_refused(void **state)
{
    struct envelope_request request;
    struct sealer *sealer = NULL;
    struct buffer out;

    (void)state;
    for (enum codec codec = CODEC_MKE; codec <= CODEC_MTE; codec++) {
        assert_int_equal(sealer_new_request(keys, codec, 1, NOW_MS, &request, &sealer), 0);
        sealer_free(&sealer);
        seal_response(&request, SPAN("head"), &out);
        assert_int_equal(out.at[3], codec);
        assert_int_equal(open_answer(&request, buffer_span(&out)), 0);
        for (size_t at = 0; at < out.end; at++) {
            out.at[at] ^= (uint8_t)(1 << at % 8);
            assert_int_not_equal(open_answer(&request, buffer_span(&out)), 0);
            out.at[at] ^= (uint8_t)(1 << at % 8);
        }
        buffer_fini(&out);
    }
}

static void two_swapped_responses_are_refused(void **state)
{
    struct envelope_request requests[2];
    struct sealer *sealer = NULL;
    struct buffer responses[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(sealer_new_request(keys, CODEC_MKE, i, NOW_MS, &requests[i], &sealer), 0);
        sealer_free(&sealer);
        seal_response(&requests[i], SPAN("head"), &responses[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(open_answer(&requests[i], buffer_span(&responses[i])), 0);
        assert_int_equal(open_answer(&requests[i], buffer_span(&responses[1 - i])), ERR_AUTH);
    }
    buffer_fini(&responses[0]);
    buffer_fini(&responses[1]);
}

static void a_request_sent_back_as_its_response_is_refused(void **state)
{
    struct envelope_request request;
    struct cut frames[N_FRAMES];
    struct buffer dressed;
    struct forge f, response;

    (void)state;
    whole_message(&f, &request, frames);
    assert_int_equal(open_answer(&request, forge_message(&f)), ERR_FORMAT);
    /* Its frames behind a response's header do not help. */
    forge_response(&response, keys, &request, CODEC_MKE);
    buffer_init(&dressed, 0);
    buffer_put(&dressed, forge_message(&response));
    buffer_put(&dressed, span_from(forge_message(&f), ENVELOPE_REQ_LEN));
    assert_int_equal(open_answer(&request, buffer_span(&dressed)), ERR_AUTH);
    buffer_fini(&dressed);
    forge_fini(&response);
    forge_fini(&f);
}

static void a_message_opens_under_its_own_pair_only(void **state)
{
    struct pair_secret secret = { .suite = SUITE_AES_256_GCM, .key = { { 1 } } };
    struct pair_keys *other = NULL;
    struct envelope_request request;
    struct cut frames[N_FRAMES];
    struct opened o;
    struct forge f;

    (void)state;
    whole_message(&f, &request, frames);
    assert_int_equal(pair_keys_new(&secret, &other), 0);
    opened_init(&o);
    assert_int_equal(open_request(other, forge_message(&f), SIZE_MAX, &o), ERR_AUTH);
    opened_fini(&o);
    pair_keys_free(&other);
    forge_fini(&f);
}

/* ---- no oracle ---- */

/* What the library leaves to tell: the codes that become UNKNOWN_PAIR, and those that do REJECT. */
static enum errframe_code refusal_of(struct span message)
{
    struct envelope_request request;

    if (envelope_read_request(message, &request) < 0)
        return ERRFRAME_REJECT;
    if (request.pair_id[0] != 0xa0 || request.pair_id[15] != 0xaf)
        return ERRFRAME_UNKNOWN_PAIR;
    for (size_t i = 0; i < PAIR_ID_LEN; i++) {
        if (request.pair_id[i] != 0xa0 + i)
            return ERRFRAME_UNKNOWN_PAIR;
    }
    return open_whole(message) < 0 ? ERRFRAME_REJECT : 0;
}

static void ten_thousand_mutations_get_one_same_reject(void **state)
{
    const struct identity_psk psk = { .error_mac = { { 1 } } };
    struct envelope_request request;
    struct cut frames[N_FRAMES];
    uint8_t plain[ERRFRAME_LEN];
    struct forge f;

    (void)state;
    srand(10000);
    whole_message(&f, &request, frames);
    assert_int_equal(errframe_make(&psk, ERRFRAME_REJECT, NOW_MS,
                                   errframe_about_message(forge_message(&f)), plain),
                     0);
    for (int i = 0; i < 10000; i++) {
        size_t at = (size_t)rand() % f.out.end;
        uint8_t flip = (uint8_t)(rand() % 255 + 1), frame[ERRFRAME_LEN];
        bool in_pair_id = at >= 4 && at < 20;
        enum errframe_code code;

        f.out.at[at] ^= flip;
        code = refusal_of(forge_message(&f));
        assert_int_equal(code, in_pair_id ? ERRFRAME_UNKNOWN_PAIR : ERRFRAME_REJECT);
        assert_int_equal(
            errframe_make(&psk, code, NOW_MS, errframe_about_message(forge_message(&f)), frame), 0);
        assert_memory_equal(frame, plain, 2);
        if (!in_pair_id)
            assert_memory_equal(frame, plain, 12); /* all but hash and MAC */
        f.out.at[at] ^= flip;
    }
    forge_fini(&f);
}

/* ---- length hiding ---- */

static size_t mte_len(size_t head_len, size_t data_len)
{
    static const uint8_t bytes[60000] = { 1 };
    struct envelope_request request;
    struct sealer *sealer = NULL;
    struct buffer out;
    size_t len;

    buffer_init(&out, 0);
    assert_int_equal(sealer_new_request(keys, CODEC_MTE, 1, 2, &request, &sealer), 0);
    assert_int_equal(sealer_put(sealer, PART_HEAD, span_of(bytes, head_len), false, &out), 0);
    while (data_len > 0) { /* how it comes must not show */
        size_t piece = (size_t)rand() % data_len + 1;

        assert_int_equal(sealer_put(sealer, PART_DATA, span_of(bytes, piece), false, &out), 0);
        data_len -= piece;
    }
    assert_int_equal(sealer_put(sealer, PART_DATA, SPAN_NONE, true, &out), 0);
    len = buffer_len(&out);
    sealer_free(&sealer);
    buffer_fini(&out);
    return len;
}

static void mte_messages_of_one_class_are_equally_long(void **state)
{
    const size_t around = ENVELOPE_REQ_LEN + FRAME_HEADER_LEN + CRYPTO_TAG_LEN;

    (void)state;
    srand(512);
    for (int i = 0; i < 1000; i++) {
        size_t head = (size_t)rand() % 3000 + 1, data = (size_t)rand() % 50000;
        size_t parts = 4 + head + (data > 0 ? 4 + data : 0);

        assert_int_equal(mte_len(head, data), around + token_size(parts));
    }
    assert_int_equal(mte_len(1, 0), mte_len(100, 404));
    assert_int_equal(mte_len(100, 30000), mte_len(1, 30200));
}

/* ---- secrecy on the wire ---- */

static void assert_hidden(struct span wire, const char *marker)
{
    if (memmem(wire.at, wire.len, marker, strlen(marker)) != NULL)
        fail_msg("%s is on the wire", marker);
}

static void no_word_of_a_message_is_on_the_wire(void **state)
{
    static const char *const markers[] = { "MARKMETHOD", "markscheme", "mark-authority",
                                           "/mark/path", "mark-name",  "mark-value",
                                           "mark-body" };
    struct envelope_request request;
    struct sealer *sealer = NULL;
    struct buffer head, out;
    struct bhttp_writer w;

    (void)state;
    buffer_init(&head, 0);
    bhttp_begin_request(&w, &head, SPAN("MARKMETHOD"), SPAN("markscheme"), SPAN("mark-authority"),
                        SPAN("/mark/path"));
    bhttp_put_field(&w, SPAN("mark-name"), SPAN("mark-value"));
    assert_int_equal(bhttp_end(&w), 0);
    for (enum codec codec = CODEC_MKE; codec <= CODEC_MTE; codec++) {
        buffer_init(&out, 0);
        assert_int_equal(sealer_new_request(keys, codec, 1, 2, &request, &sealer), 0);
        assert_int_equal(sealer_put(sealer, PART_HEAD, buffer_span(&head), false, &out), 0);
        assert_int_equal(sealer_put(sealer, PART_DATA, SPAN("mark-body"), true, &out), 0);
        for (size_t i = 0; i < sizeof(markers) / sizeof(*markers); i++)
            assert_hidden(buffer_span(&out), markers[i]);
        sealer_free(&sealer);
        buffer_fini(&out);
        seal_response(&request, SPAN("mark-value"), &out);
        assert_hidden(buffer_span(&out), "mark-value");
        buffer_fini(&out);
    }
    buffer_fini(&head);
}

static int setup(void **state)
{
    (void)state;
    if (crypto_init() < 0)
        return -1;
    keys = forge_keys(SUITE_AES_256_GCM);
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
        cmocka_unit_test(any_flipped_byte_of_a_message_is_refused),
        cmocka_unit_test(any_flipped_byte_of_a_response_is_refused),
        cmocka_unit_test(reordered_frames_are_refused),
        cmocka_unit_test(dropped_and_doubled_frames_are_refused),
        cmocka_unit_test(a_cut_message_never_ends),
        cmocka_unit_test(appended_bytes_are_refused),
        cmocka_unit_test(a_moved_end_is_refused),
        cmocka_unit_test(a_head_that_smuggles_is_refused),
        cmocka_unit_test(two_swapped_responses_are_refused),
        cmocka_unit_test(a_request_sent_back_as_its_response_is_refused),
        cmocka_unit_test(a_message_opens_under_its_own_pair_only),
        cmocka_unit_test(ten_thousand_mutations_get_one_same_reject),
        cmocka_unit_test(mte_messages_of_one_class_are_equally_long),
        cmocka_unit_test(no_word_of_a_message_is_on_the_wire),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
