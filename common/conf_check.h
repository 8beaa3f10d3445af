/* SPDX-License-Identifier: MIT */
/* What is to be said about a configuration that is sound. */
#ifndef COMMON_CONF_CHECK_H
#define COMMON_CONF_CHECK_H

#include "common/conf_report.h"

void conf_check(const struct conf *conf, struct conf_report *report);

enum secret_strength { SECRET_NONE, SECRET_SHORT, SECRET_GOOD };
/* Of the weakest SECRET that is accepted; none only where no SECRET is set. */
enum secret_strength conf_secret_strength(const struct conf *conf);

#endif
