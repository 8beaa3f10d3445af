/* SPDX-License-Identifier: MIT */
/* Phrases for error codes. Owns nothing; never logs. */
#include "common/error.h"

#include <string.h>

const char *error_text(int code)
{
    switch (code) {
    case 0:
        return "no error";
#define ERROR_ROW(name, text)                                                                      \
    case name:                                                                                     \
        return text;
#include "common/error_table.h"
#undef ERROR_ROW
    default:
        return strerror(-code);
    }
}
