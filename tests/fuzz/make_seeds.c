/* SPDX-License-Identifier: MIT */
/*
 * Writes the seeds of the protocol's fuzz targets: make_seeds tests/fuzz/seeds. They are good
 * messages and the nearest bad ones; a mutator finds the rest.
 */
#include <err.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/bhttp.h"
#include "common/errframe.h"
#include "common/token.h"
#include "common/wire.h"
#include "tests/unit/forge.h"
#include "tests/unit/relays.h"

static const char *top;

static void write_seed(const char *target, const char *name, struct span bytes)
{
    struct buffer path;
    FILE *file;

    buffer_init(&path, 0);
    buffer_printf(&path, "%s/%s%c", top, target, '\0');
    if (mkdir((const char *)path.at, 0777) == 0)
        printf("made %s\n", (const char *)path.at);
    buffer_clear(&path);
    buffer_printf(&path, "%s/%s/%s%c", top, target, name, '\0');
    file = fopen((const char *)path.at, "we");
    if (file == NULL || fwrite(bytes.at, 1, bytes.len, file) != bytes.len || fclose(file) != 0)
        err(1, "%s", (const char *)path.at);
    buffer_fini(&path);
}

/* A first byte, then the bytes. */
static void write_flagged(const char *target, const char *name, uint8_t flag, struct span bytes)
{
    struct buffer seed;

    buffer_init(&seed, 0);
    wire_put_u8(&seed, flag);
    buffer_put(&seed, bytes);
    write_seed(target, name, buffer_span(&seed));
    buffer_fini(&seed);
}

static void pairing(void)
{
    struct pairing_run run;
    struct span m1 = span_of(run.m1, PAIRING_M1_LEN), m2 = span_of(run.m2, PAIRING_M2_LEN);
    struct relays relays;

    relays_init(&relays);
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    if (relays_answer(&relays.responder, 0x81, &run) < 0)
        errx(1, "pairing failed");
    write_flagged("m1", "good", 0, m1);
    write_flagged("m1", "good_macd_here", 1, m1);
    write_flagged("m1", "cut", 0, span_part(m1, 0, PAIRING_M1_LEN - 1));
    write_flagged("m2", "good", 0, m2);
    write_flagged("m2", "good_macd_here", 1, m2);
    write_flagged("m2", "m1_reflected", 0, m1);
    run.m1[2] = 3; /* suites that there are not */
    run.m1[3] = 0;
    write_flagged("m1", "no_suite", 1, m1);
    run.m1[2] = SUITE_CHACHA20_POLY1305;
    memset(run.m1 + 28, 0xff, 8); /* time */
    write_flagged("m1", "other_time", 1, m1);
    memset(run.m1 + 108 + 1184, 0, 32);
    write_flagged("m1", "zero_x25519", 1, m1);
    memset(run.m1 + 108, 0xff, 1184);
    write_flagged("m1", "ml_kem_coefficients_too_big", 1, m1);
    run.m2[2] = SUITE_CHACHA20_POLY1305;
    write_flagged("m2", "other_suite", 1, m2);
    memset(run.m2 + 108 + 1088, 0, 32);
    write_flagged("m2", "zero_x25519", 1, m2);
    memcpy(run.m2 + 4, relays.initiator.node[0].node, NODE_LEN);
    write_flagged("m2", "our_own_node", 1, m2);
    relays_end(&run);
    relays_fini(&relays);
}

static void put_heads(struct buffer *request, struct buffer *response)
{
    struct bhttp_writer w;
    int r;

    bhttp_begin_request(&w, request, SPAN("POST"), SPAN("https"), SPAN("h:8443"), SPAN("/a?b=c"));
    bhttp_put_field(&w, SPAN("accept"), SPAN("*/*"));
    bhttp_put_field(&w, SPAN("x-empty"), SPAN_NONE);
    r = bhttp_end(&w);
    bhttp_begin_response(&w, response, 200);
    bhttp_put_field(&w, SPAN("content-length"), SPAN("4"));
    if (r < 0 || bhttp_end(&w) < 0)
        errx(1, "out of memory");
}

static void bhttp(struct span request, struct span response)
{
    write_flagged("bhttp", "request", 0, request);
    write_flagged("bhttp", "request_options", 0, SPAN("\0\7OPTIONS\4http\0\1*\0"));
    write_flagged("bhttp", "request_long_lengths", 0,
                  SPAN("\x40\0\x40\3GET\x80\0\0\5https\xc0\0\0\0\0\0\0\0\1/\x40\6\x40\1a\x40\1b"));
    write_flagged("bhttp", "request_with_content", 0, SPAN("\0\3GET\4http\1h\1/\0\1x\0"));
    write_flagged("bhttp", "response", 1, response);
    write_flagged("bhttp", "response_informational", 1, SPAN("\1\x40\x67\4\1a\1b\x40\xc8\0"));
    write_flagged("bhttp", "trailers", 2, SPAN("\4\1a\1b"));
}

static void errors(void)
{
    const struct identity_psk psk = { .error_mac = { { 1, 2, 3 } } };
    uint8_t frame[ERRFRAME_LEN];

    for (enum errframe_code code = ERRFRAME_REJECT; code <= ERRFRAME_REFUSED; code++) {
        if (errframe_make(&psk, code, 1700000000000, SPAN("a body"), frame) < 0)
            errx(1, "no ERR");
        write_flagged("errframe", errframe_name(code), 0, span_of(frame, sizeof(frame)));
    }
    frame[2] = 7;
    write_flagged("errframe", "no_such_code", 1, span_of(frame, sizeof(frame)));
    write_flagged("errframe", "cut", 0, span_of(frame, sizeof(frame) - 1));
}

/* ---- messages: see fuzz_message.c for the layout ---- */

enum { RESPONSE = 1, MTE = 2, SEALED = 4, OTHER_SUITE = 8, END = FRAME_END };

struct seed_frame {
    uint8_t kind;
    struct span plain;
};

/* A kind of 0 ends the parts. */
static void write_message(const char *name, uint8_t flags, uint8_t slice,
                          const struct seed_frame *parts)
{
    struct buffer seed;

    buffer_init(&seed, 0);
    wire_put_u8(&seed, flags | SEALED);
    wire_put_u8(&seed, slice);
    for (; parts->kind != 0; parts++) {
        wire_put_u8(&seed, parts->kind);
        wire_put_u16(&seed, (uint16_t)parts->plain.len);
        buffer_put(&seed, parts->plain);
    }
    write_seed("message", name, buffer_span(&seed));
    buffer_fini(&seed);
}

static void sealed_messages(struct span request, struct span response)
{
    static const uint8_t zeros[ENVELOPE_AGAIN_LEN];
    const struct span again = span_of(zeros, sizeof(zeros));
    const struct seed_frame all[] = { { FRAME_HEAD, request },
                                      { FRAME_AGAIN, again },
                                      { FRAME_DATA, SPAN("data") },
                                      { FRAME_PAD, SPAN("\0") },
                                      { FRAME_TRAILERS, SPAN("\4\1a\1b") },
                                      { FRAME_PAD | END, SPAN_NONE },
                                      { 0, SPAN_NONE } };
    const struct seed_frame answer[] = { { FRAME_PAD, SPAN("\0") },
                                         { FRAME_HEAD, response },
                                         { FRAME_DATA | END, SPAN("data") },
                                         { 0, SPAN_NONE } };
    const struct seed_frame head[] = { { FRAME_HEAD | END, request }, { 0, SPAN_NONE } };
    const struct seed_frame no_end[] = { { FRAME_HEAD, request },
                                         { FRAME_DATA, SPAN("data") },
                                         { 0, SPAN_NONE } };
    const struct seed_frame two_ends[] = { { FRAME_HEAD | END, request },
                                           { FRAME_DATA | END, SPAN("data") },
                                           { 0, SPAN_NONE } };

    write_message("request", 0, 0, all);
    write_message("request_chacha20", OTHER_SUITE, 6, all);
    write_message("response", RESPONSE, 2, answer);
    write_message("head_only", 0, 255, head);
    write_message("no_end", 0, 9, no_end);
    write_message("two_ends", 0, 9, two_ends);
}

static void tokens(struct span request, struct span response)
{
    struct seed_frame parts[2] = { { FRAME_TOKEN | END, SPAN_NONE }, { 0, SPAN_NONE } };
    struct token token;

    for (int is_response = 0; is_response < 2; is_response++) {
        token_init(&token);
        token_put(&token, FRAME_HEAD, is_response ? response : request);
        token_put(&token, FRAME_DATA, SPAN("data"));
        token_pad(&token);
        parts[0].plain = buffer_span(&token.parts);
        write_message(is_response ? "response_mte" : "request_mte",
                      (uint8_t)(is_response ? MTE | RESPONSE : MTE), 30, parts);
        token_fini(&token);
    }
}

/* As it comes off the wire, header and all. */
static void whole_message(struct span head)
{
    struct envelope_request request;
    struct pair_keys *keys;
    struct forge f;
    struct buffer seed;

    if (crypto_init() < 0)
        errx(1, "no cryptography");
    keys = forge_keys(SUITE_AES_256_GCM);
    forge_request(&f, keys, CODEC_MKE, &request);
    forge_frame(&f, FRAME_HEAD, head);
    forge_frame(&f, FRAME_DATA | END, SPAN("data"));
    buffer_init(&seed, 0);
    buffer_put(&seed, SPAN("\0\20"));
    buffer_put(&seed, forge_message(&f));
    write_seed("message", "request_as_it_comes", buffer_span(&seed));
    buffer_fini(&seed);
    forge_fini(&f);
    pair_keys_free(&keys);
    crypto_fini();
}

int main(int argc, char **argv)
{
    struct buffer request, response;

    if (argc != 2)
        errx(64, "usage: make_seeds FOLDER");
    top = argv[1];
    buffer_init(&request, 0);
    buffer_init(&response, 0);
    put_heads(&request, &response);
    pairing();
    whole_message(buffer_span(&request));
    bhttp(buffer_span(&request), buffer_span(&response));
    if (crypto_init() < 0)
        errx(1, "no cryptography");
    errors();
    sealed_messages(buffer_span(&request), buffer_span(&response));
    tokens(buffer_span(&request), buffer_span(&response));
    buffer_fini(&request);
    buffer_fini(&response);
    crypto_fini();
    return 0;
}
