/* SPDX-License-Identifier: MIT */
/* The rows of settings_table.h as data, for all that goes over every setting. */
#ifndef COMMON_CONF_SETTING_H
#define COMMON_CONF_SETTING_H

#include "common/conf.h"

enum conf_flag {
    REQUIRED = 1,
    SECRET = 2,
    LISTED = 4,
    SPARE = 8,
};

/* The place of each setting in the table. */
enum conf_row {
#define SETTING_ROW(field, name, kind, fallback, flags, min, max, about) CONF_ROW_##field,
#include "common/settings_table.h"
#undef SETTING_ROW
    CONF_N_SETTINGS
};

struct conf_setting {
    const char *name, *fallback, *about;
    const struct conf_kind *kind;
    unsigned flags; /* of enum conf_flag */
    uint64_t min, max;
    size_t offset; /* of its field in struct conf */
};

extern const struct conf_setting conf_settings[CONF_N_SETTINGS];

/* A name of a setting: X, or X_FILE for one whose flags have SECRET. */
struct conf_name {
    const struct conf_setting *setting;
    bool is_path;
};

/* Of the environment. False where there is no such name. */
bool conf_setting_find(struct span name, struct conf_name *name_r);
/* Of the file, where names are in lower case. */
bool conf_setting_find_key(struct span key, struct conf_name *name_r);
/* The one whose key is the fewest edits away. */
struct conf_name conf_setting_nearest(struct span key);

enum { CONF_KEY_LEN = 64 };

/* A name as the file has it. */
void conf_setting_key(struct conf_name name, char key_r[static CONF_KEY_LEN]);

static inline enum conf_row conf_setting_row(const struct conf_setting *setting)
{
    return (enum conf_row)(setting - conf_settings);
}

#endif
