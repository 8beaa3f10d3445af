/* SPDX-License-Identifier: MIT */
/*
 * Takes a formatted line apart: a sentence, then fields. What is a key is read in the format, which
 * is ours, and never in what was formatted, which may be a peer's: no value can pose as a field.
 */
#ifndef COMMON_LOG_PARTS_H
#define COMMON_LOG_PARTS_H

#include <stdarg.h>

#include "common/span.h"

enum { LOG_FIELDS_MAX = 16 };

struct log_field {
    struct span key, value; /* of the format, and of the text */
    bool number;            /* its format is that of a decimal number, and nothing else */
    bool quoted;            /* its format has it in quotes, which are not in value */
};

struct log_parts {
    struct span message;
    struct log_field fields[LOG_FIELDS_MAX];
    size_t n_fields;
};

/* text: what format and args made, whole or cut. */
void log_parts_read(const char *format, va_list args, struct span text, struct log_parts *parts_r)
    __attribute__((format(printf, 1, 0)));

#endif
