/* SPDX-License-Identifier: MIT */
/* A number for each request behind one for each process. Owns nothing. */
#include "worker/request_id.h"

#include "common/crypto.h"
#include "common/text.h"
#include "common/wire.h"

bool request_id_ok(struct span id)
{
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.at[i], letter = c | 0x20;

        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' &&
            c != '-')
            return false;
    }
    return id.len > 0 && id.len <= REQUEST_ID_MAX;
}

int request_ids_init(struct request_ids *ids)
{
    ids->n_made = 0;
    return crypto_random(ids->process, sizeof(ids->process));
}

void request_id_make(struct request_ids *ids, char text_r[static REQUEST_ID_MADE_LEN + 1])
{
    uint8_t bytes[REQUEST_ID_MADE_LEN / 2];
    struct buffer b = buffer_over(bytes, sizeof(bytes));

    buffer_put(&b, span_of(ids->process, sizeof(ids->process)));
    wire_put_u64(&b, ids->n_made++);
    text_hex(buffer_span(&b), text_r);
}
