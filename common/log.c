/* SPDX-License-Identifier: MIT */
/* Writing log lines. Owns the process' idea of where they go; never blocks, never fails loudly. */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"

enum { LINE_LEN = 4096 };

static const struct {
    const char *word, *alias;
} levels[] = {
#define LOG_ROW(name, word, alias) [name] = { word, alias },
#include "common/log_table.h"
#undef LOG_ROW
};

static struct {
    int fd;
    enum log_level level;
    char who[32];
    uint64_t n_dropped;
} sink = { .fd = STDERR_FILENO, .level = LOG_LEVEL_INFO, .who = "start" };

void log_open(int fd, enum log_level level, const char *who)
{
    sink.fd = fd;
    sink.level = level;
    snprintf(sink.who, sizeof(sink.who), "%s", who);
}

void log_set_level(enum log_level level)
{
    sink.level = level;
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
    return level >= sink.level && level < LOG_LEVEL_OFF;
}

uint64_t log_n_dropped(void)
{
    return sink.n_dropped;
}

/*
 * Control bytes would let a peer forge lines or drive the operator's terminal, and those of C1 are
 * no less able in UTF-8: so what is not ASCII goes too.
 */
static void make_printable(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
            text[i] = '?';
    }
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[LINE_LEN], now[CLOCK_TEXT_LEN];
    size_t room = sizeof(line) - 1, len; /* one byte stays for the newline */
    va_list args;
    int n;

    if (!log_wants(level))
        return;
    clock_text(clock_wall_ms(), now);
    n = snprintf(line, room, "%s %-7s %s[%d]: ", now, levels[level].word, sink.who, (int)getpid());
    len = n > 0 ? (size_t)n : 0;
    va_start(args, format);
    n = vsnprintf(line + len, room - len, format, args);
    va_end(args);
    if (n < 0)
        return;
    if ((size_t)n >= room - len) /* cut, and visibly so */
        n = (int)(room - len) - 1, memcpy(line + len + n - 3, "...", 3);
    make_printable(line + len, (size_t)n);
    len += (size_t)n;
    line[len++] = '\n';
    if (write(sink.fd, line, len) != (ssize_t)len)
        sink.n_dropped++;
}
