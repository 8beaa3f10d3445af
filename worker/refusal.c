/* SPDX-License-Identifier: MIT */
/* Our own refusals, out of their table. Pure; counting and logging are the exchange's. */
#include "worker/refusal.h"

static const struct {
    unsigned status;
    const char *code, *sentence;
} refusals[] = {
#define REFUSAL_ROW(name, status, code, sentence) [name] = { status, code, sentence },
#include "worker/refusal_table.h"
#undef REFUSAL_ROW
};

unsigned refusal_status(enum refusal refusal)
{
    return refusals[refusal].status;
}

const char *refusal_code(enum refusal refusal)
{
    return refusals[refusal].code;
}

/* No word of the table and no well-formed request id needs escaping in JSON. */
void refusal_body(enum refusal refusal, struct span request_id, struct buffer *body)
{
    buffer_printf(body,
                  "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\",",
                  refusals[refusal].code, refusals[refusal].status, refusals[refusal].sentence);
    buffer_printf(body, "\"code\":\"%s\"", refusals[refusal].code);
    if (request_id.len > 0)
        buffer_printf(body, ",\"instance\":\"%.*s\"", SPAN_PRINT(request_id));
    buffer_put_text(body, "}\n");
}
