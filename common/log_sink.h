/* SPDX-License-Identifier: MIT */
/*
 * Where lines go: a descriptor that gets one write(2) each, or a syslog daemon that gets one
 * datagram each. It never blocks its caller: a line that finds no room is lost, and counted.
 */
#ifndef COMMON_LOG_SINK_H
#define COMMON_LOG_SINK_H

#include <sys/un.h>

#include "common/error.h"
#include "common/span.h"

/* What may be asked for as the place of a log. */
enum log_place {
    LOG_PLACE_NONE,
    LOG_PLACE_STDERR,
    LOG_PLACE_STDOUT,
    LOG_PLACE_SYSLOG,
    LOG_PLACE_FILE,
};

/* Embedded. */
struct log_sink {
    int fd; /* the caller's, non-blocking where it may be a pipe; -1: all lines are lost */
    bool syslog;
    bool torn; /* the last line was written in part: a disk is full */
    struct sockaddr_un daemon;
    uint64_t n_dropped;
};

struct log_sink log_sink_to(int fd);
/* fd: an AF_UNIX datagram socket, not connected, so that the daemon may be started anew. ERR_LIMIT:
 * the path of its socket is too long. */
MUST_CHECK int log_sink_to_syslog(int fd, struct span path, struct log_sink *sink_r);

enum { LOG_SINK_HEAD_LEN = 64 };
/* What syslog wants before a line (RFC 3164, for the facility daemon), as printf text; nothing
 * elsewhere. severity: of syslog(3). */
size_t log_sink_head(const struct log_sink *sink, int severity,
                     char head_r[static LOG_SINK_HEAD_LEN]);

/* A line with its line end. */
void log_sink_write(struct log_sink *sink, struct span line);

#endif
