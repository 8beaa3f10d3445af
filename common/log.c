/* SPDX-License-Identifier: MIT */
/* Writing log lines. Owns the process' idea of where they go; never blocks, never fails loudly. */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log_parts.h"

enum {
    TEXT_LEN = 2 * LOG_LINE_LEN,
    MESSAGE_MAX = LOG_LINE_LEN / 2, /* where fields follow */
};

static const struct {
    const char *word, *alias;
    int severity;
} levels[] = {
#define LOG_ROW(name, word, alias, severity) [name] = { word, alias, severity },
#include "common/log_table.h"
#undef LOG_ROW
};

static struct {
    struct log_sink sink;
    enum log_level level;
    enum log_format format;
    char who[32];
} own = { .sink = { .fd = STDERR_FILENO }, .level = LOG_LEVEL_INFO, .who = "start" };

void log_open(int fd, enum log_level level, const char *who)
{
    own.sink.fd = fd;
    own.sink.syslog = false;
    own.level = level;
    snprintf(own.who, sizeof(own.who), "%s", who);
}

void log_set_sink(const struct log_sink *sink)
{
    uint64_t n_dropped = own.sink.n_dropped;

    own.sink = *sink;
    own.sink.n_dropped += n_dropped;
}

void log_set_level(enum log_level level)
{
    own.level = level;
}

void log_set_format(enum log_format format)
{
    own.format = format;
}

int log_level_parse(struct span word, enum log_level *level_r)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
        if (span_equal_nocase(word, span_text(levels[i].word)) ||
            span_equal_nocase(word, span_text(levels[i].alias))) {
            *level_r = (enum log_level)i;
            return 0;
        }
    }
    return ERR_FORMAT;
}

bool log_wants(enum log_level level)
{
    return level >= own.level && level < LOG_LEVEL_OFF;
}

int log_descriptor(void)
{
    return own.sink.fd;
}

uint64_t log_n_dropped(void)
{
    return own.sink.n_dropped;
}

static void put_head(struct log_entry *entry, enum log_level level)
{
    char now[CLOCK_TEXT_LEN];

    if (entry->format == LOG_FORMAT_TEXT && own.sink.syslog) { /* which tells time and process */
        log_entry_printf(entry, "%s %s: ", levels[level].word, own.who);
        return;
    }
    clock_text(clock_wall_ms(), now);
    if (entry->format == LOG_FORMAT_TEXT) {
        log_entry_printf(entry, "%s %-7s %s[%d]: ", now, levels[level].word, own.who,
                         (int)getpid());
        return;
    }
    log_entry_text(entry, SPAN("time"), span_text(now));
    log_entry_text(entry, SPAN("level"), span_text(levels[level].word));
    log_entry_text(entry, SPAN("process"), span_text(own.who));
    log_entry_number(entry, SPAN("pid"), (uint64_t)getpid());
}

static void put_field(struct log_entry *entry, const struct log_field *field)
{
    if (field->number)
        log_entry_digits(entry, field->key, field->value);
    else if (field->quoted)
        log_entry_quoted(entry, field->key, field->value);
    else
        log_entry_text(entry, field->key, field->value);
}

static void write_entry(enum log_level level, const struct log_parts *parts)
{
    char line[LOG_LINE_LEN];
    size_t head = log_sink_head(&own.sink, levels[level].severity, line);
    struct log_entry entry = log_entry_open(line + head, LOG_LINE_LEN - head, own.format);

    put_head(&entry, level);
    log_entry_message(&entry, parts->message, parts->n_fields > 0 ? MESSAGE_MAX : SIZE_MAX);
    for (size_t i = 0; i < parts->n_fields; i++)
        put_field(&entry, &parts->fields[i]);
    log_sink_write(&own.sink, span_of(line, head + log_entry_close(&entry)));
}

void log_line(enum log_level level, const char *format, ...)
{
    char text[TEXT_LEN];
    struct log_parts parts;
    size_t len;
    va_list args;
    int n;

    if (!log_wants(level))
        return;
    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0)
        return;
    len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    va_start(args, format);
    log_parts_read(format, args, span_of(text, len), &parts);
    va_end(args);
    write_entry(level, &parts);
}
