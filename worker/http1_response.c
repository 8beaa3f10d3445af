/* SPDX-License-Identifier: MIT */
/*
 * The response parser. Heads, trailers and chunk sizes are gathered and judged whole; body bytes
 * pass through without a copy. Owns what it gathers. What it does not understand it refuses: two
 * readers of one stream must never disagree about where a message ends.
 */
#include "worker/http1_response.h"

#include <errno.h>
#include <stdlib.h>

#include "common/text.h"
#include "worker/http1_chunk.h"

enum { KEPT_TEXT_MAX = 2048, KEPT_FIELDS_MAX = 64 }; /* from one response to the next */
enum state { HEAD, FIXED, UNTIL_EOF, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILERS, COMPLETE };

struct http1_response {
    struct http1_events events;
    void *arg;
    bool to_head, begun;
    enum state state;
    int error; /* sticky */
    const char *why;
    struct buffer text;    /* the head that is under way, or the final one */
    struct buffer framing; /* the chunk size line or the trailers that are under way */
    size_t line;           /* where the line under way begins in its buffer */
    unsigned n_informational;
    struct http1_head head;
    uint64_t left; /* bytes of FIXED or CHUNK_DATA */
};

int http1_response_new(bool to_head, const struct http1_events *events, void *arg,
                       struct http1_response **response_r)
{
    struct http1_response *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return -ENOMEM;
    r->events = *events;
    r->arg = arg;
    r->to_head = to_head;
    buffer_init(&r->text, HTTP1_HEAD_MAX);
    *response_r = r;
    return 0;
}

/* What a large head has grown to is given back. */
void http1_response_reset(struct http1_response *response, bool to_head)
{
    struct http1_response old = *response, *r = response;

    if (old.text.cap > KEPT_TEXT_MAX)
        buffer_fini(&old.text);
    buffer_fini(&old.framing);
    buffer_clear(&old.text);
    old.text.limit = HTTP1_HEAD_MAX;
    if (old.head.fields.cap > KEPT_FIELDS_MAX)
        headers_fini(&old.head.fields);
    old.head.fields.n = 0;
    *r = (struct http1_response){ .events = old.events,
                                  .arg = old.arg,
                                  .to_head = to_head,
                                  .text = old.text,
                                  .head.fields = old.head.fields };
}

void http1_response_free(struct http1_response **response)
{
    struct http1_response *r = *response;

    if (r == NULL)
        return;
    headers_fini(&r->head.fields);
    buffer_fini(&r->text);
    buffer_fini(&r->framing);
    free(r);
    *response = NULL;
}

static int wrong(struct http1_response *r, const char *why)
{
    r->why = why;
    return ERR_FORMAT;
}

static int too_much(struct http1_response *r, const char *why)
{
    r->why = why;
    return ERR_LIMIT;
}

/*
 * Moves bytes up to and with the next LF from *in to b. 1 when that ends a line, 0 when more must
 * come.
 */
static int take_line(struct http1_response *r, struct buffer *b, struct span *in)
{
    size_t n = span_find(*in, '\n');
    bool ends = n < in->len;

    buffer_put(b, span_part(*in, 0, n + ends));
    *in = span_from(*in, n + ends);
    if (buffer_error(b) == ERR_LIMIT)
        return too_much(r, "the head, the trailers or a chunk size line is too long");
    if (buffer_error(b) < 0)
        return buffer_error(b);
    if (ends && !span_ends(span_from(buffer_span(b), r->line), SPAN("\r\n")))
        return wrong(r, "a line does not end in CR LF");
    return ends;
}

/* The same for a section of lines up to and with its empty line. */
static int take_section(struct http1_response *r, struct buffer *b, struct span *in)
{
    while (in->len > 0) {
        int n = take_line(r, b, in);

        if (n <= 0)
            return n;
        if (buffer_len(b) - r->line == strlen("\r\n"))
            return 1;
        r->line = buffer_len(b);
    }
    return 0;
}

/* Names become lower case where they stand. */
static int parse_fields(struct http1_response *r, struct buffer *section, size_t offset,
                        struct headers *fields)
{
    uint8_t *at = section->at + section->start + offset;
    struct span rest = span_from(buffer_span(section), offset);

    for (;;) {
        struct span value = span_cut(&rest, '\n'), name;
        int n;

        value.len--; /* the CR */
        if (value.len == 0)
            return 0;
        for (size_t i = 0; at[i] != ':' && at[i] != '\r'; i++) {
            if (at[i] >= 'A' && at[i] <= 'Z')
                at[i] |= 0x20;
        }
        at += value.len + strlen("\r\n");
        name = span_cut(&value, ':');
        if (value.at == NULL || !headers_name_ok(name))
            return wrong(r, "a field name is malformed");
        if (!headers_value_ok(value))
            return wrong(r, "a field value has control bytes");
        if (fields->n == HTTP1_FIELDS_MAX)
            return too_much(r, "too many fields");
        n = headers_add(fields, name, span_trim(value));
        if (n < 0)
            return n;
    }
}

/*
 * HTTP/1.0|1.1 SP 3DIGIT [SP [reason]]. RFC 9112 4 wants the second space, but servers without a
 * reason leave it out, and nothing else can be meant.
 */
static int parse_status_line(struct http1_response *r, struct span line)
{
    const size_t least = strlen("HTTP/1.1 200");
    uint64_t minor, status;

    if (!span_starts(line, SPAN("HTTP/1.")) || line.len < least || line.at[8] != ' ' ||
        (line.len > least && line.at[least] != ' ') || !headers_value_ok(line))
        return wrong(r, "the status line is malformed");
    if (text_u64(span_part(line, 7, 1), 1, &minor) < 0)
        return wrong(r, "the version is not HTTP/1.0 or HTTP/1.1");
    if (text_u64(span_part(line, 9, 3), 599, &status) < 0 || status < 100)
        return wrong(r, "the status is not between 100 and 599");
    if (status == 101)
        return wrong(r, "the protocol was switched unasked");
    r->head.minor = (unsigned)minor;
    r->head.status = (unsigned)status;
    return 0;
}

/* Sets has_length and content_length; *chunked_r where that is how the body is framed. */
static int parse_framing(struct http1_response *r, bool *chunked_r)
{
    struct http1_head *head = &r->head;

    *chunked_r = false;
    for (size_t i = 0; i < head->fields.n; i++) {
        const struct header *field = &head->fields.items[i];

        if (span_equal(field->name, SPAN("content-length"))) {
            if (head->has_length)
                return wrong(r, "two content-length fields");
            if (text_u64(field->value, INT64_MAX, &head->content_length) < 0)
                return wrong(r, "content-length is not a number");
            head->has_length = true;
        } else if (span_equal(field->name, SPAN("transfer-encoding"))) {
            if (*chunked_r || !span_equal_nocase(field->value, SPAN("chunked")))
                return wrong(r, "a transfer-encoding other than chunked, once");
            *chunked_r = true;
        }
    }
    if (*chunked_r && head->has_length)
        return wrong(r, "both content-length and transfer-encoding");
    if (*chunked_r && head->minor == 0)
        return wrong(r, "transfer-encoding in HTTP/1.0");
    return 0;
}

static bool wants_keep_alive(const struct http1_head *head)
{
    const struct span connection = SPAN("connection");

    if (headers_list_has(&head->fields, connection, SPAN("close")))
        return false;
    return head->minor == 1 || headers_list_has(&head->fields, connection, SPAN("keep-alive"));
}

/* 1xx: checked, counted and forgotten; its bytes stay counted against the limit of all heads. */
static int drop_informational(struct http1_response *r, bool framed)
{
    if (framed)
        return wrong(r, "an informational response with a body");
    if (++r->n_informational > HTTP1_INFORMATIONAL_MAX)
        return too_much(r, "too many informational responses");
    r->text.limit -= buffer_len(&r->text);
    if (r->text.limit == 0)
        return too_much(r, "too many informational responses");
    buffer_clear(&r->text);
    headers_fini(&r->head.fields);
    r->head = (struct http1_head){ 0 };
    return 0;
}

/* What follows the head (RFC 9112 6.3). */
static enum state body_state(struct http1_response *r, bool chunked)
{
    struct http1_head *head = &r->head;

    if (head->status == 204) {
        /* A body announced all the same may yet come: nobody may take it for the next answer. */
        head->keep_alive &= !chunked && head->content_length == 0;
        head->has_length = false;
        return COMPLETE;
    }
    if (r->to_head || head->status == 304)
        return COMPLETE;
    if (chunked)
        return CHUNK_SIZE;
    if (head->has_length) {
        r->left = head->content_length;
        return r->left > 0 ? FIXED : COMPLETE;
    }
    head->keep_alive = false;
    return UNTIL_EOF;
}

static int parse_head(struct http1_response *r)
{
    struct span text = buffer_span(&r->text);
    size_t status_len = span_find(text, '\r');
    bool chunked;
    int n = parse_status_line(r, span_part(text, 0, status_len));

    if (n < 0)
        return n;
    if (text.at[status_len + 1] != '\n')
        return wrong(r, "the status line is malformed");
    n = parse_fields(r, &r->text, status_len + strlen("\r\n"), &r->head.fields);
    if (n < 0)
        return n;
    n = parse_framing(r, &chunked);
    if (n < 0)
        return n;
    r->line = 0;
    if (r->head.status < 200)
        return drop_informational(r, chunked || r->head.has_length);
    r->head.keep_alive = wants_keep_alive(&r->head);
    r->state = body_state(r, chunked);
    buffer_init(&r->framing, HTTP1_CHUNK_LINE_MAX);
    return r->events.head(r->arg, &r->head);
}

/* Garbage without an end is not waited for. */
static bool begins_as_http1(const struct http1_response *r, struct span in)
{
    struct span expected = span_from(SPAN("HTTP/1."), buffer_len(&r->text));

    return span_starts(in, span_part(expected, 0, in.len));
}

static int on_head(struct http1_response *r, struct span *in)
{
    int n;

    if (!begins_as_http1(r, *in))
        return wrong(r, "this is not HTTP/1");
    n = take_section(r, &r->text, in);
    return n > 0 ? parse_head(r) : n;
}

static int on_body(struct http1_response *r, struct span *in)
{
    struct span bytes = span_part(*in, 0, HTTP1_PIECE_MAX);

    if (r->state != UNTIL_EOF) {
        bytes = span_part(bytes, 0, r->left < SIZE_MAX ? (size_t)r->left : SIZE_MAX);
        r->left -= bytes.len;
        if (r->left == 0)
            r->state = r->state == FIXED ? COMPLETE : CHUNK_END;
    }
    *in = span_from(*in, bytes.len);
    return r->events.body(r->arg, bytes);
}

static int on_chunk_size(struct http1_response *r, struct span *in)
{
    int n = take_line(r, &r->framing, in);
    struct span line = buffer_span(&r->framing);

    if (n <= 0)
        return n;
    n = http1_chunk_line(span_part(line, 0, line.len - strlen("\r\n")), &r->left, &r->why);
    if (n < 0)
        return n;
    buffer_clear(&r->framing);
    r->state = r->left > 0 ? CHUNK_DATA : TRAILERS;
    if (r->state == TRAILERS)
        r->framing.limit = HTTP1_HEAD_MAX;
    return 0;
}

static int on_chunk_end(struct http1_response *r, struct span *in)
{
    static const char end[] = "\r\n";

    while (in->len > 0 && buffer_len(&r->framing) < strlen(end)) {
        if (in->at[0] != end[buffer_len(&r->framing)])
            return wrong(r, "a chunk is longer than its size");
        buffer_put(&r->framing, span_part(*in, 0, 1));
        if (buffer_error(&r->framing) < 0)
            return buffer_error(&r->framing);
        *in = span_from(*in, 1);
    }
    if (buffer_len(&r->framing) == strlen(end)) {
        buffer_clear(&r->framing);
        r->state = CHUNK_SIZE;
    }
    return 0;
}

/* Trailers are checked as fields are, and dropped. */
static int on_trailers(struct http1_response *r, struct span *in)
{
    int n = take_section(r, &r->framing, in);
    struct headers trailers;

    if (n <= 0)
        return n;
    headers_init(&trailers);
    n = parse_fields(r, &r->framing, 0, &trailers);
    headers_fini(&trailers);
    if (n == 0)
        r->state = COMPLETE;
    return n;
}

static int on_input(struct http1_response *r, struct span *in)
{
    static int (*const on_state[])(struct http1_response *, struct span *) = {
        [HEAD] = on_head,         [FIXED] = on_body,
        [UNTIL_EOF] = on_body,    [CHUNK_SIZE] = on_chunk_size,
        [CHUNK_DATA] = on_body,   [CHUNK_END] = on_chunk_end,
        [TRAILERS] = on_trailers,
    };

    return on_state[r->state](r, in);
}

int http1_response_feed(struct http1_response *response, struct span bytes, size_t *used_r)
{
    struct http1_response *r = response;
    struct span in = bytes;
    int n = r->error;

    r->begun |= bytes.len > 0;
    while (n == 0 && in.len > 0 && r->state != COMPLETE)
        n = on_input(r, &in);
    if (n < 0)
        r->error = n;
    *used_r = bytes.len - in.len;
    return r->error;
}

int http1_response_eof(struct http1_response *response)
{
    if (response->error == 0 && response->state == UNTIL_EOF)
        response->state = COMPLETE;
    if (response->error == 0 && response->state != COMPLETE)
        response->error = ERR_SHORT;
    return response->error;
}

bool http1_response_complete(const struct http1_response *response)
{
    return response->error == 0 && response->state == COMPLETE;
}

bool http1_response_begun(const struct http1_response *response)
{
    return response->begun;
}

const char *http1_response_why(const struct http1_response *response)
{
    return response->why;
}
