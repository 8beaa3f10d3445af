/* SPDX-License-Identifier: MIT */
/*
 * The shell of a sealed message, as anybody on the way can see it: its header, and the kind and
 * length of each frame. Needs no key, so it judges what was not sealed by us; proves nothing.
 */
#ifndef TOOLS_RELAYCAT_FRAMES_H
#define TOOLS_RELAYCAT_FRAMES_H

#include "common/envelope.h"
#include "tools/relaycat_layout.h"

struct frames {
    FILE *to;    /* NULL: nothing is printed */
    char mark;   /* '>' for a request, '<' for a response */
    size_t want; /* bytes of the header under way */
    size_t n_header;
    uint8_t header[ENVELOPE_REQ_LEN];
    bool begun;  /* past REQ or RSP */
    size_t left; /* bytes of the frame under way */
    bool ended;  /* with the frame that says END */
    uint64_t n;  /* frames */
};

void frames_init_request(struct frames *frames, FILE *to);
void frames_init_response(struct frames *frames, FILE *to);

/* Takes the message in slices of any size. ERR_FORMAT: no such header or frame, bytes after END. */
MUST_CHECK int frames_feed(struct frames *frames, struct span bytes);

/* Was all of it there, to the last byte of END? */
bool frames_complete(const struct frames *frames);

#endif
