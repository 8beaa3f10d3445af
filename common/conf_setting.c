/* SPDX-License-Identifier: MIT */
/* The settings by row and by name. Owns constants only. */
#include "common/conf_setting.h"

#include <stddef.h>
#include <stdio.h>

#include "common/conf_kind.h"
#include "common/text.h"

const struct conf_setting conf_settings[CONF_N_SETTINGS] = {
#define SETTING_ROW(field_, name_, kind_, fallback_, flags_, min_, max_, about_)                   \
    {                                                                                              \
        .name = name_,                                                                             \
        .fallback = fallback_,                                                                     \
        .about = about_,                                                                           \
        .kind = &conf_kind_##kind_,                                                                \
        .flags = flags_,                                                                           \
        .min = min_,                                                                               \
        .max = max_,                                                                               \
        .offset = offsetof(struct conf, field_),                                                   \
    },
#include "common/settings_table.h"
#undef SETTING_ROW
};

/* Every name there is, one after the other: false after the last. Begins with { NULL }. */
static bool next_name(struct conf_name *name)
{
    if (name->setting == NULL)
        *name = (struct conf_name){ conf_settings, false };
    else if (!name->is_path && (name->setting->flags & SECRET))
        name->is_path = true;
    else
        *name = (struct conf_name){ name->setting + 1, false };
    return name->setting < conf_settings + CONF_N_SETTINGS;
}

static struct span write_name(struct conf_name name, char text_r[static CONF_KEY_LEN])
{
    snprintf(text_r, CONF_KEY_LEN, "%s%s", name.setting->name, name.is_path ? "_FILE" : "");
    return span_text(text_r);
}

static struct span write_key(struct conf_name name, char text_r[static CONF_KEY_LEN])
{
    write_name(name, text_r);
    for (char *c = text_r; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    return span_text(text_r);
}

static bool find(struct span wanted, struct conf_name *name_r,
                 struct span (*write)(struct conf_name name, char *text_r))
{
    struct conf_name name = { NULL, false };
    char text[CONF_KEY_LEN];

    while (next_name(&name)) {
        if (span_equal(wanted, write(name, text))) {
            *name_r = name;
            return true;
        }
    }
    return false;
}

bool conf_setting_find(struct span name, struct conf_name *name_r)
{
    return find(name, name_r, write_name);
}

bool conf_setting_find_key(struct span key, struct conf_name *name_r)
{
    return find(key, name_r, write_key);
}

void conf_setting_key(struct conf_name name, char key_r[static CONF_KEY_LEN])
{
    write_key(name, key_r);
}

/* PORT is as near to port as can be; so the case of what was written is not counted. */
struct conf_name conf_setting_nearest(struct span key)
{
    struct conf_name name = { NULL, false }, nearest = { conf_settings, false };
    char lower[CONF_KEY_LEN], text[CONF_KEY_LEN];
    size_t least = SIZE_MAX, distance;

    key = span_part(key, 0, sizeof(lower));
    for (size_t i = 0; i < key.len; i++)
        lower[i] = (char)(key.at[i] >= 'A' && key.at[i] <= 'Z' ? key.at[i] | 0x20 : key.at[i]);
    while (next_name(&name)) {
        distance = text_distance(span_of(lower, key.len), write_key(name, text));
        if (distance < least) {
            least = distance;
            nearest = name;
        }
    }
    return nearest;
}

bool conf_is_setting(struct span environment_name)
{
    struct conf_name name;

    return conf_setting_find(environment_name, &name);
}
