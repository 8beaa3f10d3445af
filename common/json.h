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

/* A value that was read; what is asked of another kind of value is nothing: NULL, 0, empty. */
struct json_value;
/* Freed by json_value_free(). ERR_FORMAT, -ENOMEM. */
MUST_CHECK int json_value_read(struct span text, struct json_value **value_r);
void json_value_free(struct json_value **value);
/* Views of the value, and as long-lived. */
const struct json_value *json_value_member(const struct json_value *object, const char *name);
const struct json_value *json_value_item(const struct json_value *array, size_t index);
size_t json_value_n_items(const struct json_value *array);
const char *json_value_text(const struct json_value *string); /* "" for nothing */
uint64_t json_value_number(const struct json_value *number);
bool json_value_is_true(const struct json_value *value);

/* Writes a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void json_put_string(struct buffer *b, struct span text);

#endif
