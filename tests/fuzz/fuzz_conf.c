/* SPDX-License-Identifier: MIT */
/*
 * A configuration file, then (behind a line "--") lines of an environment: nothing crashes, a
 * refusal says why, and what loads reaches a worker unchanged.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/conf.h"
#include "common/fd.h"

enum { VARIABLES_MAX = 64 };

/* libconfig's scanner loses the string that it was in when a syntax error ends the parse. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:strbuf_append\nleak:libconfig_yylex";
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool contains(struct span all, struct span part)
{
    return all.len > 0 && memmem(all.at, all.len, part.at, part.len) != NULL;
}

static void split(struct span text, char *variables[static VARIABLES_MAX])
{
    size_t n = 0;

    while (text.len > 0 && n < VARIABLES_MAX - 1) {
        struct span line = span_cut(&text, '\n');

        variables[n] = calloc(1, line.len + 1);
        must(variables[n] != NULL);
        if (line.len > 0)
            memcpy(variables[n], line.at, line.len);
        n++;
    }
    variables[n] = NULL;
}

static void on_problem(void *arg, const char *line)
{
    must(line[0] != '\0');
    ++*(size_t *)arg;
}

static void on_warning(void *arg, const char *line)
{
    (void)arg;
    must(line[0] != '\0');
}

static void add_line(void *arg, const char *text)
{
    buffer_printf(arg, "%s\n", text);
}

static void describe(const struct conf *conf, struct buffer *b)
{
    buffer_init(b, 0);
    conf_describe(conf, add_line, b);
    must(buffer_error(b) == 0);
}

static void check_in_a_worker(const struct conf *conf)
{
    struct boot_writer w;
    struct boot *boot = NULL;
    struct conf *copy = NULL;
    struct buffer want, got;
    int fd = -1;

    boot_writer_init(&w);
    must(conf_to_boot(conf, &w) == 0 && boot_seal(&w, &fd) == 0);
    boot_writer_fini(&w);
    must(boot_open(fd, &boot) == 0 && conf_from_boot(boot, &copy) == 0);
    fd_close(&fd);
    describe(conf, &want);
    describe(copy, &got);
    must(span_equal(buffer_span(&want), buffer_span(&got)));
    buffer_fini(&want);
    buffer_fini(&got);
    conf_free(&copy);
    boot_close(&boot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size), file = all, environment = SPAN_NONE;
    const uint8_t *mark = size > 0 ? memmem(data, size, "\n--\n", 4) : NULL;
    char path[64], *variables[VARIABLES_MAX];
    struct conf *conf = NULL;
    size_t n_problems = 0;
    int fd = -1, r;

    if (contains(all, SPAN("_file")) || contains(all, SPAN("_FILE")))
        return 0; /* would read any file of this machine */
    if (mark != NULL) {
        file = span_part(all, 0, (size_t)(mark - data));
        environment = span_from(all, file.len + 4);
    }
    must(fd_open_memory("fuzz", &fd) == 0 && fd_write_all(fd, file) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    split(environment, variables);
    r = conf_load(path, variables, on_problem, on_warning, &n_problems, &conf);
    must((r == 0 && n_problems == 0) || (r == ERR_FORMAT && n_problems > 0));
    if (r == 0)
        check_in_a_worker(conf);
    conf_free(&conf);
    for (size_t i = 0; variables[i] != NULL; i++)
        free(variables[i]);
    fd_close(&fd);
    return 0;
}
