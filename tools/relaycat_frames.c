/* SPDX-License-Identifier: MIT */
/* Walks over a sealed message without opening it. Owns nothing. */
#include "tools/relaycat_frames.h"

#include "common/frame.h"
#include "common/wire.h"

static const char *const names[N_FRAME_KINDS] = {
    [FRAME_HEAD] = "HEAD", [FRAME_DATA] = "DATA",   [FRAME_TRAILERS] = "TRAILERS",
    [FRAME_PAD] = "PAD",   [FRAME_AGAIN] = "AGAIN", [FRAME_TOKEN] = "TOKEN",
};

void frames_init_request(struct frames *frames, FILE *to)
{
    *frames = (struct frames){ .to = to, .mark = '>', .want = ENVELOPE_REQ_LEN };
}

void frames_init_response(struct frames *frames, FILE *to)
{
    *frames = (struct frames){ .to = to, .mark = '<', .want = ENVELOPE_RSP_LEN };
}

static int begin(struct frames *f)
{
    bool is_request = f->want == ENVELOPE_REQ_LEN;

    f->begun = true;
    layout_print(f->to, f->mark, is_request ? LAYOUT_REQ : LAYOUT_RSP, span_of(f->header, f->want));
    if (f->header[0] != PROTOCOL_VERSION ||
        f->header[1] != (is_request ? ENVELOPE_TYPE_REQ : ENVELOPE_TYPE_RSP))
        return ERR_FORMAT;
    return 0;
}

static int begin_frame(struct frames *f)
{
    struct wire w = wire_read(span_of(f->header, FRAME_HEADER_LEN));
    uint8_t byte = wire_u8(&w), kind = byte & (uint8_t)~FRAME_END;
    bool known = kind < N_FRAME_KINDS && names[kind] != NULL;

    f->left = wire_u24(&w);
    f->ended = (byte & FRAME_END) != 0;
    if (f->to != NULL)
        fprintf(f->to, "%c frame %llu  %s%s  %zu bytes\n", f->mark, (unsigned long long)f->n,
                known ? names[kind] : "?", f->ended ? " END" : "", f->left);
    f->n++;
    return known && f->left >= CRYPTO_TAG_LEN && f->left <= FRAME_SEALED_MAX ? 0 : ERR_FORMAT;
}

int frames_feed(struct frames *frames, struct span bytes)
{
    struct frames *f = frames;
    size_t n;
    int r = 0;

    while (r == 0 && bytes.len > 0) {
        if (f->left > 0) {
            n = span_part(bytes, 0, f->left).len;
            f->left -= n;
            bytes = span_from(bytes, n);
            continue;
        }
        if (f->ended)
            return ERR_FORMAT;
        f->header[f->n_header++] = bytes.at[0];
        bytes = span_from(bytes, 1);
        if (f->n_header < f->want)
            continue;
        r = f->begun ? begin_frame(f) : begin(f);
        f->n_header = 0;
        f->want = FRAME_HEADER_LEN;
    }
    return r;
}

bool frames_complete(const struct frames *frames)
{
    return frames->ended && frames->left == 0;
}
