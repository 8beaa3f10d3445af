/* SPDX-License-Identifier: MIT */
/*
 * Makes the test vectors. What the library keeps to itself (th, prk, message keys, plaintexts) is
 * computed here once more from docs/protocol.md, and must lead to the same bytes.
 */
#include "tests/unit/protocol_vectors.h"

#include <stdlib.h>

#include "common/bhttp.h"
#include "common/errframe.h"
#include "common/frame.h"
#include "common/pair_keys.h"
#include "common/sealer_internal.h"
#include "common/text.h"
#include "common/wire.h"
#include "tests/unit/relays.h"

enum { SEED_M1 = 0x01, SEED_M2 = 0x81, ISSUED_S = 1767225000 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- JSON ---- */

struct json {
    struct buffer *out;
    unsigned depth;
    bool first; /* of its object or array */
};

static void next(struct json *j, const char *key)
{
    buffer_printf(j->out, "%s\n%*s", j->first ? "" : ",", (int)(2 * j->depth), "");
    if (key != NULL)
        buffer_printf(j->out, "\"%s\": ", key);
    j->first = false;
}

static void begin(struct json *j, const char *key, const char *bracket)
{
    if (j->depth > 0)
        next(j, key);
    buffer_put_text(j->out, bracket);
    j->depth++;
    j->first = true;
}

static void end(struct json *j, const char *bracket)
{
    j->depth--;
    buffer_printf(j->out, "\n%*s%s", (int)(2 * j->depth), "", bracket);
    j->first = false;
}

static void put_hex(struct json *j, const char *key, const void *at, size_t len)
{
    char *text = malloc(2 * len + 1);

    must(text != NULL);
    text_hex(span_of(at, len), text);
    next(j, key);
    buffer_printf(j->out, "\"%s\"", text);
    free(text);
}

static void put_key(struct json *j, const char *key, const struct secret_key *secret)
{
    put_hex(j, key, secret->bytes, SECRET_KEY_LEN);
}

static void put_text(struct json *j, const char *key, const char *text)
{
    next(j, key);
    buffer_printf(j->out, "\"%s\"", text);
}

static void put_number(struct json *j, const char *key, uint64_t v)
{
    next(j, key);
    buffer_printf(j->out, "%llu", (unsigned long long)v);
}

/* ---- configuration and client token ---- */

static void put_deployment(struct json *j, const char *name, const struct identity *identity,
                           const char *const texts[static 2])
{
    begin(j, name, "{");
    put_text(j, "client_id_secret", texts[0]);
    put_text(j, "upstream", texts[1]);
    put_hex(j, "node", identity->node[0].node, NODE_LEN);
    put_key(j, "k_store", &identity->node[0].store);
    end(j, "}");
}

static void put_configuration(struct json *j, const struct relays *relays)
{
    static const char *const texts[][2] = {
        { RELAYS_CLIENT_SECRET_I, RELAYS_UPSTREAM_I },
        { RELAYS_CLIENT_SECRET_R, RELAYS_UPSTREAM_R },
    };
    const struct identity_psk *psk = &relays->initiator.psk[0];

    begin(j, "configuration", "{");
    put_text(j, "secret", RELAYS_SECRET);
    put_key(j, "psk", &psk->psk);
    put_hex(j, "psk_id", psk->id, PSK_ID_LEN);
    put_key(j, "k_m1", &psk->m1_mac);
    put_key(j, "k_err", &psk->error_mac);
    put_deployment(j, "initiator", &relays->initiator, texts[0]);
    put_deployment(j, "responder", &relays->responder, texts[1]);
    end(j, "}");
}

/* As the responder makes it for the initiator. */
static void make_token(const struct relays *relays, uint8_t token_r[static CLIENT_TOKEN_LEN])
{
    struct buffer token = buffer_over(token_r, CLIENT_TOKEN_LEN);
    const struct span parts[] = { SPAN("mar1 client\0"),
                                  span_of(relays->initiator.node[0].node, NODE_LEN),
                                  span_of(token_r, 24) };
    uint8_t id[16], mac[CRYPTO_HASH_LEN];

    relays_count(id, 0xe0, sizeof(id));
    buffer_put(&token, span_of(id, sizeof(id)));
    wire_put_u64(&token, ISSUED_S);
    must(hmac_compute(relays->responder.node[0].client_mac, parts, 3, mac) == 0);
    buffer_put(&token, span_of(mac, 16));
}

static void put_client_token(struct json *j, const uint8_t token[static CLIENT_TOKEN_LEN])
{
    begin(j, "client_token", "{");
    put_hex(j, "id", token, 16);
    put_number(j, "issued_s", ISSUED_S);
    put_hex(j, "token", token, CLIENT_TOKEN_LEN);
    end(j, "}");
}

/* ---- pairing ---- */

static void put_schedule(struct json *j, const struct relays *relays, const struct pairing_run *run,
                         const struct pairing_answer_random *random)
{
    const struct secret_key *psk = &relays->initiator.psk[0].psk;
    const struct span said[] = { span_of(run->m1, PAIRING_M1_LEN),
                                 span_of(run->m2, PAIRING_M2_LEN - CRYPTO_HASH_LEN) };
    uint8_t z[KEM_SECRET_LEN], answer[KEM_ANSWER_LEN], th[CRYPTO_HASH_LEN], mac2[CRYPTO_HASH_LEN];
    const struct span th_span = span_of(th, sizeof(th));
    struct secret_key prk, k_mac2, k_pair, k_req, k_rsp;

    must(kem_encaps_from(run->m1 + 108, random->m, random->scalar, answer, z) == 0);
    must(memcmp(answer, run->m2 + 108, sizeof(answer)) == 0);
    must(crypto_sha256(said, 2, th) == 0);
    must(crypto_hkdf_extract(span_of(psk->bytes, SECRET_KEY_LEN), span_of(z, sizeof(z)), &prk) ==
         0);
    must(identity_expand(&prk, "m2 mac", th_span, k_mac2.bytes, SECRET_KEY_LEN) == 0);
    must(crypto_hmac(span_of(k_mac2.bytes, SECRET_KEY_LEN), &th_span, 1, mac2) == 0);
    must(memcmp(mac2, run->m2 + PAIRING_M2_LEN - CRYPTO_HASH_LEN, sizeof(mac2)) == 0);
    must(identity_expand(&prk, "pair", th_span, k_pair.bytes, SECRET_KEY_LEN) == 0);
    must(memcmp(&k_pair, &run->responder_secret.key, sizeof(k_pair)) == 0);
    must(identity_expand(&k_pair, "req", SPAN_NONE, k_req.bytes, SECRET_KEY_LEN) == 0);
    must(identity_expand(&k_pair, "rsp", SPAN_NONE, k_rsp.bytes, SECRET_KEY_LEN) == 0);
    put_hex(j, "z", z, sizeof(z));
    put_hex(j, "th", th, sizeof(th));
    put_key(j, "prk", &prk);
    put_key(j, "k_mac2", &k_mac2);
    put_key(j, "k_pair", &k_pair);
    put_hex(j, "pair_id", run->responder_secret.id, PAIR_ID_LEN);
    put_key(j, "k_req", &k_req);
    put_key(j, "k_rsp", &k_rsp);
}

/* Leaves the pair's secret in *secret_r. */
static void put_pairing(struct json *j, const struct relays *relays, enum suite suite,
                        struct pair_secret *secret_r)
{
    struct pairing_start_random start;
    struct pairing_answer_random answer;
    struct pairing_result result;
    struct pairing_run run;

    relays_start_random(SEED_M1, &start);
    relays_answer_random(SEED_M2, &answer);
    relays_ask(&relays->initiator, SEED_M1, suite, &run);
    make_token(relays, run.answer.client_token);
    must(relays_answer(&relays->responder, SEED_M2, &run) == 0);
    must(pairing_finish(run.pairing, span_of(run.m2, PAIRING_M2_LEN), run.offer.now_ms, &result) ==
         0);
    *secret_r = result.secret;

    begin(j, NULL, "{");
    put_number(j, "suite", suite);
    put_hex(j, "ml_kem_d_z", start.d_z, sizeof(start.d_z));
    put_hex(j, "x25519_i", start.scalar, sizeof(start.scalar));
    put_hex(j, "m1", run.m1, PAIRING_M1_LEN);
    put_hex(j, "ml_kem_m", answer.m, sizeof(answer.m));
    put_hex(j, "x25519_r", answer.scalar, sizeof(answer.scalar));
    put_hex(j, "m2", run.m2, PAIRING_M2_LEN);
    put_schedule(j, relays, &run, &answer);
    end(j, "}");
    relays_end(&run);
}

/* ---- messages ---- */

static void put_frames(struct json *j, enum suite suite, const struct secret_key *key,
                       struct span frames)
{
    struct frame_cipher cipher = { .n_frames = 0 };
    uint8_t *plain = malloc(frames.len);

    must(plain != NULL && aead_new(suite, AEAD_OPEN, key, &cipher.aead) == 0);
    begin(j, "frames", "[");
    while (frames.len > 0) {
        struct wire w = wire_read(span_from(frames, 1));
        struct span sealed = wire_bytes(&w, wire_u24(&w));

        must(wire_error(&w) == 0 && frame_open(&cipher, frames.at, sealed, plain) == 0);
        begin(j, NULL, "{");
        put_hex(j, "plain", plain, sealed.len - CRYPTO_TAG_LEN);
        put_hex(j, "frame", frames.at, FRAME_HEADER_LEN + sealed.len);
        end(j, "}");
        frames = w.rest;
    }
    end(j, "]");
    frame_cipher_fini(&cipher);
    free(plain);
}

static void put_request_parts(struct sealer *sealer, const struct pair_keys *keys, bool again,
                              struct buffer *out)
{
    struct envelope_again first = { .counter = 40, .time_ms = relays_now_ms() + 1000 };
    uint8_t bytes[ENVELOPE_AGAIN_LEN];
    struct bhttp_writer w;
    struct buffer head;

    buffer_init(&head, 0);
    bhttp_begin_request(&w, &head, SPAN("POST"), SPAN("https"), SPAN("app.example"),
                        SPAN("/v1/accounts?id=7"));
    bhttp_put_field(&w, SPAN("accept"), SPAN("application/json"));
    bhttp_put_field(&w, SPAN("x-empty"), SPAN_NONE);
    must(bhttp_end(&w) == 0);
    must(sealer_put(sealer, PART_HEAD, buffer_span(&head), false, out) == 0);
    buffer_fini(&head);
    if (again) {
        memcpy(first.pair_id, keys->id, PAIR_ID_LEN);
        envelope_put_again(&first, bytes);
        must(sealer_put(sealer, PART_AGAIN, span_of(bytes, sizeof(bytes)), false, out) == 0);
    }
    must(sealer_put(sealer, PART_DATA, SPAN("{\"amount\":"), false, out) == 0);
    must(sealer_put(sealer, PART_DATA, SPAN("100}"), true, out) == 0);
}

static void put_response_parts(struct sealer *sealer, bool pad, struct buffer *out)
{
    struct bhttp_writer w;
    struct buffer head;

    buffer_init(&head, 0);
    bhttp_begin_response(&w, &head, 201);
    bhttp_put_field(&w, SPAN("content-length"), SPAN("2"));
    bhttp_put_field(&w, SPAN("set-cookie"), SPAN("a=1"));
    bhttp_put_field(&w, SPAN("set-cookie"), SPAN("b=2"));
    must(bhttp_end(&w) == 0);
    if (pad)
        must(sealer_pad(sealer, out) == 0);
    must(sealer_put(sealer, PART_HEAD, buffer_span(&head), false, out) == 0);
    must(sealer_put(sealer, PART_DATA, SPAN("ok"), false, out) == 0);
    must(sealer_put(sealer, PART_DATA, SPAN_NONE, true, out) == 0);
    buffer_fini(&head);
}

/* A request, with AGAIN where it is MKE, and its response, with a PAD where that is MKE. */
static void put_exchange(struct json *j, const struct pair_secret *secret, enum codec codec)
{
    struct envelope_request request = { .codec = codec,
                                        .counter = codec == CODEC_MKE ? 41 : 42,
                                        .time_ms = relays_now_ms() + 2000 };
    uint8_t salt[ENVELOPE_RSP_SALT_LEN];
    struct pair_keys *keys = NULL;
    struct sealer *sealer = NULL;
    struct secret_key key;
    struct buffer out;

    buffer_init(&out, 0);
    must(pair_keys_new(secret, &keys) == 0);
    begin(j, NULL, "{");
    put_number(j, "suite", secret->suite);
    put_text(j, "codec", codec == CODEC_MKE ? "MKE" : "MTE");

    relays_count(salt, 0x10, ENVELOPE_SALT_LEN);
    must(sealer_new_request_from(keys, &request, salt, &sealer) == 0);
    put_request_parts(sealer, keys, codec == CODEC_MKE, &out);
    must(pair_keys_of_request(keys, request.bytes, &key) == 0);
    begin(j, "request", "{");
    put_hex(j, "req", request.bytes, ENVELOPE_REQ_LEN);
    put_key(j, "key", &key);
    put_frames(j, secret->suite, &key, span_from(buffer_span(&out), ENVELOPE_REQ_LEN));
    end(j, "}");
    sealer_free(&sealer);
    buffer_clear(&out);

    relays_count(salt, 0x50, ENVELOPE_RSP_SALT_LEN);
    must(sealer_new_response_from(keys, &request, salt, &sealer) == 0);
    put_response_parts(sealer, codec == CODEC_MKE, &out);
    must(pair_keys_of_response(keys, request.bytes, buffer_span(&out).at, &key) == 0);
    begin(j, "response", "{");
    put_hex(j, "rsp", buffer_span(&out).at, ENVELOPE_RSP_LEN);
    put_key(j, "key", &key);
    put_frames(j, secret->suite, &key, span_from(buffer_span(&out), ENVELOPE_RSP_LEN));
    end(j, "}");
    sealer_free(&sealer);

    end(j, "}");
    buffer_fini(&out);
    pair_keys_free(&keys);
}

/* ---- errors ---- */

static void put_errors(struct json *j, const struct relays *relays)
{
    uint8_t body[64], frame[ERRFRAME_LEN];

    relays_count(body, 0x00, sizeof(body));
    begin(j, "errors", "[");
    for (enum errframe_code code = ERRFRAME_REJECT; code <= ERRFRAME_REFUSED; code++) {
        must(errframe_make(&relays->responder.psk[0], code, relays_now_ms() + 3000,
                           errframe_about_message(span_of(body, sizeof(body))), frame) == 0);
        begin(j, NULL, "{");
        put_text(j, "code", errframe_name(code));
        put_hex(j, "mte_relay_body", body, sizeof(body));
        put_hex(j, "err", frame, sizeof(frame));
        end(j, "}");
    }
    end(j, "]");
}

void protocol_vectors_put(struct buffer *out)
{
    struct json j = { .out = out };
    struct pair_secret secret[2];
    uint8_t token[CLIENT_TOKEN_LEN];
    struct relays relays;

    relays_init(&relays);
    make_token(&relays, token);
    begin(&j, NULL, "{");
    put_text(&j, "protocol", "mar1");
    put_configuration(&j, &relays);
    put_client_token(&j, token);
    begin(&j, "pairings", "[");
    put_pairing(&j, &relays, SUITE_AES_256_GCM, &secret[0]);
    put_pairing(&j, &relays, SUITE_CHACHA20_POLY1305, &secret[1]);
    end(&j, "]");
    begin(&j, "messages", "[");
    for (int i = 0; i < 2; i++) {
        put_exchange(&j, &secret[i], CODEC_MKE);
        put_exchange(&j, &secret[i], CODEC_MTE);
    }
    end(&j, "]");
    put_errors(&j, &relays);
    end(&j, "}");
    buffer_put_text(out, "\n");
    relays_fini(&relays);
}
