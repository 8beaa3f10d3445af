/* SPDX-License-Identifier: MIT */
/* Where ended exchanges are counted. Owns nothing. */
#include "worker/exchange_report.h"

#include "common/log.h"
#include "worker/exchange.h"

static const enum metric histograms[N_STOPWATCH_TIMES] = {
    [TIME_REQUEST] = METRIC_request_seconds, /* by direction */
    [TIME_OUTBOUND_PROXY] = METRIC_outbound_proxy_seconds,
    [TIME_UPSTREAM_PROXY] = METRIC_upstream_proxy_seconds,
    [TIME_REQUEST_ENCODE] = METRIC_request_encode_seconds,
    [TIME_REQUEST_DECODE] = METRIC_request_decode_seconds,
    [TIME_RESPONSE_ENCODE] = METRIC_response_encode_seconds,
    [TIME_RESPONSE_DECODE] = METRIC_response_decode_seconds,
};

static enum status_class class_of(const struct exchange_report *report)
{
    if (!report->complete)
        return STATUS_ABORTED;
    return (enum status_class)(STATUS_2XX + report->status / 100 - 2); /* the door takes no other */
}

static void count(const struct exchange_report *report, struct metric_block *metrics)
{
    enum direction direction = report->direction;

    metric_add(metrics, metric_of(METRIC_requests, direction, class_of(report)), 1);
    metric_add(metrics, metric_of(METRIC_request_bytes, direction, 0), (int64_t)report->bytes_in);
    metric_add(metrics, metric_of(METRIC_response_bytes, direction, 0), (int64_t)report->bytes_out);
    metric_observe(metrics, metric_of(METRIC_request_seconds, direction, 0),
                   report->watch.ns[TIME_REQUEST]);
    for (unsigned i = TIME_REQUEST + 1; i < N_STOPWATCH_TIMES; i++) {
        if (report->watch.ns[i] != 0)
            metric_observe(metrics, histograms[i], report->watch.ns[i]);
    }
}

void exchange_report_take(const struct exchange_report *report, struct exchange *x,
                          struct services *services)
{
    count(report, services->metrics);
    if (services->access_log.on)
        access_log_write(&services->access_log, report, x, services->metrics);
    if (report->why != NULL)
        log_debug("an exchange failed kind=%s id=%.*s status=%u why=%s", report->kind,
                  SPAN_PRINT(exchange_id(x)), report->status, report->why);
}
