/* SPDX-License-Identifier: MIT */
/* The configuration file: keys with values, as text. Knows no setting. */
#ifndef COMMON_CONF_FILE_H
#define COMMON_CONF_FILE_H

#include "common/error.h"
#include "common/span.h"

/* What is found, in the order of the file. Lines count from 1. */
struct conf_file_reader {
    /* A key and its value; of a list the items, with commas between them. */
    void (*value)(void *arg, unsigned line, const char *key, struct span text, bool is_list);
    /* A mistake, of the key or (NULL) of the file; line 0: of the whole file. */
    void (*mistake)(void *arg, unsigned line, const char *key, const char *what);
    void *arg;
};

/* 0 (all was given to the reader, mistakes among it), -ENOENT, -ENOMEM or another -errno. */
MUST_CHECK int conf_file_read(const char *path, const struct conf_file_reader *reader);

#endif
