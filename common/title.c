/* SPDX-License-Identifier: MIT */
/*
 * The process title. The kernel puts the strings of argv and of the environment behind one another
 * and shows what stands there: as far as the arguments went, or up to a NUL where that end was
 * written over (proc(5), cmdline). Owns that area.
 */
#include "common/title.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char *at;
    size_t len;
    char *moved; /* the environment; owned for good, since anybody may hold pointers into it */
} title;

static char *end_of(char *const *strings, char *end)
{
    for (; *strings != NULL; strings++) {
        char *string_end = *strings + strlen(*strings) + 1;

        if (string_end > end)
            end = string_end;
    }
    return end;
}

static int move_strings(char **strings)
{
    size_t len = 1; /* malloc(0) may be NULL */
    char *to;

    for (char **s = strings; *s != NULL; s++)
        len += strlen(*s) + 1;
    to = title.moved = malloc(len);
    if (to == NULL)
        return -ENOMEM;
    for (char **s = strings; *s != NULL; s++) {
        len = strlen(*s) + 1;
        *s = memcpy(to, *s, len);
        to += len;
    }
    return 0;
}

int title_open(int argc, char **argv, char **environment_)
{
    char *end;
    int r;

    if (argc == 0 || title.at != NULL)
        return 0;
    end = end_of(environment_, end_of(argv, argv[0]));
    r = move_strings(environment_);
    if (r != 0)
        return r;
    title.at = argv[0];
    title.len = (size_t)(end - argv[0]);
    return 0;
}

void title_set(const char *format, ...)
{
    va_list args;

    if (title.at == NULL)
        return;
    memset(title.at, 0, title.len);
    va_start(args, format);
    vsnprintf(title.at, title.len, format, args);
    va_end(args);
}
