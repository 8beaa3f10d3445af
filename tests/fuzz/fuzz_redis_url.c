/* SPDX-License-Identifier: MIT */
/* REDIS_URL: its parts are parts of the text, and what may be shown of it holds no password. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "common/redis_url.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_within(struct span part, struct span all)
{
    must(part.len == 0 || (part.at >= all.at && part.at + part.len <= all.at + all.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    struct redis_url url;
    struct buffer b;
    const char *why = NULL;

    if (redis_url_parse(text, &url, &why) < 0) {
        must(why != NULL);
        return 0;
    }
    must(why == NULL && (url.path.len > 0) != (url.host.len > 0));
    must((url.port != 0) == (url.host.len > 0) && url.auth == (url.password.len > 0));
    must_be_within(url.path, text);
    must_be_within(url.host, text);
    must_be_within(url.user, text);
    must_be_within(url.password, text);
    buffer_init(&b, 0);
    redis_url_put_decoded(&b, url.password);
    must(buffer_len(&b) <= url.password.len);
    redis_url_put_decoded(&b, url.user);
    buffer_clear(&b);
    redis_url_put_place(&b, &url);
    must(buffer_len(&b) >= url.host.len + url.path.len);
    must(url.path.len > 0 || span_find(buffer_span(&b), '@') == buffer_len(&b));
    buffer_fini(&b);
    return 0;
}
