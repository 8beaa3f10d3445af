/* SPDX-License-Identifier: MIT */
/*
 * One line of a log while it is written: members one after the other, as a JSON object or as text
 * of key=value. Whatever bytes come in, what comes out is printable ASCII no longer than its room,
 * with its line end, and in JSON an object that every reader takes.
 */
#ifndef COMMON_LOG_ENTRY_H
#define COMMON_LOG_ENTRY_H

#include "common/error.h"
#include "common/span.h"

enum log_format {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
};

/* Longest line with its line end: what a pipe takes whole or not at all (PIPE_BUF). */
enum { LOG_LINE_LEN = 4096 };

struct log_entry {
    char *at; /* the caller's */
    size_t room, len;
    enum log_format format;
};

/* The format of a word, any case; ERR_FORMAT if it is none. */
MUST_CHECK int log_format_parse(struct span word, enum log_format *format_r);

/* room: at least 64. */
struct log_entry log_entry_open(char *at, size_t room, enum log_format format);

/* As it is, for the head of a text; JSON takes only members. */
void log_entry_printf(struct log_entry *entry, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A member. Where the line has no room for it, a string is cut and then ends in "...", or is left
 * out, and so is a number. max: bytes that a string may take; SIZE_MAX is all that there are. In
 * text a value is in quotes if it needs them, or always.
 */
void log_entry_text(struct log_entry *entry, struct span key, struct span value);
void log_entry_quoted(struct log_entry *entry, struct span key, struct span value);
void log_entry_number(struct log_entry *entry, struct span key, uint64_t value);
/* digits: of a decimal number, which may be negative. */
void log_entry_digits(struct log_entry *entry, struct span key, struct span digits);
/* The sentence: member "message", or in text as it is. */
void log_entry_message(struct log_entry *entry, struct span message, size_t max);

/* Ends the line; how long it is. Its room always has the place. */
size_t log_entry_close(struct log_entry *entry);

#endif
