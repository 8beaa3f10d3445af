/* SPDX-License-Identifier: MIT */
/*
 * What of the protocol has a fixed layout, field by field, for eyes: read by tables of its own, not
 * by the code of the relay. Keys, MACs and the secret part of client tokens are never shown.
 */
#ifndef TOOLS_RELAYCAT_LAYOUT_H
#define TOOLS_RELAYCAT_LAYOUT_H

#include <stdio.h>

#include "common/span.h"

enum layout { LAYOUT_M1, LAYOUT_M2, LAYOUT_REQ, LAYOUT_RSP, LAYOUT_ERR };

/* A line a field: the mark, offset, length, name, value. to NULL: nothing is printed. */
void layout_print(FILE *to, char mark, enum layout layout, struct span bytes);

/* "aes", "chacha", or "?" for what is no suite. */
const char *layout_suite(uint8_t suite);

#endif
