/* SPDX-License-Identifier: MIT */
/* What is to be said about a configuration that is sound. */
#ifndef COMMON_CONF_CHECK_H
#define COMMON_CONF_CHECK_H

#include "common/conf_report.h"

void conf_check(const struct conf *conf, struct conf_report *report);

#endif
