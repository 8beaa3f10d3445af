/* SPDX-License-Identifier: MIT */
/* JSON, as far as the programs need it: reading an object of strings, writing a string. */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "common/buffer.h"

/* A member of an object; the views live until it returns. Non-zero stops and is passed on. */
typedef int (*json_member_cb)(void *arg, struct span name, struct span value);

/*
 * Gives every member of an object of strings, in order. ERR_FORMAT for any other text (a name that
 * comes twice and a NUL in a string among them): *why_r is then a phrase that holds no part of it.
 * The memory used on the way is wiped.
 */
MUST_CHECK int json_read_strings(struct span text, json_member_cb member, void *arg,
                                 const char **why_r);

/* Writes a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void json_put_string(struct buffer *b, struct span text);

#endif
