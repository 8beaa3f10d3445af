/* SPDX-License-Identifier: MIT */
/* Loading a configuration from a text and an environment, and what was said about it. */
#ifndef TESTS_UNIT_CONF_FIXTURE_H
#define TESTS_UNIT_CONF_FIXTURE_H

#include "tests/unit/unit.h"

#include "common/conf.h"

struct loaded {
    int r;
    struct conf *conf;
    char problems[8192], warnings[8192]; /* each line with its end; the folder left out */
};

/* A fresh folder for each test, as cmocka wants them. */
int conf_fixture_open(void **state);
int conf_fixture_close(void **state);

/* Writes a file of the folder and returns its path, good until the test ends. */
const char *conf_fixture_file(const char *name, struct span text);

/* Loads a file of that text (NULL: empty) as "conf", then "A=b\nC=d". "DIR/" at the start of a
 * value is the folder.
 */
struct loaded conf_fixture_load(const char *file, const char *environment);
/* What it gives conf_load(), with the struct loaded as arg. */
void conf_fixture_problem(void *arg, const char *line);
void conf_fixture_unload(struct loaded *loaded);

/* conf_describe(), line by line; the caller frees it. */
char *conf_fixture_describe(const struct conf *conf);

/* The three settings without which nothing starts. */
#define CONF_FIXTURE_REQUIRED                                                                      \
    "UPSTREAM=https://api.my-company.com\n"                                                        \
    "CLIENT_ID_SECRET=2DkV4DDabehO8cifDktdF9elKJL0CKrk\n"                                          \
    "OUTBOUND_TOKEN=abcdefg1234567890\n"

#endif
