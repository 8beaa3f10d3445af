/* SPDX-License-Identifier: MIT */
/* Reading and removing the headers that are between an application and its relay. Pure. */
#include "worker/outbound_options.h"

static int read_codec(const struct headers *fields, enum codec *codec_r)
{
    const struct header *type = headers_find(fields, SPAN("x-mte-encode-type"));

    *codec_r = CODEC_MKE;
    if (type == NULL || span_equal_nocase(type->value, SPAN("MKE")))
        return 0;
    if (!span_equal_nocase(type->value, SPAN("MTE")))
        return ERR_FORMAT;
    *codec_r = CODEC_MTE;
    return 0;
}

int outbound_options_read(const struct headers *fields, const struct conf *conf,
                          struct outbound_options *options_r, enum refusal *refusal_r,
                          const char **cause_r)
{
    const struct header *base = headers_find(fields, SPAN("x-mte-upstream"));

    *refusal_r = REFUSAL_BAD_REQUEST;
    if (read_codec(fields, &options_r->codec) < 0) {
        *cause_r = "x-mte-encode-type is neither MKE nor MTE";
        return ERR_FORMAT;
    }
    if (base != NULL)
        return url_parse(base->value, &options_r->base, cause_r);
    if (!conf->outbound_upstream.set) {
        *refusal_r = REFUSAL_MISSING_UPSTREAM;
        *cause_r = "neither x-mte-upstream nor OUTBOUND_UPSTREAM";
        return ERR_FORMAT;
    }
    options_r->base = conf->outbound_upstream.url;
    return 0;
}

void outbound_options_strip(struct headers *fields)
{
    size_t kept = 0;

    headers_strip_hop_by_hop(fields);
    for (size_t i = 0; i < fields->n; i++) {
        if (!span_starts(fields->items[i].name, SPAN("x-mte-")))
            fields->items[kept++] = fields->items[i];
    }
    fields->n = kept;
}
