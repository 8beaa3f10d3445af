/* SPDX-License-Identifier: MIT */
/* Owns one folder at a time, of the test that runs. */
#include "tests/unit/conf_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/fd.h"

enum { VARIABLES_MAX = 64 };

static char folder[64], path[128];

int conf_fixture_open(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "%s", "/tmp/test_conf.XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_one(const char *name, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(name);
}

int conf_fixture_close(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

const char *conf_fixture_file(const char *name, struct span text)
{
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text), 0);
    fd_close(&fd);
    return path;
}

/* Without the folder's name, which no test can know. */
static void add_line(char *to, size_t size, const char *line)
{
    const char *hit;
    size_t len = strlen(to);

    while ((hit = strstr(line, folder)) != NULL) {
        len += (size_t)snprintf(to + len, size - len, "%.*sDIR", (int)(hit - line), line);
        line = hit + strlen(folder);
    }
    snprintf(to + len, size - len, "%s\n", line);
}

void conf_fixture_problem(void *arg, const char *line)
{
    struct loaded *loaded = arg;

    add_line(loaded->problems, sizeof(loaded->problems), line);
}

static void on_warning(void *arg, const char *line)
{
    struct loaded *loaded = arg;

    add_line(loaded->warnings, sizeof(loaded->warnings), line);
}

/* One "NAME=value" of the heap for each line, so that AddressSanitizer sees its ends. */
static void split(const char *text, char *variables[static VARIABLES_MAX])
{
    struct span rest = span_text(text);
    size_t n = 0;

    while (rest.len > 0) {
        struct span value = span_cut(&rest, '\n'), name = span_cut(&value, '=');
        bool in_folder = span_starts(value, SPAN("DIR/"));

        assert_true(n + 1 < VARIABLES_MAX);
        assert_true(asprintf(&variables[n++], "%.*s=%s%.*s", SPAN_PRINT(name),
                             in_folder ? folder : "",
                             SPAN_PRINT(in_folder ? span_from(value, 3) : value)) > 0);
    }
    variables[n] = NULL;
}

struct loaded conf_fixture_load(const char *file, const char *environment)
{
    struct loaded loaded = { .r = 0 };
    const char *name = conf_fixture_file("conf", span_text(file));
    char *variables[VARIABLES_MAX];

    split(environment, variables);
    loaded.r = conf_load(name, variables, conf_fixture_problem, on_warning, &loaded, &loaded.conf);
    for (size_t i = 0; variables[i] != NULL; i++)
        free(variables[i]);
    assert_int_equal(loaded.r == 0, loaded.conf != NULL);
    assert_int_equal(loaded.r == 0, loaded.problems[0] == '\0');
    return loaded;
}

void conf_fixture_unload(struct loaded *loaded)
{
    conf_free(&loaded->conf);
    assert_null(loaded->conf);
}

static void describe_line(void *arg, const char *text)
{
    buffer_printf(arg, "%s\n", text);
}

char *conf_fixture_describe(const struct conf *conf)
{
    struct buffer b;

    buffer_init(&b, 0);
    conf_describe(conf, describe_line, &b);
    buffer_put(&b, SPAN("\0"));
    assert_int_equal(buffer_error(&b), 0);
    return (char *)b.at; /* nothing was taken from its front */
}
