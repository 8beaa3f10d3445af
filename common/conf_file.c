/* SPDX-License-Identifier: MIT */
/*
 * The one door to libconfig. Takes of its language what a flat list of settings needs: strings,
 * whole decimal numbers, true and false, lists of strings; no groups and no @include, so that one
 * file is all there is to read. What libconfig would misread in silence is refused before it.
 * Wipes the text and the strings; libconfig's scanner keeps its copy out of reach.
 */
#include "common/conf_file.h"

#include <errno.h>
#include <libconfig.h>

#include "common/fd.h"
#include "common/secret.h"

enum { FILE_LIMIT = 1 << 20 };

/* libconfig ends a text, and a string of it, at a NUL, and reads @include before we could look. */
static bool has_foreign_parts(struct span text, const struct conf_file_reader *reader)
{
    unsigned line_number = 0;
    bool found = false;

    while (text.len > 0) {
        struct span line = span_cut(&text, '\n');
        size_t backslashes = 0;

        line_number++;
        if (span_starts(span_trim(line), SPAN("@include"))) {
            reader->mistake(reader->arg, line_number, NULL, "@include is not for this file");
            found = true;
        }
        for (size_t i = 0; i < line.len; i++) {
            bool escape = backslashes % 2 == 1 && span_starts(span_from(line, i), SPAN("x00"));

            backslashes = line.at[i] == '\\' ? backslashes + 1 : 0;
            if (line.at[i] != '\0' && !escape)
                continue;
            reader->mistake(reader->arg, line_number, NULL,
                            "there is a NUL, which no value can have");
            found = true;
        }
    }
    return found;
}

static const char *add_items(const config_setting_t *setting, struct buffer *text)
{
    for (int i = 0; i < config_setting_length(setting); i++) {
        struct span item = span_text(config_setting_get_string_elem(setting, i));

        if (item.at == NULL)
            return "is a list of other things than strings: write [\"a\", \"b\"]";
        if (span_find(item, ',') < item.len)
            return "has a comma in an item of its list: write each item as a string of its own";
        if (i > 0)
            buffer_put_text(text, ",");
        buffer_put(text, item);
    }
    return NULL;
}

/* NULL, or what is wrong. */
static const char *add_value(const config_setting_t *setting, struct buffer *text)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        buffer_put_text(text, config_setting_get_string(setting));
        return NULL;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        if (config_setting_get_format(setting) == CONFIG_FORMAT_HEX) /* libconfig cuts large ones */
            return "is a hexadecimal number: write it in decimal";
        buffer_printf(text, "%lld", config_setting_get_int64(setting));
        return NULL;
    case CONFIG_TYPE_BOOL:
        buffer_put_text(text, config_setting_get_bool(setting) ? "true" : "false");
        return NULL;
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST:
        return add_items(setting, text);
    default:
        return "is a group or a fraction: a value is a string, a whole number, true, false or a list";
    }
}

static int give_settings(const config_setting_t *root, const struct conf_file_reader *reader)
{
    struct buffer text;
    int r = 0;

    buffer_init_secret(&text, 0);
    for (int i = 0; r == 0 && i < config_setting_length(root); i++) {
        const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
        const char *key = config_setting_name(setting), *wrong;
        unsigned line = config_setting_source_line(setting);

        buffer_clear(&text);
        wrong = add_value(setting, &text);
        r = buffer_error(&text);
        if (wrong != NULL)
            reader->mistake(reader->arg, line, key, wrong);
        else if (r == 0)
            reader->value(reader->arg, line, key, buffer_span(&text),
                          config_setting_is_aggregate(setting));
    }
    buffer_fini(&text);
    return r;
}

static void wipe_strings(config_setting_t *setting)
{
    if (config_setting_type(setting) == CONFIG_TYPE_STRING && setting->value.sval != NULL)
        secret_wipe(setting->value.sval, strlen(setting->value.sval));
    if (!config_setting_is_aggregate(setting))
        return;
    for (int i = 0; i < config_setting_length(setting); i++)
        wipe_strings(config_setting_get_elem(setting, (unsigned)i));
}

/* text ends in a NUL that does not count. */
static int parse(struct span text, const struct conf_file_reader *reader)
{
    config_t config;
    int r = 0;

    config_init(&config);
    if (config_read_string(&config, (const char *)text.at) == CONFIG_TRUE)
        r = give_settings(config_root_setting(&config), reader);
    else
        reader->mistake(reader->arg, (unsigned)config_error_line(&config), NULL,
                        config_error_text(&config));
    wipe_strings(config_root_setting(&config));
    config_destroy(&config);
    return r;
}

int conf_file_read(const char *path, const struct conf_file_reader *reader)
{
    struct buffer text;
    struct span content;
    int r;

    buffer_init_secret(&text, 0);
    r = fd_read_file(path, FILE_LIMIT, &text);
    if (r == ERR_LIMIT) {
        reader->mistake(reader->arg, 0, NULL, "is larger than 1 MiB");
        r = 0;
        goto out;
    }
    if (r < 0)
        goto out;
    buffer_put(&text, SPAN("\0"));
    r = buffer_error(&text);
    if (r < 0)
        goto out;
    content = span_part(buffer_span(&text), 0, buffer_len(&text) - 1);
    if (!has_foreign_parts(content, reader))
        r = parse(content, reader);
out:
    buffer_fini(&text);
    return r;
}
