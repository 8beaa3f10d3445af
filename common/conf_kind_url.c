/* SPDX-License-Identifier: MIT */
/* The kinds that are URLs: of HTTP, and of Redis, whose text may hold a password. */
#include "common/conf_kind.h"

#include <errno.h>

#include "common/text.h"

static int parse_url(const struct conf_parse *p, void *field)
{
    conf_url *to = field;
    const char *why;

    if (url_parse(p->text, &to->url, &why) < 0)
        return conf_kind_refuse(p, "is not a URL for this: %s", why);
    to->set = true;
    return 0;
}

static bool is_percent_encoded(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '%')
            continue;
        if (i + 2 >= text.len || text_hex_digit(text.at[i + 1]) < 0 ||
            text_hex_digit(text.at[i + 2]) < 0)
            return false;
    }
    return true;
}

/* host[:port] is written as in any other URL, so the reader of those judges it. */
static int check_host(const struct conf_parse *p, struct span host)
{
    struct buffer b;
    struct url url;
    const char *why;
    int r;

    buffer_init_secret(&b, 0);
    buffer_put_text(&b, "http://");
    buffer_put(&b, host);
    r = buffer_error(&b);
    if (r == 0 && url_parse(buffer_span(&b), &url, &why) < 0)
        r = conf_kind_refuse(p, "is not redis://[user:password@]host[:port][/number]: %s", why);
    buffer_fini(&b);
    return r;
}

static int parse_redis_host(const struct conf_parse *p, struct span rest)
{
    struct span authority = span_part(rest, 0, span_find(rest, '/'));
    struct span db = span_from(rest, authority.len + 1), user = SPAN_NONE;
    uint64_t number;

    if (db.len > 0 && text_u64(db, UINT32_MAX, &number) < 0)
        return conf_kind_refuse(p, "is not redis://[user:password@]host[:port][/number]: "
                                   "what follows the host is not / and a number");
    if (span_find(authority, '@') < authority.len)
        user = span_cut(&authority, '@');
    if (span_find(authority, '@') < authority.len)
        return conf_kind_refuse(p,
                                "has more than one @ in it: write those of the password as %%40");
    if (!is_percent_encoded(user))
        return conf_kind_refuse(p, "has a %% in user or password that does not begin an escape "
                                   "such as %%40");
    return check_host(p, authority);
}

static int parse_redis(const struct conf_parse *p, void *field)
{
    struct span scheme = span_part(p->text, 0, span_find(p->text, ':'));
    struct span rest = span_from(p->text, scheme.len + 1);
    bool slashes = span_starts(rest, SPAN("//"));

    *(conf_redis *)field = p->text;
    if (slashes)
        rest = span_from(rest, 2);
    if (slashes &&
        (span_equal_nocase(scheme, SPAN("redis")) || span_equal_nocase(scheme, SPAN("rediss"))))
        return parse_redis_host(p, rest);
    if (span_equal_nocase(scheme, SPAN("unix")) && span_starts(rest, SPAN("/")))
        return 0;
    return conf_kind_refuse(p, "is not redis://..., rediss://... or unix:/path/of/the/socket");
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
