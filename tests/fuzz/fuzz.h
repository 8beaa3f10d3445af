// SPDX-License-Identifier: MIT
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

// What a fuzz target is: takes any input and returns 0, or dies.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
