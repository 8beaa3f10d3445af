/* SPDX-License-Identifier: MIT */
/*
 * A whole configuration: into a boot record, out of it, and before an operator's eyes. Values
 * travel as text, so that a worker reads them with the parsers that checked them. Owns nothing.
 */
#include "common/conf.h"

#include <errno.h>

#include "common/conf_kind.h"
#include "common/secret.h"

int conf_to_boot(const struct conf *conf, struct boot_writer *boot)
{
    for (size_t i = 0; i < CONF_N_SETTINGS; i++) {
        if (conf->store->texts[i].len > 0)
            boot_put(boot, span_text(conf_settings[i].name), conf->store->texts[i]);
    }
    return buffer_error(&boot->bytes);
}

static int read_value(const struct boot *boot, const struct conf_setting *setting,
                      struct conf *conf)
{
    struct conf_parse p = { .setting = setting, .store = conf->store };
    struct buffer why;
    int r;

    r = boot_find(boot, span_text(setting->name), &p.text);
    if (r == ERR_UNKNOWN)
        return setting->flags & REQUIRED ? ERR_FORMAT : 0;
    r = conf_store_copy(conf->store, p.text, &p.text);
    if (r < 0 || p.text.len == 0)
        return r < 0 ? r : ERR_FORMAT;
    buffer_init(&why, 0);
    p.why = &why;
    r = conf_kind_parse(&p, conf);
    buffer_fini(&why);
    return r;
}

int conf_from_boot(const struct boot *boot, struct conf **conf_r)
{
    struct conf *conf = conf_store_new();
    int r = conf != NULL ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < CONF_N_SETTINGS; i++)
        r = read_value(boot, &conf_settings[i], conf);
    if (r < 0)
        conf_free(&conf);
    else
        *conf_r = conf;
    return r;
}

void conf_forget_keys(struct conf *conf)
{
    const struct span values[] = {
        conf->secret,
        conf->secret_also,
        conf->client_id_secret,
        conf->client_id_secret_also,
        conf->tls_key_file.content,
        conf->peer_key_file.content,
    };

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        secret_wipe((void *)(uintptr_t)values[i].at, values[i].len); /* the store's, not const */
}

void conf_describe(const struct conf *conf, void (*line)(void *arg, const char *text), void *arg)
{
    struct buffer b;

    buffer_init(&b, 0);
    for (size_t i = 0; i < CONF_N_SETTINGS; i++) {
        const struct conf_setting *s = &conf_settings[i];
        struct span text = conf->store->texts[i];

        buffer_clear(&b);
        buffer_printf(&b, "%s = ", s->name);
        if (text.len > 0)
            s->kind->show(&b, text, (const uint8_t *)conf + s->offset);
        else
            buffer_put_text(&b, "not set");
        buffer_put(&b, SPAN("\0"));
        line(arg, buffer_error(&b) == 0 ? (const char *)buffer_span(&b).at : s->name);
    }
    buffer_fini(&b);
}
