/* SPDX-License-Identifier: MIT */
/*
 * Stands in for worker/redis.c: one server, which all clients of a test ask. Questions wait until
 * the test lets them run, and may run without their answer.
 */
#ifndef TESTS_UNIT_REDIS_DOUBLE_H
#define TESTS_UNIT_REDIS_DOUBLE_H

#include "worker/redis.h"

/* It knows nothing, has that run_id, and nobody is connected. */
void redis_double_begin(const char *run_id);
/* The server of that run_id in its place, which has the same keys. */
void redis_double_fail_over(const char *run_id);
void redis_double_flush(void);
/* All clients are connected, or none. */
void redis_double_connect(bool up);

/* The oldest question runs, and is answered; or its answer is lost. False: there is none. */
bool redis_double_run(bool lose_answer);
void redis_double_run_all(void);
size_t redis_double_n_waiting(void);
unsigned redis_double_n_asked(void); /* since the beginning */

/* Its value, or an empty span. */
struct span redis_double_get(const char *key);
void redis_double_set(const char *key, const char *value);
bool redis_double_bit(const char *key, unsigned bit);

#endif
