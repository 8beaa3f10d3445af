/* SPDX-License-Identifier: MIT */
/* What a fuzz target is: a function that takes any input and returns 0, or dies. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
