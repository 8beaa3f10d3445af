/* SPDX-License-Identifier: MIT */
/* What ps(1) shows for this process. */
#ifndef COMMON_TITLE_H
#define COMMON_TITLE_H

#include "common/error.h"

/*
 * The title takes the place of the arguments, and of the environment behind them: call it when the
 * arguments are no longer needed. What is still in the environment moves to the heap, the pointers
 * of environment_ follow. -ENOMEM.
 */
MUST_CHECK int title_open(int argc, char **argv, char **environment_);

/* Cut where there is no room for all of it; without effect before title_open(). */
void title_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
