/* SPDX-License-Identifier: MIT */
/*
 * ACCESS_LOG: a line for each exchange, written once, at its end. It has no path, so no query; no
 * header field but the request's id; nothing of a body.
 */
#ifndef WORKER_ACCESS_LOG_H
#define WORKER_ACCESS_LOG_H

#include "common/conf.h"

struct exchange;
struct exchange_report;
struct metric_block;

/* Embedded; all-zero is off. */
struct access_log {
    bool on;
    enum log_format format;
    struct log_sink sink;
};

/* As the settings say; fd is what the master opened, and stays the caller's. ERR_LIMIT. */
MUST_CHECK int access_log_open(struct access_log *log, const struct conf *conf, int fd);
/* A line that is lost is counted in metrics. */
void access_log_write(struct access_log *log, const struct exchange_report *report,
                      struct exchange *x, struct metric_block *metrics);

#endif
