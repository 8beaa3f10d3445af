/* SPDX-License-Identifier: MIT */
/* Our own refusals, out of their table. Pure; counting and logging are the exchange's. */
#include "worker/refusal.h"

#include "worker/status.h"

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

void refusal_http1(enum refusal refusal, bool with_body, struct buffer *answer)
{
    struct buffer body;

    buffer_init(&body, 0);
    refusal_body(refusal, SPAN_NONE, &body);
    buffer_printf(answer, "HTTP/1.1 %u %s\r\nconnection: close\r\ncontent-length: %zu\r\n",
                  refusals[refusal].status, status_reason(refusals[refusal].status),
                  buffer_len(&body));
    buffer_printf(answer,
                  "content-type: " REFUSAL_TYPE "\r\ncache-control: no-store\r\n" REFUSAL_FIELD
                  ": %s\r\n",
                  refusals[refusal].code);
    if (refusals[refusal].status == 503)
        buffer_put_text(answer, "retry-after: 1\r\n");
    buffer_put_text(answer, "\r\n");
    if (with_body)
        buffer_put(answer, buffer_span(&body));
    if (buffer_error(&body) != 0)
        answer->error = buffer_error(&body);
    buffer_fini(&body);
}
