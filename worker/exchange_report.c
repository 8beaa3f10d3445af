/* SPDX-License-Identifier: MIT */
/* Where ended exchanges are counted. Owns nothing. */
#include "worker/exchange_report.h"

#include "common/log.h"
#include "common/metric.h"
#include "worker/exchange.h"

void exchange_report_take(const struct exchange_report *report, struct exchange *x,
                          struct services *services)
{
    metric_add(services->metrics, METRIC_request_bytes, (int64_t)report->bytes_in);
    metric_add(services->metrics, METRIC_answer_bytes, (int64_t)report->bytes_out);
    if (report->why != NULL)
        log_debug("an exchange failed kind=%s id=%.*s status=%u why=%s", report->kind,
                  SPAN_PRINT(exchange_id(x)), report->status, report->why);
}
