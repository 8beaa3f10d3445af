/* SPDX-License-Identifier: MIT */
/* What CORS_ORIGINS and CORS_METHODS say to browsers. Pure; who is asked when is classify's. */
#include "worker/cors.h"

static struct span value_of(const struct headers *headers, struct span name)
{
    const struct header *header = headers_find(headers, name);

    return header != NULL ? header->value : SPAN_NONE;
}

static size_t count(const struct headers *headers, struct span name)
{
    size_t n = 0;

    for (size_t i = 0; i < headers->n; i++)
        n += span_equal(headers->items[i].name, name);
    return n;
}

enum cors cors_judge(const struct conf *conf, const struct headers *request)
{
    const struct conf_list *origins = &conf->cors_origins;
    const struct header *origin = headers_find(request, SPAN("origin"));

    if (origins->n == 0 || origin == NULL)
        return CORS_NONE;
    if (count(request, SPAN("origin")) != 1)
        return CORS_UNLISTED;
    for (size_t i = 0; i < origins->n; i++) {
        if (span_equal_nocase(origins->items[i], origin->value))
            return CORS_LISTED;
    }
    return CORS_UNLISTED;
}

bool cors_is_preflight(struct span method, const struct headers *request)
{
    return span_equal(method, SPAN("OPTIONS")) && headers_find(request, SPAN("origin")) != NULL &&
           headers_find(request, SPAN("access-control-request-method")) != NULL;
}

static int add_preflight(const struct conf *conf, const struct headers *request,
                         struct buffer *text, struct headers *answer)
{
    const struct conf_list *methods = &conf->cors_methods;
    struct span asked = value_of(request, SPAN("access-control-request-headers"));
    int r;

    for (size_t i = 0; i < methods->n; i++) {
        buffer_put_text(text, i > 0 ? ", " : "");
        buffer_put(text, methods->items[i]);
    }
    if ((r = buffer_error(text)) < 0 ||
        (r = headers_add(answer, SPAN("access-control-allow-methods"), buffer_span(text))) < 0 ||
        (r = headers_add(answer, SPAN("access-control-max-age"), SPAN("600"))) < 0)
        return r;
    if (asked.len == 0)
        return 0;
    return headers_add(answer, SPAN("access-control-allow-headers"), asked);
}

static void remove_own(struct headers *answer)
{
    size_t kept = 0;

    for (size_t i = 0; i < answer->n; i++) {
        if (!span_starts(answer->items[i].name, SPAN("access-control-")))
            answer->items[kept++] = answer->items[i];
    }
    answer->n = kept;
}

int cors_answer(const struct conf *conf, struct span method, const struct headers *request,
                struct buffer *text, struct headers *answer)
{
    enum cors cors = cors_judge(conf, request);
    int r;

    if (cors == CORS_NONE)
        return 0;
    remove_own(answer);
    r = headers_add(answer, SPAN("vary"), SPAN("origin"));
    if (r < 0 || cors == CORS_UNLISTED)
        return r;
    if ((r = headers_add(answer, SPAN("access-control-allow-origin"),
                         value_of(request, SPAN("origin")))) < 0 ||
        (r = headers_add(answer, SPAN("access-control-allow-credentials"), SPAN("true"))) < 0)
        return r;
    if (cors_is_preflight(method, request))
        return add_preflight(conf, request, text, answer);
    return headers_add(answer, SPAN("access-control-expose-headers"),
                       SPAN("x-mte-relay-error, x-request-id"));
}
