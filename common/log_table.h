/* SPDX-License-Identifier: MIT */
/* The log levels, from most to least talkative: name, setting value, second spelling of it,
 * severity of syslog(3). */
#ifndef LOG_ROW
#error "define LOG_ROW(name, word, alias, severity) before including this table"
#endif

LOG_ROW(LOG_LEVEL_TRACE, "trace", "trace", 7)
LOG_ROW(LOG_LEVEL_DEBUG, "debug", "debug", 7)
LOG_ROW(LOG_LEVEL_INFO, "info", "info", 6)
LOG_ROW(LOG_LEVEL_WARNING, "warning", "warn", 4)
LOG_ROW(LOG_LEVEL_ERROR, "error", "error", 3)
LOG_ROW(LOG_LEVEL_PANIC, "panic", "fatal", 2)
LOG_ROW(LOG_LEVEL_OFF, "off", "disabled", 7)
