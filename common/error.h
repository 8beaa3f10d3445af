/* SPDX-License-Identifier: MIT */
/*
 * The error codes of the program: a function that can fail returns 0 or a negative code,
 * either one of ERR_* below or a system error as -errno.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

enum error_code {
    ERR_FIRST_ = -10000, /* far below any -errno */
#define ERROR_ROW(name, text) name,
#include "common/error_table.h"
#undef ERROR_ROW
    ERR_LAST_
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* A short phrase for a code of either kind. Never NULL; valid until the thread's next call. */
const char *error_text(int code);

#endif
