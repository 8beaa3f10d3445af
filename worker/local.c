/* SPDX-License-Identifier: MIT */
/* Answers that need nobody else: no call, no state. */
#include "worker/local.h"

#include "worker/echo.h"

#define ABOUT                                                                                      \
    "{\"relay\":\"mte-api-relay\",\"versions\":[1],"                                               \
    "\"suites\":[{\"id\":1,\"name\":\"AES-256-GCM\"},{\"id\":2,\"name\":\"ChaCha20-Poly1305\"}]}\n"

static void answer(struct exchange *x, unsigned status, const struct headers *fields,
                   struct span body)
{
    uint64_t len = body.len;
    int r = exchange_answer_head(x, status, fields, &len);

    if (r == 0)
        r = exchange_answer_data(x, body);
    if (r == 0)
        r = exchange_answer_end(x);
    if (r < 0)
        exchange_abort(x, "%s", error_text(r));
}

static void about_begin(struct exchange *x)
{
    struct header items[] = { { SPAN("content-type"), SPAN("application/json") },
                              { SPAN("cache-control"), SPAN("no-store") },
                              { SPAN("x-mte-relay"), SPAN("1") } };

    answer(x, 200, &(struct headers){ items, 3, 3 }, SPAN(ABOUT));
}

/* The door adds what CORS tells a preflight. */
static void preflight_begin(struct exchange *x)
{
    answer(x, 204, &(struct headers){ 0 }, SPAN_NONE);
}

const struct exchange_ops local_echo_ops = {
    .name = "echo",
    .begin = echo_answer,
    .answer_head = exchange_door_head,
    .answer_data = exchange_door_data,
    .answer_end = exchange_door_end,
};

const struct exchange_ops local_about_ops = {
    .name = "about",
    .begin = about_begin,
    .answer_head = exchange_door_head,
    .answer_data = exchange_door_data,
    .answer_end = exchange_door_end,
};

const struct exchange_ops local_preflight_ops = {
    .name = "preflight",
    .begin = preflight_begin,
    .answer_head = exchange_door_head,
    .answer_data = exchange_door_data,
    .answer_end = exchange_door_end,
};
