/* SPDX-License-Identifier: MIT */
/* What every answer to a peer relay has in common. Owns nothing. */
#include "worker/peer_answer.h"

#include "common/steady.h"

int peer_answer_head(struct exchange *x, const char *content_type, const uint64_t *length)
{
    struct headers fields;
    int r;

    headers_init(&fields);
    r = headers_add(&fields, SPAN("content-type"), span_text(content_type));
    if (r == 0)
        r = headers_add(&fields, SPAN("cache-control"), SPAN("no-store, no-transform"));
    if (r == 0)
        r = exchange_door_head(x, 200, &fields, length);
    headers_fini(&fields);
    return r;
}

void peer_answer(struct exchange *x, const char *content_type, struct span body)
{
    uint64_t length = body.len;
    int r = peer_answer_head(x, content_type, &length);

    if (r == 0)
        r = exchange_door_data(x, body);
    if (r == 0)
        r = exchange_door_end(x);
    if (r < 0)
        exchange_abort(x, "answering the peer relay: %s", error_text(r));
}

void peer_answer_error(struct exchange *x, enum errframe_code code, const struct identity_psk *psk,
                       struct span about)
{
    uint8_t frame[ERRFRAME_LEN];
    int r = errframe_make(psk, code, steady_ms(), about, frame);

    exchange_answers_error(x, code == ERRFRAME_BUSY ? 503 : 400, errframe_name(code));
    if (r < 0)
        return exchange_abort(x, "making an error frame: %s", error_text(r));
    peer_answer(x, "application/mte-error", span_of(frame, sizeof(frame)));
}
