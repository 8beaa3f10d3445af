/* SPDX-License-Identifier: MIT */
/* The kind that is a URL of HTTP. */
#include "common/conf_kind.h"

static int parse_url(const struct conf_parse *p, void *field)
{
    conf_url *to = field;
    const char *why;

    if (url_parse(p->text, &to->url, &why) < 0)
        return conf_kind_refuse(p, "is not a URL for this: %s", why);
    to->set = true;
    return 0;
}

const struct conf_kind conf_kind_url = { .parse = parse_url,
                                         .show = conf_kind_show_text,
                                         .form = "URL" };
