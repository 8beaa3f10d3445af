/* SPDX-License-Identifier: MIT */
/* The test vectors of docs/protocol.md, made by our code from fixed seeds. */
#ifndef TESTS_UNIT_PROTOCOL_VECTORS_H
#define TESTS_UNIT_PROTOCOL_VECTORS_H

#include "common/buffer.h"

/* Appends docs/protocol-vectors.json; check buffer_error(). Aborts where it contradicts itself. */
void protocol_vectors_put(struct buffer *out);

#endif
