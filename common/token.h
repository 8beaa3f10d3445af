/* SPDX-License-Identifier: MIT */
/*
 * The inside of an MTE message: parts, then zeros up to a size that tells little of their length
 * (protocol.md, "Messages"). Internal to the envelope.
 */
#ifndef COMMON_TOKEN_H
#define COMMON_TOKEN_H

#include "common/buffer.h"
#include "common/frame.h"

enum { TOKEN_MIN = 512, TOKEN_MAX = 65536 };

/*
 * The size of a token whose parts have this length, at most TOKEN_MAX: rounded up by Padmé
 * (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
 * 2019), and at least TOKEN_MIN.
 */
size_t token_size(size_t parts_len);

/* A token being written. */
struct token {
    struct buffer parts; /* secret */
    size_t data_at;      /* offset of the DATA part at the end, which may still grow; 0 = none */
};

void token_init(struct token *token);
void token_fini(struct token *token);

/* Would token_put() of that many bytes still leave a token? */
bool token_fits(const struct token *token, enum frame_kind kind, size_t len);
/* Appends a part that fits and is not empty; DATA after DATA becomes one part with it. */
void token_put(struct token *token, enum frame_kind kind, struct span bytes);
/* The zeros up to token_size(): nothing can be put afterwards. */
void token_pad(struct token *token);

/* The next part; false at the end of the parts, and before what cannot be one. */
bool token_next(struct span *rest, enum frame_kind *kind_r, struct span *bytes_r);

/*
 * Checks everything and cuts the padding off. begin: the state before the first part. ERR_FORMAT:
 * the parts, their order, the size or the padding are not as they must be.
 */
MUST_CHECK int token_check(struct span token, enum frame_state begin, struct span *parts_r);

#endif
