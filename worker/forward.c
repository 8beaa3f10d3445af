/* SPDX-License-Identifier: MIT */
/*
 * Requests to UPSTREAM and its answers: what a gateway adds and drops (RFC 9110 7.6), in one place
 * for pass-through and opened requests. Never follows a redirect, never changes a body.
 */
#include "worker/forward.h"

#include "common/text.h"

/* ---- the request ---- */

void forward_pseudonym(const struct identity *identity, char text_r[static FORWARD_PSEUDONYM_LEN])
{
    static const char name[] = "mte-api-relay-";
    const struct span node = span_of(identity->node[0].node, 4);

    _Static_assert(sizeof(name) + 2 * 4 <= FORWARD_PSEUDONYM_LEN, "a name and four bytes");
    memcpy(text_r, name, strlen(name));
    text_hex(node, text_r + strlen(name));
}

/* The received-by of one element of a Via field: "1.1 name:port (comment)". */
static struct span received_by(struct span element)
{
    struct span rest = span_trim(element);

    span_cut(&rest, ' ');
    rest = span_trim(rest);
    return span_part(rest, 0, span_find(rest, ' '));
}

static bool was_here(const struct headers *fields, struct span pseudonym)
{
    for (size_t i = 0; i < fields->n; i++) {
        struct span rest = fields->items[i].value;

        if (!span_equal(fields->items[i].name, SPAN("via")))
            continue;
        while (rest.len > 0) {
            if (span_equal_nocase(received_by(span_cut(&rest, ',')), pseudonym))
                return true;
        }
    }
    return false;
}

static bool is_replaced(const struct conf *conf, struct span name)
{
    for (size_t i = 0; i < conf->headers.n; i++) {
        if (span_equal_nocase(conf->headers.items[i].name, name))
            return true;
    }
    return span_equal(name, SPAN("x-request-id")) || span_starts(name, SPAN("x-mte-"));
}

static void put_field(struct buffer *head, struct span name, struct span value)
{
    buffer_put(head, name);
    buffer_put(head, SPAN(": "));
    buffer_put(head, value);
    buffer_put(head, SPAN("\r\n"));
}

/* "OPTIONS *" means the server; behind a base path there is none of ours. */
static void put_request_line(const struct forward *forward, struct buffer *head)
{
    struct span base = forward->conf->upstream.url.path, path = forward->request->path;
    bool of_server = span_equal(path, SPAN("*"));

    buffer_put(head, forward->request->method);
    buffer_put(head, SPAN(" "));
    buffer_put(head, base);
    if (!of_server || base.len == 0)
        buffer_put(head, path);
    buffer_put(head, SPAN(" HTTP/1.1\r\nhost: "));
    url_put_authority(head, &forward->conf->upstream.url);
    buffer_put(head, SPAN("\r\n"));
}

/* A method that has a body by its meaning says 0 too (RFC 9110 8.6). */
static bool says_length(const struct exchange_request *request)
{
    return request->body.len > 0 || span_equal(request->method, SPAN("POST")) ||
           span_equal(request->method, SPAN("PUT")) || span_equal(request->method, SPAN("PATCH"));
}

static void put_added(const struct forward *forward, struct buffer *head)
{
    const struct exchange_request *request = forward->request;

    buffer_put(head, SPAN("via: 1.1 "));
    buffer_put(head, forward->pseudonym);
    buffer_put(head, SPAN("\r\n"));
    if (request->authority.len > 0 &&
        headers_find(&request->fields, SPAN("x-forwarded-host")) == NULL)
        put_field(head, SPAN("x-forwarded-host"), request->authority);
    if (headers_find(&request->fields, SPAN("x-forwarded-proto")) == NULL)
        put_field(head, SPAN("x-forwarded-proto"), request->scheme);
    put_field(head, SPAN("x-request-id"), forward->id);
    for (size_t i = 0; i < forward->conf->headers.n; i++)
        put_field(head, forward->conf->headers.items[i].name,
                  forward->conf->headers.items[i].value);
    if (says_length(request)) {
        buffer_put(head, SPAN("content-length: "));
        buffer_put_decimal(head, request->body.len);
        buffer_put(head, SPAN("\r\n"));
    }
}

int forward_put_head(const struct forward *forward, struct buffer *head)
{
    struct headers *fields = &forward->request->fields;

    if (was_here(fields, forward->pseudonym))
        return ERR_SELF;
    headers_strip_hop_by_hop(fields);
    put_request_line(forward, head);
    for (size_t i = 0; i < fields->n; i++) {
        if (!is_replaced(forward->conf, fields->items[i].name))
            put_field(head, fields->items[i].name, fields->items[i].value);
    }
    put_added(forward, head);
    buffer_put(head, SPAN("\r\n"));
    return buffer_error(head);
}

void forward_call(struct exchange *x, struct buffer *head)
{
    const struct services *services = exchange_services(x);
    struct exchange_request *request = exchange_request(x);
    char pseudonym[FORWARD_PSEUDONYM_LEN];
    struct forward forward = { services->conf, SPAN_NONE, request, exchange_id(x) };
    int r;

    forward_pseudonym(services->identity, pseudonym);
    forward.pseudonym = span_text(pseudonym);
    r = forward_put_head(&forward, head);
    if (r == ERR_SELF)
        return exchange_refuse(x, REFUSAL_LOOP_DETECTED, "via names %s", pseudonym);
    if (r < 0)
        return exchange_refuse(x, REFUSAL_OVERLOADED, "%s", error_text(r));
    exchange_call(x, &(struct upstream_request){
                         .url = services->conf->upstream.url,
                         .head = buffer_span(head),
                         .body = request->body,
                         .is_head = span_equal(request->method, SPAN("HEAD")),
                         .resend = UPSTREAM_RESEND_IF_UNWRITTEN,
                     });
}

/* ---- the answer ---- */

static bool stays_here(struct span name)
{
    return span_equal(name, SPAN("content-length")) || span_equal(name, SPAN("date")) ||
           span_starts(name, SPAN("x-mte-"));
}

int forward_call_head(struct exchange *x, const struct http1_head *head)
{
    struct headers fields;
    int r = 0;

    headers_init(&fields);
    for (size_t i = 0; r == 0 && i < head->fields.n; i++) {
        if (!stays_here(head->fields.items[i].name))
            r = headers_add(&fields, head->fields.items[i].name, head->fields.items[i].value);
    }
    headers_strip_hop_by_hop(&fields);
    if (r == 0)
        r = exchange_answer_head(x, head->status, &fields,
                                 head->has_length ? &head->content_length : NULL);
    headers_fini(&fields);
    return r;
}

static const enum refusal failures[UPSTREAM_FAILURE_LAST_] = {
    [UPSTREAM_UNRESOLVED] = REFUSAL_UPSTREAM_UNREACHABLE,
    [UPSTREAM_NOT_ALLOWED] = REFUSAL_UPSTREAM_UNREACHABLE,
    [UPSTREAM_UNREACHABLE] = REFUSAL_UPSTREAM_UNREACHABLE,
    [UPSTREAM_CONNECT_TIMEOUT] = REFUSAL_UPSTREAM_TIMEOUT,
    [UPSTREAM_TLS] = REFUSAL_UPSTREAM_TLS,
    [UPSTREAM_OVERLOADED] = REFUSAL_OVERLOADED,
    [UPSTREAM_LOST] = REFUSAL_BAD_UPSTREAM_RESPONSE,
    [UPSTREAM_SILENT] = REFUSAL_UPSTREAM_TIMEOUT,
    [UPSTREAM_BAD_ANSWER] = REFUSAL_BAD_UPSTREAM_RESPONSE,
    [UPSTREAM_CUT] = REFUSAL_BAD_UPSTREAM_RESPONSE,
};

void forward_call_failed(struct exchange *x, enum upstream_failure failure, const char *detail)
{
    exchange_refuse(x, failures[failure], "%s", detail);
}
