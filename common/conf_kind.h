/* SPDX-License-Identifier: MIT */
/* The kinds of settings: how each is read from text and shown. */
#ifndef COMMON_CONF_KIND_H
#define COMMON_CONF_KIND_H

#include "common/conf_setting.h"
#include "common/conf_store.h"

/* A text that is to become the value of a setting. */
struct conf_parse {
    const struct conf_setting *setting;
    struct span text; /* not empty, and as long-lived as the store */
    struct conf_store *store;
    struct buffer *why; /* gets what is wrong and would be right: '"x" is not a ...' */
};

struct conf_kind {
    /* Into the setting's field. 0, ERR_FORMAT with a phrase in why, or -ENOMEM. */
    int (*parse)(const struct conf_parse *p, void *field);
    /* Writes a set value as anybody may see it. */
    void (*show)(struct buffer *b, struct span text, const void *field);
    /* Writes a bound in the kind's unit; NULL where min and max are not of numbers. */
    void (*put_bound)(struct buffer *b, uint64_t v);
    bool hidden;      /* no mistake shows the text */
    bool multiline;   /* it may have line ends in it */
    bool is_file;     /* written as a path; the text is that path, a NUL and what is in the file */
    const char *form; /* how it is written, for the documentation */
};

extern const struct conf_kind conf_kind_text, conf_kind_address, conf_kind_secret, conf_kind_token,
    conf_kind_url, conf_kind_redis, conf_kind_failure, conf_kind_count, conf_kind_size,
    conf_kind_duration, conf_kind_level, conf_kind_list, conf_kind_routes, conf_kind_origins,
    conf_kind_fields, conf_kind_file, conf_kind_peers, conf_kind_networks, conf_kind_log_format,
    conf_kind_outlet;
extern const struct conf_kind conf_kind_endpoint;

/* Reads p->text into the field of conf, and keeps it as the setting's text. Returns as parse does.
 */
MUST_CHECK int conf_kind_parse(const struct conf_parse *p, struct conf *conf);

/* A phrase in p->why, after the value itself where it may be shown. Returns ERR_FORMAT. */
int conf_kind_refuse(const struct conf_parse *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct conf_items {
    void *at;
    size_t n;
};
/* Reads one item of a comma list into its place; as parse() returns. */
typedef int (*conf_item_fn)(const struct conf_parse *p, struct span text, void *item);
/* All items, each of item_len bytes, in memory of the store. Returns as parse() does. */
MUST_CHECK int conf_kind_parse_items(const struct conf_parse *p, size_t item_len,
                                     conf_item_fn parse, struct conf_items *items_r);
/* Of one item: 'is not ' and what would be right. Returns ERR_FORMAT. */
int conf_kind_refuse_item(const struct conf_parse *p, struct span item, const char *why);

/* Two ways to show a value: as it was written, and only that there is one. */
void conf_kind_show_text(struct buffer *b, struct span text, const void *field);
void conf_kind_show_secret(struct buffer *b, struct span text, const void *field);

/* tchar+ of RFC 9110, section 5.6.2: a method, a field name. */
bool conf_kind_is_token(struct span text);

/* Writes the bounds of a setting that is a number: " from 1 KiB to 1 GiB". */
void conf_kind_put_range(struct buffer *b, const struct conf_setting *setting);

#endif
