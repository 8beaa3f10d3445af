/* SPDX-License-Identifier: MIT */
/* Binary HTTP heads. First byte: 0 a request, 1 a response, 2 the trailers of either. */
#include "common/bhttp.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void put_fields(struct bhttp_writer *w, struct bhttp_fields fields, bool in_request)
{
    struct span rest = fields.encoded;
    struct bhttp_field field;

    while (bhttp_next(&rest, &field)) {
        must(bhttp_field_ok(field, in_request));
        bhttp_put_field(w, field.name, field.value);
    }
    must(rest.len == 0);
}

/* What was read is written, and reads as the same. */
static void request(struct span head)
{
    struct bhttp_request read, again;
    struct bhttp_writer w;
    struct buffer out;

    if (bhttp_read_request(head, &read) < 0)
        return;
    must(bhttp_method_ok(read.method) && bhttp_path_ok(read.path, read.method));
    buffer_init(&out, 0);
    bhttp_begin_request(&w, &out, read.method, read.scheme, read.authority, read.path);
    put_fields(&w, read.fields, true);
    must(bhttp_end(&w) == 0 && buffer_len(&out) <= head.len);
    must(bhttp_read_request(buffer_span(&out), &again) == 0);
    must(span_equal(again.path, read.path) && span_equal(again.authority, read.authority));
    buffer_fini(&out);
}

static void response(struct span head)
{
    struct bhttp_response read, again;
    struct bhttp_writer w;
    struct buffer out;

    if (bhttp_read_response(head, &read) < 0)
        return;
    must(read.status >= 200 && read.status <= 599);
    buffer_init(&out, 0);
    bhttp_begin_response(&w, &out, read.status);
    put_fields(&w, read.fields, false);
    must(bhttp_end(&w) == 0 && buffer_len(&out) <= head.len);
    must(bhttp_read_response(buffer_span(&out), &again) == 0);
    must(again.status == read.status && again.has_content_length == read.has_content_length);
    buffer_fini(&out);
}

static void trailers(struct span section)
{
    struct bhttp_fields fields;

    /* What a request may have, a response may. */
    if (bhttp_read_trailers(section, true, &fields) == 0)
        must(bhttp_read_trailers(section, false, &fields) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_from(span_of(data, size), 1);

    if (size == 0)
        return 0;
    if (data[0] == 0)
        request(rest);
    else if (data[0] == 1)
        response(rest);
    else
        trailers(rest);
    return 0;
}
