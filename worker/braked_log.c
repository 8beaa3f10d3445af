/* SPDX-License-Identifier: MIT */
/* Which lines go out at which level. Owns nothing. */
#include "worker/braked_log.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/metric.h"

enum log_level braked_log_level(struct braked_log *log, unsigned which, enum log_level level,
                                uint64_t *n_held_r)
{
    *n_held_r = 0;
    if (level <= LOG_LEVEL_DEBUG || log_brake_lets(&log->brakes[which], clock_mono_ms(), n_held_r))
        return level;
    if (log->metrics != NULL)
        metric_add(log->metrics, METRIC_log_lines_held, 1);
    return LOG_LEVEL_DEBUG;
}

void braked_log_refusal(struct braked_log *log, enum refusal refusal, const char *kind,
                        struct span id, const char *cause)
{
    enum log_level level = refusal_status(refusal) >= 500 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;
    uint64_t n_held;

    level = braked_log_level(log, BRAKED_REFUSALS + refusal, level, &n_held);
    log_line(level, "refused code=%s kind=%s id=%.*s cause=\"%s\" not_logged_before=%" PRIu64,
             refusal_code(refusal), kind, SPAN_PRINT(id), cause, n_held);
}

void braked_log_broken_off(struct braked_log *log, const char *kind, struct span id,
                           const char *cause)
{
    enum log_level level = LOG_LEVEL_WARNING;
    uint64_t n_held;

    level = braked_log_level(log, BRAKED_BROKEN_OFF, level, &n_held);
    log_line(level, "an answer broke off kind=%s id=%.*s cause=\"%s\" not_logged_before=%" PRIu64,
             kind, SPAN_PRINT(id), cause, n_held);
}
