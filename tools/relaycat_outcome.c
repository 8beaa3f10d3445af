/* SPDX-License-Identifier: MIT */
/* The one place that complains. */
#include "tools/relaycat_outcome.h"

#include <stdarg.h>
#include <stdio.h>

enum outcome outcome_tell(enum outcome outcome, const char *format, ...)
{
    va_list args;

    fputs("relaycat: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return outcome;
}
