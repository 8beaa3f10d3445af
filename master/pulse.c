/* SPDX-License-Identifier: MIT */
/* The hang rule of docs/architecture.md. Reads /proc, owns nothing, kills nobody. */
#include "master/pulse.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"

/* Of proc(5), stat: what follows the name, which may hold anything, is "STATE …", the processor
 * times are its 12th and 13th field. */
struct pulse_sign pulse_look(pid_t pid, uint64_t beat_ms)
{
    struct pulse_sign sign = { .beat_ms = beat_ms, .paused = true };
    unsigned long user, system;
    char path[64], text[1024], state, *fields;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    fd_close(&fd);
    if (n <= 0)
        return sign;
    text[n] = 0;
    fields = strrchr(text, ')');
    if (fields == NULL || sscanf(fields, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu",
                                 &state, &user, &system) != 3)
        return sign;
    sign.paused = state == 'T' || state == 't';
    sign.cpu_ms = (uint64_t)(user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    return sign;
}

bool pulse_is_lost(struct pulse *pulse, const struct pulse_sign *sign, uint64_t now_ms)
{
    uint64_t since_ms = now_ms - pulse->looked_ms;
    bool first = pulse->looked_ms == 0, late = since_ms > 2 * PULSE_TICK_MS;
    bool lost;

    pulse->looked_ms = now_ms;
    if (first || late || sign->paused || sign->beat_ms != pulse->beat_ms) {
        pulse->beat_ms = sign->beat_ms;
        pulse->cpu_ms = sign->cpu_ms;
        pulse->silent_ms = 0;
        return false;
    }
    pulse->silent_ms += since_ms;
    lost = pulse->silent_ms >= PULSE_STUCK_MS ||
           (pulse->silent_ms >= PULSE_SPIN_MS &&
            sign->cpu_ms - pulse->cpu_ms >= pulse->silent_ms / 10);
    if (lost)
        *pulse = (struct pulse){ 0 };
    return lost;
}
