/* SPDX-License-Identifier: MIT */
/* Composes the lines that conf_load() reports. Owns nothing beyond a call. */
#include "common/conf_report.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_LEN = 4096, SHOWN_MAX = 80 };

static void __attribute__((format(printf, 3, 0)))
compose(char line[static LINE_LEN], const char *place, const char *format, va_list args)
{
    int len = snprintf(line, LINE_LEN, "%s: ", place);

    if (len > 0 && len < LINE_LEN)
        vsnprintf(line + len, LINE_LEN - (size_t)len, format, args);
}

void conf_report_problem(struct conf_report *report, const char *place, const char *format, ...)
{
    char line[LINE_LEN];
    va_list args;

    va_start(args, format);
    compose(line, place, format, args);
    va_end(args);
    report->n_problems++;
    report->problem(report->arg, line);
}

void conf_report_warning(struct conf_report *report, const char *place, const char *format, ...)
{
    char line[LINE_LEN];
    va_list args;

    va_start(args, format);
    compose(line, place, format, args);
    va_end(args);
    report->warning(report->arg, line);
}

void conf_report_quote(struct buffer *b, struct span value)
{
    if (span_find(value, '@') < value.len) { /* http://user:password@host */
        buffer_put_text(b, "the value (not shown: there is an @ in it)");
        return;
    }
    buffer_put_text(b, "\"");
    for (size_t i = 0; i < value.len && i < SHOWN_MAX; i++) {
        uint8_t c = value.at[i];

        buffer_put(b, c < 0x20 || c == 0x7f ? SPAN("?") : span_of(&c, 1));
    }
    buffer_put_text(b, value.len > SHOWN_MAX ? "...\"" : "\"");
}
