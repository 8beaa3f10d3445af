/* SPDX-License-Identifier: MIT */
/*
 * Every error code of our own, one row each: name, what it means to whoever reads a log line.
 * System errors are passed on as -errno and stand beside these.
 */
#ifndef ERROR_ROW
#error "define ERROR_ROW(name, text) before including this table"
#endif

ERROR_ROW(ERR_FORMAT, "malformed input")
ERROR_ROW(ERR_SHORT, "input ends too early")
ERROR_ROW(ERR_LIMIT, "over a limit")
ERROR_ROW(ERR_AUTH, "authentication failed")
ERROR_ROW(ERR_CRYPTO, "the cryptographic library failed")
ERROR_ROW(ERR_UNSUPPORTED, "not supported")
ERROR_ROW(ERR_MISUSE, "not allowed in this state")
ERROR_ROW(ERR_UNKNOWN, "not known here")
ERROR_ROW(ERR_EXPIRED, "no longer valid")
ERROR_ROW(ERR_REPLAY, "seen before")
ERROR_ROW(ERR_CLOCK, "clocks differ too much")
ERROR_ROW(ERR_BUSY, "busy, try again")
ERROR_ROW(ERR_FULL, "no room left")
ERROR_ROW(ERR_REFUSED, "refused by the other side")
ERROR_ROW(ERR_SELF, "the other side is this side")
ERROR_ROW(ERR_CLOSED, "closed by the other side")
ERROR_ROW(ERR_TIMEOUT, "took too long")
ERROR_ROW(ERR_CANCELLED, "cancelled")
