// SPDX-License-Identifier: MIT
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

// cmocka.h, and what it wants to find before it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
