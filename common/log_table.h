/* SPDX-License-Identifier: MIT */
/* The log levels, from most to least talkative: name, setting value, second spelling of it. */
#ifndef LOG_ROW
#error "define LOG_ROW(name, word, alias) before including this table"
#endif

LOG_ROW(LOG_LEVEL_TRACE, "trace", "trace")
LOG_ROW(LOG_LEVEL_DEBUG, "debug", "debug")
LOG_ROW(LOG_LEVEL_INFO, "info", "info")
LOG_ROW(LOG_LEVEL_WARNING, "warning", "warn")
LOG_ROW(LOG_LEVEL_ERROR, "error", "error")
LOG_ROW(LOG_LEVEL_PANIC, "panic", "fatal")
LOG_ROW(LOG_LEVEL_OFF, "off", "disabled")
