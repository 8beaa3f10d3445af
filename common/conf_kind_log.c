/* SPDX-License-Identifier: MIT */
/* The kinds that say how, and where, lines are logged. */
#include "common/conf_kind.h"

static int parse_log_format(const struct conf_parse *p, void *field)
{
    if (log_format_parse(p->text, field) < 0)
        return conf_kind_refuse(p, "is not a format: json or text");
    return 0;
}

const struct conf_kind conf_kind_log_format = {
    .parse = parse_log_format,
    .show = conf_kind_show_text,
    .form = "json or text",
};
