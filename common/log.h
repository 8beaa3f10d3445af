/* SPDX-License-Identifier: MIT */
/*
 * Log lines: one write(2) each, at most LOG_LINE_LEN bytes, to a descriptor that never blocks the
 * caller. A line is a sentence in lower case, then key=value pairs, which in JSON are members
 * beside time, level, process, pid and message. No secret, body or query string ever goes in.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/log_entry.h"
#include "common/log_sink.h"

enum log_level {
#define LOG_ROW(name, word, alias, severity) name,
#include "common/log_table.h"
#undef LOG_ROW
};

/*
 * Where this process' lines go, and what it calls itself in them ("master", "worker 3"). fd stays
 * the caller's. Before the first call lines go to standard error, from LOG_LEVEL_INFO on, as text.
 */
void log_open(int fd, enum log_level level, const char *who);

/* Another place, as said by a caller who keeps what it needs open. */
void log_set_sink(const struct log_sink *sink);
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/* The level of a word such as "warn", any case; ERR_FORMAT if it is none. */
MUST_CHECK int log_level_parse(struct span word, enum log_level *level_r);

/* Would a line of this level be written? For lines that cost something to make. */
bool log_wants(enum log_level level);

/* The descriptor that lines go to. */
int log_descriptor(void);

/* Lines lost because the descriptor took no more. */
uint64_t log_n_dropped(void);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_trace(...)   log_line(LOG_LEVEL_TRACE, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
/* The process is about to end because of this. */
#define log_panic(...) log_line(LOG_LEVEL_PANIC, __VA_ARGS__)

#endif
