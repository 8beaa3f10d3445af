/* SPDX-License-Identifier: MIT */
/* The kinds that are URLs: of HTTP, and of Redis, whose text may hold a password. */
#include "common/conf_kind.h"

#include "common/redis_url.h"

static int parse_url(const struct conf_parse *p, void *field)
{
    conf_url *to = field;
    const char *why;

    if (url_parse(p->text, &to->url, &why) < 0)
        return conf_kind_refuse(p, "is not a URL for this: %s", why);
    to->set = true;
    return 0;
}

static int parse_redis(const struct conf_parse *p, void *field)
{
    struct redis_url url;
    const char *why;

    *(conf_redis *)field = p->text;
    if (redis_url_parse(p->text, &url, &why) < 0)
        return conf_kind_refuse(p, "is not a URL of Redis: %s", why);
    return 0;
}

const struct conf_kind conf_kind_url = { .parse = parse_url,
                                         .show = conf_kind_show_text,
                                         .form = "URL" };
const struct conf_kind conf_kind_redis = {
    .parse = parse_redis,
    .show = conf_kind_show_secret,
    .hidden = true,
    .form = "URL of Redis",
};
