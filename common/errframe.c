/* SPDX-License-Identifier: MIT */
/* ERR frames made and verified. Owns nothing, decides nothing: what a refusal means is the
 * caller's. */
#include "common/errframe.h"

#include <assert.h>

#include "common/envelope.h"
#include "common/pairing.h"
#include "common/wire.h"

enum {
    TYPE_ERR = 0x7f,
    PLAIN_LEN = ERRFRAME_LEN - CRYPTO_HASH_LEN, /* all before the MAC */
    ID_OFFSET = 4,                              /* of psk_id in M1 and of pair_id in REQ */
};

static const char *const names[] = {
    [ERRFRAME_REJECT] = "REJECT", [ERRFRAME_UNKNOWN_PAIR] = "UNKNOWN_PAIR",
    [ERRFRAME_CLOCK] = "CLOCK",   [ERRFRAME_REPLAY] = "REPLAY",
    [ERRFRAME_BUSY] = "BUSY",     [ERRFRAME_REFUSED] = "REFUSED",
};

const char *errframe_name(enum errframe_code code)
{
    assert(code >= ERRFRAME_REJECT && code <= ERRFRAME_REFUSED);
    return names[code];
}

struct span errframe_about_message(struct span body)
{
    return span_part(body, 0, ENVELOPE_REQ_LEN);
}

struct span errframe_about_m1(struct span body)
{
    return span_part(body, 0, PAIRING_M1_LEN);
}

/* An id that is not there in full, or is nobody's, names none: then it is the offered PSK. */
static const struct identity_psk *named_psk(const struct identity *identity, struct span id,
                                            size_t id_len, size_t psk_len)
{
    const struct identity_psk *psk = NULL;

    if (id.len >= id_len)
        psk = identity_find_psk(identity, id.at, psk_len);
    return psk != NULL ? psk : &identity->psk[0];
}

const struct identity_psk *errframe_psk_of_message(const struct identity *identity,
                                                   struct span body)
{
    return named_psk(identity, span_from(body, ID_OFFSET), PAIR_ID_LEN, PAIR_ID_PSK_LEN);
}

const struct identity_psk *errframe_psk_of_m1(const struct identity *identity, struct span body)
{
    return named_psk(identity, span_from(body, ID_OFFSET), PSK_ID_LEN, PSK_ID_LEN);
}

static int make_mac(const struct identity_psk *psk, const uint8_t *frame,
                    uint8_t mac_r[static CRYPTO_HASH_LEN])
{
    const struct span plain = span_of(frame, PLAIN_LEN);

    return crypto_hmac(span_of(psk->error_mac.bytes, SECRET_KEY_LEN), &plain, 1, mac_r);
}

int errframe_make(const struct identity_psk *psk, enum errframe_code code, uint64_t now_ms,
                  struct span about, uint8_t frame_r[static ERRFRAME_LEN])
{
    struct buffer b = buffer_over(frame_r, PLAIN_LEN);
    uint8_t hash[CRYPTO_HASH_LEN];
    int r;

    r = crypto_sha256(&about, 1, hash);
    if (r < 0)
        return r;
    wire_put_u8(&b, PROTOCOL_VERSION);
    wire_put_u8(&b, TYPE_ERR);
    wire_put_u8(&b, (uint8_t)code);
    wire_put_u8(&b, 0);
    wire_put_u64(&b, now_ms);
    buffer_put(&b, span_of(hash, sizeof(hash)));
    assert(buffer_error(&b) == 0 && buffer_len(&b) == PLAIN_LEN);
    return make_mac(psk, frame_r, frame_r + PLAIN_LEN);
}

int errframe_read(const struct identity_psk *psk, struct span frame, struct span about,
                  enum errframe_code *code_r, uint64_t *time_ms_r)
{
    struct wire w = wire_read(frame);
    uint8_t version = wire_u8(&w), type = wire_u8(&w), code = wire_u8(&w), zero = wire_u8(&w);
    uint64_t time_ms = wire_u64(&w);
    struct span hash = wire_bytes(&w, CRYPTO_HASH_LEN), mac = wire_bytes(&w, CRYPTO_HASH_LEN);
    uint8_t true_hash[CRYPTO_HASH_LEN], true_mac[CRYPTO_HASH_LEN];
    int r;

    if (wire_end(&w) != 0 || version != PROTOCOL_VERSION || type != TYPE_ERR || zero != 0 ||
        code < ERRFRAME_REJECT || code > ERRFRAME_REFUSED)
        return ERR_FORMAT;
    r = make_mac(psk, frame.at, true_mac);
    if (r == 0)
        r = crypto_sha256(&about, 1, true_hash);
    if (r == 0 && (!secret_equal(span_of(true_mac, sizeof(true_mac)), mac) ||
                   !span_equal(span_of(true_hash, sizeof(true_hash)), hash)))
        r = ERR_AUTH;
    secret_wipe(true_mac, sizeof(true_mac));
    if (r < 0)
        return r;
    *code_r = (enum errframe_code)code;
    *time_ms_r = time_ms;
    return 0;
}
