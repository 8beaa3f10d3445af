/* SPDX-License-Identifier: MIT */
/* The kinds that say how, and where, lines are logged. */
#include "common/conf_kind.h"

static int parse_log_format(const struct conf_parse *p, void *field)
{
    if (log_format_parse(p->text, field) < 0)
        return conf_kind_refuse(p, "is not a format: json or text");
    return 0;
}

/* min 1: it cannot be off. */
static int parse_outlet(const struct conf_parse *p, void *field)
{
    static const struct {
        struct span word;
        enum log_place place;
    } places[] = {
        { { (const uint8_t *)"off", 3 }, LOG_PLACE_NONE },
        { { (const uint8_t *)"stderr", 6 }, LOG_PLACE_STDERR },
        { { (const uint8_t *)"stdout", 6 }, LOG_PLACE_STDOUT },
        { { (const uint8_t *)"syslog", 6 }, LOG_PLACE_SYSLOG },
    };
    conf_outlet *outlet = field;

    *outlet = (struct conf_outlet){ .place = LOG_PLACE_FILE, .path = p->text };
    if (span_starts(p->text, SPAN("/")))
        return 0;
    for (size_t i = p->setting->min; i < sizeof(places) / sizeof(*places); i++) {
        if (span_equal_nocase(p->text, places[i].word)) {
            *outlet = (struct conf_outlet){ .place = places[i].place };
            return 0;
        }
    }
    return conf_kind_refuse(p,
                            "is not a place for lines: stderr, stdout, syslog, %sor a path that "
                            "begins with /",
                            p->setting->min == 0 ? "off, " : "");
}

const struct conf_kind conf_kind_log_format = {
    .parse = parse_log_format,
    .show = conf_kind_show_text,
    .form = "json or text",
};

const struct conf_kind conf_kind_outlet = {
    .parse = parse_outlet,
    .show = conf_kind_show_text,
    .form = "place for lines",
};
