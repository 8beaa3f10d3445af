/* SPDX-License-Identifier: MIT */
/*
 * What comes over HTTP/2, as the guard takes it apart: units follow each other without a gap, and a
 * unit that is whole stays the same when more comes behind it.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "worker/http2_frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of(data, size);
    struct http2_unit unit, alone;

    while (http2_read_unit(rest, &unit) == HTTP2_WHOLE) {
        bool interrupted = unit.type == HTTP2_HEADERS && (unit.flags & HTTP2_END_HEADERS) == 0;

        if (unit.len < HTTP2_HEADER_LEN || unit.len > rest.len || unit.n_frames == 0)
            abort();
        if (!interrupted && (http2_read_unit(span_part(rest, 0, unit.len), &alone) != HTTP2_WHOLE ||
                             alone.len != unit.len))
            abort();
        if (unit.type == HTTP2_HEADERS && http2_count_fields(rest, &unit) > unit.len)
            abort();
        rest = span_from(rest, unit.len);
    }
    return 0;
}
