/* SPDX-License-Identifier: MIT */
/* Pass-through: the pipe without a transform. Never carries an x-mte-* field. */
#include "worker/relay_plain.h"

#include "worker/forward.h"

struct plain {
    struct buffer head;
    struct buffer sources; /* x-forwarded-for */
};

/* Without TRUSTED_PROXIES who is believed is the API's business; with them only they are. */
static bool believes(struct exchange *x)
{
    return exchange_services(x)->conf->trusted_proxies.n == 0 || exchange_came_by_proxy(x);
}

/* Here we see who sent it: behind what the request says already, as each proxy does. */
static int add_source(struct exchange *x, struct buffer *sources)
{
    struct headers *fields = &exchange_request(x)->fields;
    struct span source = exchange_source(x);
    bool believed = believes(x);

    headers_strip_hop_by_hop(fields); /* first: Connection must not name what is added here */
    if (!believed)
        headers_remove(fields, SPAN("x-forwarded-for"));
    if (source.len == 0)
        return 0;
    for (size_t i = 0; i < fields->n; i++) {
        if (!span_equal(fields->items[i].name, SPAN("x-forwarded-for")))
            continue;
        buffer_put(sources, fields->items[i].value);
        buffer_put(sources, SPAN(", "));
    }
    buffer_put(sources, source);
    if (buffer_error(sources) < 0)
        return buffer_error(sources);
    return headers_set(fields, SPAN("x-forwarded-for"), buffer_span(sources));
}

static void plain_begin(struct exchange *x)
{
    struct plain *plain = exchange_state(x);
    int r;

    buffer_init(&plain->head, 0);
    buffer_init(&plain->sources, 0);
    r = add_source(x, &plain->sources);
    if (r < 0)
        return exchange_refuse(x, REFUSAL_OVERLOADED, "%s", error_text(r));
    forward_call(x, &plain->head);
}

static void plain_fini(struct exchange *x)
{
    struct plain *plain = exchange_state(x);

    buffer_fini(&plain->head);
    buffer_fini(&plain->sources);
}

const struct exchange_ops relay_plain_ops = {
    .name = "plain",
    .direction = DIRECTION_PLAIN,
    .state_len = sizeof(struct plain),
    .begin = plain_begin,
    .call_head = forward_call_head,
    .call_body = exchange_answer_data,
    .call_end = exchange_answer_end,
    .call_failed = forward_call_failed,
    .answer_head = exchange_door_head,
    .answer_data = exchange_door_data,
    .answer_end = exchange_door_end,
    .fini = plain_fini,
};
