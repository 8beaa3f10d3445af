/* SPDX-License-Identifier: MIT */
/*
 * The shell of a sealed message as relaycat shows it. The first byte: its lowest bit chooses a
 * request or a response, the others how many bytes come at once, which must change nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "tools/relaycat_frames.h"

static void begin(struct frames *frames, bool request)
{
    if (request)
        frames_init_request(frames, NULL);
    else
        frames_init_response(frames, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_from(span_of(data, size), 1), rest = bytes;
    struct frames whole, pieces;
    int r, r_pieces = 0;

    if (size < 2)
        return 0;
    begin(&whole, (data[0] & 1) != 0);
    r = frames_feed(&whole, bytes);
    begin(&pieces, (data[0] & 1) != 0);
    while (r_pieces == 0 && rest.len > 0) {
        struct span piece = span_part(rest, 0, (size_t)(data[0] >> 1) + 1);

        r_pieces = frames_feed(&pieces, piece);
        rest = span_from(rest, piece.len);
    }
    if (r != r_pieces || frames_complete(&whole) != frames_complete(&pieces))
        abort();
    if (r == 0 && frames_complete(&whole) && frames_feed(&whole, SPAN("x")) == 0)
        abort(); /* nothing stands behind END */
    return 0;
}
