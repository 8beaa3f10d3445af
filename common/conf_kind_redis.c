/* SPDX-License-Identifier: MIT */
/* The kinds that are about Redis: its URL, whose text may hold a password, and what is done
 * without it. */
#include "common/conf_kind.h"
#include "common/redis_url.h"

static int parse_redis(const struct conf_parse *p, void *field)
{
    struct redis_url url;
    const char *why;

    *(conf_redis *)field = p->text;
    if (redis_url_parse(p->text, &url, &why) < 0)
        return conf_kind_refuse(p, "is not a URL of Redis: %s", why);
    return 0;
}

static int parse_failure(const struct conf_parse *p, void *field)
{
    bool strict = span_equal_nocase(p->text, SPAN("strict"));

    if (!strict && !span_equal_nocase(p->text, SPAN("local")))
        return conf_kind_refuse(p, "is neither local nor strict");
    *(conf_failure *)field = strict ? CONF_FAILURE_STRICT : CONF_FAILURE_LOCAL;
    return 0;
}

const struct conf_kind conf_kind_redis = {
    .parse = parse_redis,
    .show = conf_kind_show_secret,
    .hidden = true,
    .form = "URL of Redis",
};
const struct conf_kind conf_kind_failure = {
    .parse = parse_failure,
    .show = conf_kind_show_text,
    .form = "local or strict",
};
