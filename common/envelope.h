/* SPDX-License-Identifier: MIT */
/*
 * Sealed messages (protocol.md, "Messages"): headers, frames, their order, both codecs. Knows
 * nothing of what carries them. A request opens only under its pair, a response only for its own
 * request.
 */
#ifndef COMMON_ENVELOPE_H
#define COMMON_ENVELOPE_H

#include "common/buffer.h"
#include "common/pairing.h"

enum {
    ENVELOPE_REQ_LEN = 52,
    ENVELOPE_RSP_LEN = 28,
    ENVELOPE_AGAIN_LEN = 32,
    ENVELOPE_SALT_LEN = 16,     /* of REQ */
    ENVELOPE_RSP_SALT_LEN = 24, /* of RSP */
    ENVELOPE_TYPE_REQ = 0x10,
    ENVELOPE_TYPE_RSP = 0x11,
    ENVELOPE_FRAME_PLAIN = 16384,     /* what we put in a frame */
    ENVELOPE_FRAME_PLAIN_MAX = 65536, /* what we take in a frame, and the longest MTE token */
    ENVELOPE_COUNTER_END = 1 << 24,   /* counters are below this */
};

enum codec { CODEC_MKE = 0, CODEC_MTE = 1 };

/* What a message consists of, whatever its codec. PAD and TOKEN frames are not seen from outside.
 */
enum part { PART_HEAD = 1, PART_DATA = 2, PART_TRAILERS = 3, PART_AGAIN = 5 };

/* A pair, ready for messages: its two MACs keyed. Heap. */
struct pair_keys;
MUST_CHECK int pair_keys_new(const struct pair_secret *secret, struct pair_keys **keys_r);
void pair_keys_free(struct pair_keys **keys);

struct envelope_request {
    enum suite suite;
    enum codec codec;
    uint8_t pair_id[PAIR_ID_LEN];
    uint64_t counter;
    uint64_t time_ms;
    uint8_t bytes[ENVELOPE_REQ_LEN]; /* as sent: responses are bound to it */
};

/* Version, type, codec, counter range. ERR_FORMAT. Whether the suite is the pair's: the opener. */
MUST_CHECK int envelope_read_request(struct span message, struct envelope_request *request_r);

struct envelope_again {
    uint8_t pair_id[PAIR_ID_LEN];
    uint64_t counter;
    uint64_t time_ms;
};
void envelope_put_again(const struct envelope_again *again,
                        uint8_t bytes_r[static ENVELOPE_AGAIN_LEN]);
/* ERR_FORMAT: another length, counter out of range. */
MUST_CHECK int envelope_read_again(struct span bytes, struct envelope_again *again_r);

/* ---- sealing ---- */

/* One message being sealed; needs no pair once it has begun. Heap; wiped by sealer_free(). */
struct sealer;

/* Begins a request: fills request_r (fresh salt). Its header goes out with the first part. */
MUST_CHECK int sealer_new_request(struct pair_keys *keys, enum codec codec, uint64_t counter,
                                  uint64_t time_ms, struct envelope_request *request_r,
                                  struct sealer **sealer_r);
/*
 * Begins the response to a request. Where the request's codec is MTE, parts are held back until
 * END; a response that then does not fit, or that sealer_pad() is asked for, goes on as MKE.
 */
MUST_CHECK int sealer_new_response(struct pair_keys *keys, const struct envelope_request *request,
                                   struct sealer **sealer_r);
void sealer_free(struct sealer **sealer);

/*
 * Seals a part (DATA of any length, in as many frames as it takes) and appends what can be sent to
 * out. end: this was the last part; a message without anything more to say ends with
 * sealer_put(s, PART_DATA, SPAN_NONE, true, out). Exactly one end. ERR_LIMIT: an MTE request that
 * does not fit. ERR_MISUSE: our own breach of the order of parts.
 */
MUST_CHECK int sealer_put(struct sealer *sealer, enum part part, struct span bytes, bool end,
                          struct buffer *out);
/* Bytes that a message of so many in its parts takes as MKE, at most: to be had at once. */
size_t sealer_room(size_t len);
/* A frame that says nothing, to keep idle connections between the relays open. Responses only. */
MUST_CHECK int sealer_pad(struct sealer *sealer, struct buffer *out);

/* ---- opening ---- */

/*
 * A part, or a piece of DATA (never empty), authentic and in order; AGAIN and TRAILERS are checked,
 * HEAD is for bhttp_read_*(). bytes go with the return; a negative one stops the opener for good.
 */
typedef int (*opener_part_cb)(void *arg, enum part part, struct span bytes);

/* One message being opened, fed as it arrives. Heap; its key is wiped by opener_free(). */
struct opener;

/*
 * request as read from the message; feed what follows its first ENVELOPE_REQ_LEN bytes. ERR_FORMAT:
 * its suite is not the pair's.
 */
MUST_CHECK int opener_new_request(struct pair_keys *keys, const struct envelope_request *request,
                                  struct opener **opener_r);
/* Feed from the first byte: the RSP header is the opener's to read. keys must live until then. */
MUST_CHECK int opener_new_response(struct pair_keys *keys, const struct envelope_request *request,
                                   struct opener **opener_r);
void opener_free(struct opener **opener);

/*
 * Takes any number of bytes, keeps an unfinished frame for the next call. ERR_AUTH: a tag;
 * ERR_FORMAT: anything else; both are sticky and are REJECT to a peer. Otherwise 0 or what part_cb
 * returned.
 */
MUST_CHECK int opener_feed(struct opener *opener, struct span bytes, opener_part_cb part_cb,
                           void *arg);
/* Has END been seen? A message whose carrier ended without it is broken off. */
bool opener_ended(const struct opener *opener);

#endif
