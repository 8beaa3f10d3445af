/* SPDX-License-Identifier: MIT */
/* Getting lines out of the process. Owns no descriptor; never blocks, never complains. */
#include "common/log_sink.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FACILITY_DAEMON = 3 << 3 };

struct log_sink log_sink_to(int fd)
{
    return (struct log_sink){ .fd = fd };
}

int log_sink_to_syslog(int fd, struct span path, struct log_sink *sink_r)
{
    *sink_r = (struct log_sink){ .fd = fd, .syslog = true };
    sink_r->daemon.sun_family = AF_UNIX;
    if (path.len == 0 || path.len >= sizeof(sink_r->daemon.sun_path))
        return ERR_LIMIT;
    memcpy(sink_r->daemon.sun_path, path.at, path.len);
    return 0;
}

/* As syslog(3) writes it, in local time: with years and zones daemons guess wrong. */
size_t log_sink_head(const struct log_sink *sink, int severity,
                     char head_r[static LOG_SINK_HEAD_LEN])
{
    time_t now = time(NULL);
    struct tm tm;
    char when[32];
    int n;

    if (!sink->syslog)
        return 0;
    localtime_r(&now, &tm);
    strftime(when, sizeof(when), "%h %e %T", &tm);
    n = snprintf(head_r, LOG_SINK_HEAD_LEN,
                 "<%d>%s mte-api-relay[%d]: ", FACILITY_DAEMON | severity, when, (int)getpid());
    return n > 0 ? (size_t)n : 0;
}

/* Whose end is the line's. */
static bool send_datagram(const struct log_sink *sink, struct span line)
{
    return sendto(sink->fd, line.at, line.len - 1, MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&sink->daemon, sizeof(sink->daemon)) >= 0;
}

/* After half a line the next one begins with a line end, so that only one is lost. */
static bool write_line(struct log_sink *sink, struct span line)
{
    const struct iovec parts[] = {
        { (char[]){ '\n' }, sink->torn },
        { (void *)(uintptr_t)line.at, line.len },
    };
    size_t len = parts[0].iov_len + line.len;
    ssize_t n;

    do
        n = writev(sink->fd, parts, 2);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        sink->torn = (size_t)n < len;
    return n == (ssize_t)len;
}

void log_sink_write(struct log_sink *sink, struct span line)
{
    if (!(sink->syslog ? send_datagram(sink, line) : write_line(sink, line)))
        sink->n_dropped++;
}
