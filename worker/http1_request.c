/* SPDX-License-Identifier: MIT */
/*
 * The walk. A line at a time is judged and forgotten; body bytes are only counted. What it does not
 * understand it refuses: whoever reads after us must find the same requests in the same bytes.
 */
#include "worker/http1_request.h"

#include "common/text.h"
#include "worker/headers.h"
#include "worker/http1_chunk.h"

enum state {
    START,
    REQUEST_LINE,
    FIELDS,
    FIXED,
    CHUNK_SIZE,
    CHUNK_DATA,
    CHUNK_END,
    TRAILERS,
    PREFACE,
    HTTP2,
};

void http1_request_init(struct http1_request *r, const struct http1_limits *limits)
{
    *r = (struct http1_request){ .limits = *limits, .state = START };
    buffer_init(&r->line, HTTP1_REQUEST_HEAD_MAX);
}

void http1_request_fini(struct http1_request *r)
{
    buffer_fini(&r->line);
}

static enum http1_fault at_fault(struct http1_request *r, enum http1_fault fault, const char *why)
{
    r->why = why;
    return fault;
}

static enum http1_fault malformed(struct http1_request *r, const char *why)
{
    return at_fault(r, HTTP1_MALFORMED, why);
}

/* ---- the head ---- */

static enum http1_fault on_request_line(struct http1_request *r, struct span line)
{
    struct span version = line, method = span_cut(&version, ' '), target = span_cut(&version, ' ');

    if (span_equal(line, SPAN("PRI * HTTP/2.0")) && !r->blank) {
        r->state = PREFACE;
        return HTTP1_FINE;
    }
    if (!headers_name_ok(method))
        return malformed(r, "the method is no token");
    for (size_t i = 0; i < target.len; i++) {
        if (target.at[i] < 0x20 || target.at[i] == 0x7f)
            return malformed(r, "the request target has control bytes");
    }
    if (target.len == 0)
        return malformed(r, "there is no request target");
    if (!span_equal(version, SPAN("HTTP/1.1")) && !span_equal(version, SPAN("HTTP/1.0")))
        return malformed(r, "the version is not HTTP/1.0 or HTTP/1.1");
    r->minor = version.at[version.len - 1] - (unsigned)'0';
    r->is_head = span_equal(method, SPAN("HEAD"));
    r->state = FIELDS;
    return HTTP1_FINE;
}

static enum http1_fault on_length(struct http1_request *r, struct span value)
{
    int n = text_u64(value, INT64_MAX, &r->left);

    if (r->has_length)
        return malformed(r, "two content-length fields");
    if (n == ERR_LIMIT)
        return at_fault(r, HTTP1_BODY_TOO_LARGE, "content-length is beyond all measure");
    if (n < 0)
        return malformed(r, "content-length is not a number");
    r->has_length = true;
    return HTTP1_FINE;
}

static enum http1_fault on_encoding(struct http1_request *r, struct span value)
{
    if (r->chunked || !span_equal_nocase(value, SPAN("chunked")))
        return malformed(r, "a transfer-encoding other than chunked, once");
    r->chunked = true;
    return HTTP1_FINE;
}

/* Name and value of a line of a head or of trailers. */
static enum http1_fault split_field(struct http1_request *r, struct span line, struct span *name_r,
                                    struct span *value_r)
{
    if (++r->n_fields > HTTP1_REQUEST_FIELDS_MAX)
        return at_fault(r, HTTP1_HEAD_TOO_LARGE, "too many fields");
    *name_r = span_cut(&line, ':');
    if (line.at == NULL || !headers_name_ok(*name_r))
        return malformed(r, "a field name is malformed, or a line is folded");
    if (!headers_value_ok(line))
        return malformed(r, "a field value has control bytes");
    *value_r = span_trim(line);
    return HTTP1_FINE;
}

static enum http1_fault on_field(struct http1_request *r, struct span line)
{
    struct span name, value;
    enum http1_fault fault = split_field(r, line, &name, &value);

    if (fault != HTTP1_FINE)
        return fault;
    if (span_equal_nocase(name, SPAN("content-length")))
        return on_length(r, value);
    if (span_equal_nocase(name, SPAN("transfer-encoding")))
        return on_encoding(r, value);
    if (span_equal_nocase(name, SPAN("host")) && ++r->n_hosts > 1)
        return malformed(r, "two Host fields");
    return HTTP1_FINE;
}

/* May that much more of this body come in? */
static enum http1_fault take_on(struct http1_request *r, uint64_t len)
{
    if (len > r->limits.body_max - r->body_len)
        return at_fault(r, HTTP1_BODY_TOO_LARGE, "the body is too large");
    if (len > 0 && r->limits.body_room != NULL && len > r->limits.body_room(r->limits.arg))
        return at_fault(r, HTTP1_NO_ROOM, "there is no room for the body");
    r->body_len += len;
    return HTTP1_FINE;
}

/* RFC 9112 3.2, 6.1, 6.3. */
static enum http1_fault on_head_end(struct http1_request *r)
{
    enum http1_fault fault;

    if (r->minor == 1 && r->n_hosts == 0)
        return malformed(r, "no Host");
    if (r->chunked && r->has_length)
        return malformed(r, "both content-length and transfer-encoding");
    if (r->chunked && r->minor == 0)
        return malformed(r, "transfer-encoding in HTTP/1.0");
    fault = take_on(r, r->left);
    if (fault != HTTP1_FINE)
        return fault;
    r->n_heads++;
    r->section_len = 0;
    r->n_fields = 0;
    r->state = r->chunked ? CHUNK_SIZE : r->left > 0 ? FIXED : START;
    return HTTP1_FINE;
}

/* ---- the body ---- */

static enum http1_fault on_chunk_size(struct http1_request *r, struct span line)
{
    int n = http1_chunk_line(line, &r->left, &r->why);

    if (n < 0)
        return HTTP1_MALFORMED;
    r->section_len = 0;
    r->state = r->left > 0 ? CHUNK_DATA : TRAILERS;
    return take_on(r, r->left);
}

static enum http1_fault on_chunk_end(struct http1_request *r, struct span line)
{
    if (line.len > 0)
        return malformed(r, "a chunk is longer than its size");
    r->section_len = 0;
    r->state = CHUNK_SIZE;
    return HTTP1_FINE;
}

static size_t skip_body(struct http1_request *r, size_t len)
{
    size_t n = r->left < len ? (size_t)r->left : len;

    r->n_body += n;
    r->left -= n;
    if (r->left == 0)
        r->state = r->state == FIXED ? START : CHUNK_END;
    return n;
}

/* ---- lines ---- */

static enum http1_fault on_line(struct http1_request *r, struct span line)
{
    struct span name, value;

    switch ((enum state)r->state) {
    case REQUEST_LINE:
        if (line.len > 0)
            return on_request_line(r, line);
        if (r->blank)
            return malformed(r, "empty lines before a request");
        r->blank = true;
        return HTTP1_FINE;
    case FIELDS:
        return line.len > 0 ? on_field(r, line) : on_head_end(r);
    case CHUNK_SIZE:
        return on_chunk_size(r, line);
    case CHUNK_END:
        return on_chunk_end(r, line);
    case TRAILERS:
        if (line.len > 0)
            return split_field(r, line, &name, &value);
        r->state = START;
        return HTTP1_FINE;
    default: /* PREFACE, its second half: CR LF "SM" CR LF CR LF */
        if (!span_equal(line, ++r->n_fields == 2 ? SPAN("SM") : SPAN("")))
            return malformed(r, "HTTP/2's preface is malformed");
        if (r->n_fields == 3)
            r->state = HTTP2;
        return HTTP1_FINE;
    }
}

static enum http1_fault line_too_long(struct http1_request *r)
{
    if (r->state == CHUNK_SIZE || r->state == CHUNK_END)
        return malformed(r, "a chunk or the line before it is too long");
    return at_fault(r, HTTP1_HEAD_TOO_LARGE, "a head or trailers are too long");
}

static size_t section_max(const struct http1_request *r)
{
    switch ((enum state)r->state) {
    case CHUNK_SIZE:
        return HTTP1_CHUNK_LINE_MAX;
    case CHUNK_END:
        return strlen("\r\n");
    default:
        return HTTP1_REQUEST_HEAD_MAX;
    }
}

/* Up to and with the next LF of the input; the line is judged when that has come. */
static enum http1_fault take_line(struct http1_request *r, struct span *in)
{
    size_t n = span_find(*in, '\n');
    bool ends = n < in->len;
    struct span line = span_part(*in, 0, n + ends);
    enum http1_fault fault;

    *in = span_from(*in, line.len);
    r->section_len += line.len;
    if (r->section_len > section_max(r))
        return line_too_long(r);
    if (!ends || buffer_len(&r->line) > 0) {
        buffer_put(&r->line, line);
        line = buffer_span(&r->line);
    }
    if (buffer_error(&r->line) != 0)
        return at_fault(r, HTTP1_NO_MEMORY, error_text(buffer_error(&r->line)));
    if (!ends)
        return HTTP1_FINE;
    if (!span_ends(line, SPAN("\r\n")))
        return malformed(r, "a line does not end in CR LF");
    fault = on_line(r, span_part(line, 0, line.len - strlen("\r\n")));
    buffer_clear(&r->line);
    return fault;
}

static void begin(struct http1_request *r)
{
    r->state = REQUEST_LINE;
    r->section_len = 0;
    r->n_fields = r->n_hosts = 0;
    r->blank = r->is_head = r->has_length = r->chunked = false;
    r->left = r->body_len = 0;
}

enum http1_fault http1_request_walk(struct http1_request *r, struct span bytes, size_t *good_r)
{
    struct span in = bytes;

    *good_r = 0;
    while (r->fault == HTTP1_FINE && in.len > 0 && r->state != HTTP2) {
        if (r->state == START) {
            begin(r);
            *good_r = bytes.len - in.len;
        }
        if (r->state == FIXED || r->state == CHUNK_DATA)
            in = span_from(in, skip_body(r, in.len));
        else
            r->fault = take_line(r, &in);
    }
    if (r->fault == HTTP1_FINE)
        *good_r = bytes.len;
    return r->fault;
}

enum http1_place http1_request_place(const struct http1_request *r)
{
    switch ((enum state)r->state) {
    case START:
        return HTTP1_BETWEEN;
    case REQUEST_LINE:
    case FIELDS:
    case PREFACE:
        return HTTP1_IN_HEAD;
    case HTTP2:
        return HTTP1_IS_HTTP2;
    default:
        return HTTP1_IN_BODY;
    }
}
