/* SPDX-License-Identifier: MIT */
/* sd_notify(3) without libsystemd. Owns its socket, which never blocks; the address is looked up at
 * each datagram, so that a manager that was started anew hears us. */
#include "master/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/text.h"

enum { TEXT_LEN = 1024, LINE_LEN = 64, PATIENT_USEC = 60000000 };

/* NULL where there is none. */
static const char *value_of(char *const *environment, const char *name)
{
    size_t len = strlen(name);

    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
            return *environment + len + 1;
    }
    return NULL;
}

static int set_address(struct notify *notify, const char *address)
{
    size_t len = strlen(address);

    if ((address[0] != '/' && address[0] != '@') || len < 2 || len >= sizeof(notify->to.sun_path))
        return ERR_FORMAT;
    notify->to.sun_family = AF_UNIX;
    memcpy(notify->to.sun_path, address, len + 1);
    notify->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (address[0] == '@')
        notify->to.sun_path[0] = 0; /* an abstract name has no NUL at its end */
    else
        notify->to_len++;
    return 0;
}

/* A watchdog that is meant for another process is not ours to feed. */
static int set_watchdog(struct notify *notify, const char *usec, const char *pid)
{
    uint64_t number;

    if (usec == NULL)
        return 0;
    if (pid != NULL && text_u64(span_text(pid), INT32_MAX, &number) != 0)
        return ERR_FORMAT;
    if (pid != NULL && number != (uint64_t)getpid())
        return 0;
    if (text_u64(span_text(usec), INT64_MAX, &number) != 0 || number == 0)
        return ERR_FORMAT;
    notify->watchdog_usec = number;
    notify->due_ms = 0;
    return 0;
}

int notify_open(struct notify *notify, char *const *environment)
{
    const char *address = value_of(environment, "NOTIFY_SOCKET");
    int r;

    *notify = (struct notify){ .fd = -1, .due_ms = NOTIFY_NEVER };
    if (address == NULL || *address == 0)
        return 0;
    r = set_address(notify, address);
    if (r == 0)
        r = set_watchdog(notify, value_of(environment, "WATCHDOG_USEC"),
                         value_of(environment, "WATCHDOG_PID"));
    if (r != 0)
        return r;
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return notify->fd >= 0 ? 0 : -errno;
}

void notify_close(struct notify *notify)
{
    fd_close(&notify->fd);
    notify->due_ms = NOTIFY_NEVER;
}

void notify_say(struct notify *notify, const char *format, ...)
{
    char text[TEXT_LEN];
    va_list args;
    size_t len;
    int n;

    if (notify->fd < 0)
        return;
    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0)
        return;
    len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    if (sendto(notify->fd, text, len, MSG_NOSIGNAL, (const struct sockaddr *)&notify->to,
               notify->to_len) >= 0) {
        notify->failing = false;
        return;
    }
    if (!notify->failing)
        log_warning("cannot tell the service manager how we are: %s", error_text(-errno));
    notify->failing = true;
}

/* "WATCHDOG=1\nWATCHDOG_USEC=…\n", or nothing. */
static void print_patience(const struct notify *notify, uint64_t usec, char text_r[static LINE_LEN])
{
    text_r[0] = 0;
    if (notify->due_ms != NOTIFY_NEVER)
        snprintf(text_r, LINE_LEN, "WATCHDOG=1\nWATCHDOG_USEC=%llu\n", (unsigned long long)usec);
}

/* clock_mono_ms() may be behind the moment of the signal, and the manager compares. */
void notify_reloading(struct notify *notify)
{
    uint64_t usec = notify->watchdog_usec > PATIENT_USEC ? notify->watchdog_usec : PATIENT_USEC;
    char patience[LINE_LEN];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    print_patience(notify, usec, patience);
    notify_say(notify, "%sRELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reading the settings anew",
               patience, (unsigned long long)now.tv_sec * 1000000 + (unsigned)now.tv_nsec / 1000);
}

void notify_ready(struct notify *notify, const char *status)
{
    char patience[LINE_LEN];

    print_patience(notify, notify->watchdog_usec, patience);
    notify_say(notify, "%sREADY=1\nSTATUS=%s", patience, status);
}

void notify_watchdog(struct notify *notify, uint64_t now_ms)
{
    if (now_ms < notify->due_ms)
        return;
    notify->due_ms = now_ms + notify->watchdog_usec / 1000 / 2;
    notify_say(notify, "WATCHDOG=1");
}
