/* SPDX-License-Identifier: MIT */
/* Lines for the operator about a configuration: "PLACE: what is wrong and what would be right". */
#ifndef COMMON_CONF_REPORT_H
#define COMMON_CONF_REPORT_H

#include "common/conf.h"

struct conf_report {
    conf_problem_cb problem, warning;
    void *arg;
    size_t n_problems;
    bool out_of_memory; /* a line, or what it would have been about, is missing */
};

void conf_report_problem(struct conf_report *report, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void conf_report_warning(struct conf_report *report, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A value as a line may show it: in quotes, printable, cut, and not where it may have a password.
 */
void conf_report_quote(struct buffer *b, struct span value);

#endif
