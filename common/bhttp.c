/* SPDX-License-Identifier: MIT */
/*
 * Binary HTTP heads, read through a cursor and checked byte by byte against tables of characters.
 * Owns nothing. Never repairs: what breaks a rule is refused.
 */
#include "common/bhttp.h"

#include "common/text.h"
#include "common/wire.h"

enum { KNOWN_LENGTH_REQUEST = 0, KNOWN_LENGTH_RESPONSE = 1 };
enum { STATUS_INFORMATIONAL = 100, STATUS_FINAL = 200, STATUS_END = 600 };

static bool name_ok(struct span name, bool in_request)
{
    static const struct span forbidden[] = {
        SPAN("connection"),
        SPAN("keep-alive"),
        SPAN("proxy-connection"),
        SPAN("transfer-encoding"),
        SPAN("host"),
        SPAN("upgrade"),
        SPAN("te"),
    };

    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] >= 'A' && name.at[i] <= 'Z')
            return false;
    }
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++) {
        if (span_equal(name, forbidden[i]))
            return false;
    }
    return text_is_token(name) && !(in_request && span_equal(name, SPAN("content-length")));
}

/* CR, LF and NUL are what counts here; few values have any control byte at all. */
static bool value_ok(struct span value)
{
    return !text_has_control(value) ||
           (span_find(value, '\r') == value.len && span_find(value, '\n') == value.len &&
            span_find(value, '\0') == value.len);
}

bool bhttp_field_ok(struct bhttp_field field, bool in_request)
{
    return name_ok(field.name, in_request) && value_ok(field.value);
}

bool bhttp_method_ok(struct span method)
{
    return text_is_token(method) && !span_equal(method, SPAN("CONNECT"));
}

static bool scheme_ok(struct span scheme)
{
    return span_equal(scheme, SPAN("http")) || span_equal(scheme, SPAN("https"));
}

static bool authority_ok(struct span authority)
{
    for (size_t i = 0; i < authority.len; i++) {
        uint8_t c = authority.at[i];

        if (c <= ' ' || c >= 0x7f || strchr("/?#@\\", c) != NULL)
            return false;
    }
    return true;
}

bool bhttp_path_ok(struct span path, struct span method)
{
    if (span_equal(path, SPAN("*")))
        return span_equal(method, SPAN("OPTIONS"));
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.at[i];

        if (c <= ' ' || c == 0x7f || c == '#')
            return false;
    }
    return path.len > 0 && path.at[0] == '/';
}

static struct span read_string(struct wire *w)
{
    return wire_bytes(w, wire_varint(w));
}

bool bhttp_next(struct span *rest, struct bhttp_field *field_r)
{
    struct wire w = wire_read(*rest);

    if (rest->len == 0)
        return false;
    field_r->name = read_string(&w);
    field_r->value = read_string(&w);
    *rest = w.rest;
    return wire_error(&w) == 0;
}

static bool section_ok(struct span section, bool in_request)
{
    struct bhttp_field field;

    while (section.len > 0) {
        if (!bhttp_next(&section, &field) || !bhttp_field_ok(field, in_request))
            return false;
    }
    return true;
}

static int read_section(struct wire *w, bool in_request, struct bhttp_fields *fields_r)
{
    fields_r->encoded = read_string(w);
    if (wire_error(w) != 0 || !section_ok(fields_r->encoded, in_request))
        return ERR_FORMAT;
    return 0;
}

int bhttp_read_trailers(struct span trailers, bool in_request, struct bhttp_fields *fields_r)
{
    struct wire w = wire_read(trailers);

    if (read_section(&w, in_request, fields_r) < 0 || wire_end(&w) != 0)
        return ERR_FORMAT;
    return 0;
}

int bhttp_read_request(struct span head, struct bhttp_request *request_r)
{
    struct wire w = wire_read(head);
    uint64_t framing = wire_varint(&w);

    request_r->method = read_string(&w);
    request_r->scheme = read_string(&w);
    request_r->authority = read_string(&w);
    request_r->path = read_string(&w);
    if (wire_error(&w) != 0 || framing != KNOWN_LENGTH_REQUEST)
        return ERR_FORMAT;
    if (!bhttp_method_ok(request_r->method) || !scheme_ok(request_r->scheme) ||
        !authority_ok(request_r->authority) || !bhttp_path_ok(request_r->path, request_r->method))
        return ERR_FORMAT;
    if (read_section(&w, true, &request_r->fields) < 0 || wire_end(&w) != 0)
        return ERR_FORMAT;
    return 0;
}

/* Once at most, digits only. */
static int read_content_length(struct bhttp_response *response)
{
    struct span rest = response->fields.encoded;
    struct bhttp_field field;

    response->has_content_length = false;
    while (bhttp_next(&rest, &field)) {
        if (!span_equal(field.name, SPAN("content-length")))
            continue;
        if (response->has_content_length ||
            text_u64(field.value, UINT64_MAX, &response->content_length) < 0)
            return ERR_FORMAT;
        response->has_content_length = true;
    }
    return 0;
}

int bhttp_read_response(struct span head, struct bhttp_response *response_r)
{
    struct wire w = wire_read(head);
    uint64_t framing = wire_varint(&w), status;

    if (wire_error(&w) != 0 || framing != KNOWN_LENGTH_RESPONSE)
        return ERR_FORMAT;
    do {
        status = wire_varint(&w);
        if (wire_error(&w) != 0 || status < STATUS_INFORMATIONAL || status >= STATUS_END)
            return ERR_FORMAT;
        if (read_section(&w, false, &response_r->fields) < 0)
            return ERR_FORMAT;
    } while (status < STATUS_FINAL);
    response_r->status = (unsigned)status;
    return wire_end(&w) == 0 ? read_content_length(response_r) : ERR_FORMAT;
}

static void put_string(struct buffer *b, struct span bytes)
{
    wire_put_varint(b, bytes.len);
    buffer_put(b, bytes);
}

enum { USUAL_LEN = 2 /* bytes of a section's length: of 64 to 16383 */ };

static void begin(struct bhttp_writer *w, struct buffer *out, uint64_t framing)
{
    *w = (struct bhttp_writer){ .out = out };
    wire_put_varint(out, framing);
}

/* Leaves room for the section's length, as it mostly is. */
static void begin_section(struct bhttp_writer *w)
{
    wire_put_varint(w->out, 1u << 6);
    w->section = buffer_len(w->out);
}

void bhttp_begin_request(struct bhttp_writer *w, struct buffer *out, struct span method,
                         struct span scheme, struct span authority, struct span path)
{
    begin(w, out, KNOWN_LENGTH_REQUEST);
    put_string(out, method);
    put_string(out, scheme);
    put_string(out, authority);
    put_string(out, path);
    begin_section(w);
}

void bhttp_begin_response(struct bhttp_writer *w, struct buffer *out, unsigned status)
{
    begin(w, out, KNOWN_LENGTH_RESPONSE);
    wire_put_varint(out, status);
    begin_section(w);
}

void bhttp_put_field(struct bhttp_writer *w, struct span name, struct span value)
{
    put_string(w->out, name);
    put_string(w->out, value);
}

int bhttp_end(struct bhttp_writer *w)
{
    static const uint8_t room[sizeof(uint64_t)];
    uint8_t bytes[sizeof(uint64_t)], *at;
    struct buffer length = buffer_over(bytes, sizeof(bytes));
    size_t len = buffer_len(w->out) - w->section, n;

    wire_put_varint(&length, len);
    n = buffer_len(&length);
    if (n > USUAL_LEN)
        buffer_put(w->out, span_of(room, n - USUAL_LEN));
    if (buffer_error(w->out) < 0)
        return buffer_error(w->out);
    at = w->out->at + w->out->start + w->section - USUAL_LEN;
    memmove(at + n, at + USUAL_LEN, len);
    memcpy(at, bytes, n);
    buffer_cut(w->out, w->section - USUAL_LEN + n + len);
    return 0;
}
