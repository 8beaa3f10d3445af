/* SPDX-License-Identifier: MIT */
/* Small words: numbers, durations, sizes and hexadecimal, strictly read from text. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include "common/error.h"
#include "common/span.h"

/* Decimal digits only. ERR_FORMAT for anything else, ERR_LIMIT past max. */
MUST_CHECK int text_u64(struct span text, uint64_t max, uint64_t *value_r);

/* "250ms", "5s", "2m", "1h", "1d"; a plain number is seconds; in milliseconds. ERR_FORMAT,
 * ERR_LIMIT. */
MUST_CHECK int text_duration(struct span text, uint64_t *ms_r);

/* "512", "64 KiB", "16MiB", "1GiB" (also K, M, G, and KB, MB, GB, all binary); in bytes. */
MUST_CHECK int text_size(struct span text, uint64_t *bytes_r);

/* "true" or "false", any case. ERR_FORMAT for anything else. */
MUST_CHECK int text_bool(struct span text, bool *value_r);

/* A token of RFC 9110 5.6.2. */
bool text_is_token(struct span text);
/* Is any of it below a space, or DEL? HTAB among them. */
bool text_has_control(struct span text);

/* Writes 2 * bytes.len lower-case digits and a NUL. */
void text_hex(struct span bytes, char *text_r);

/* The value of one hexadecimal digit of either case, or -1. */
int text_hex_digit(uint8_t c);

/* How many single-letter edits lie between the two (Levenshtein); for "did you mean". */
size_t text_distance(struct span a, struct span b);

#endif
