/* SPDX-License-Identifier: MIT */
/* The known-answer files in $MTE_VECTORS: Wycheproof's JSON and the lines of CCTV. */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include "common/span.h"

#include <jansson.h>

enum { VECTOR_FIELDS_MAX = 8 };

/* One case, with the group that it stands in. */
struct vector {
    const json_t *group, *test;
    void *fields[VECTOR_FIELDS_MAX]; /* what vector_bytes() gave out */
    size_t n_fields;
};

/* A hexadecimal field of the case, in memory of exactly its length; freed after the check. */
struct span vector_bytes(struct vector *v, const char *name);
/* A number of the case or of its group; fails the test where it is missing. */
size_t vector_number(const json_t *object, const char *name);
/* Does the case say result: "valid"? */
bool vector_is_valid(const struct vector *v);

/*
 * Runs the check on every case of the file and prints how many ran. The check returns false for
 * a case that does not apply, and asserts in all others; why_not says in a word which those are
 * (NULL: all must apply). Skips the test where the folder is not there.
 */
void vectors_run(const char *file, const char *why_not, bool (*check)(struct vector *v));

/*
 * Calls the check with each line "name = value" of a file, or (name NULL) with each bare line;
 * a file that ends in .gz is unpacked. Returns how many lines there were.
 */
size_t vectors_lines(const char *file, void (*check)(const char *name, struct span value));

#endif
