/* SPDX-License-Identifier: MIT */
/*
 * The settings of the program, resolved and checked: constant once loaded. One row a setting in
 * settings_table.h; the fields below, the loader, -t, --print-config and the sample file come from
 * it. Nothing here knows what a setting does.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <sys/types.h>

#include "common/boot.h"
#include "common/log.h"
#include "common/url.h"

/* The kinds of settings, as C types. All views live in the struct conf's own memory. */
typedef struct span conf_text;
typedef struct span conf_secret; /* never printed */
typedef uint64_t conf_count;
typedef uint64_t conf_size;     /* bytes */
typedef uint64_t conf_duration; /* milliseconds */
typedef enum log_level conf_level;

struct conf_url {
    bool set;
    struct url url;
};
struct conf_list { /* comma list, each without spaces around it, none empty */
    struct span *items;
    size_t n;
};
struct conf_pair {
    struct span name, value;
};
struct conf_fields { /* a JSON object of strings */
    struct conf_pair *items;
    size_t n;
};
typedef struct conf_url conf_url;
typedef struct conf_list conf_list;
typedef struct conf_list conf_routes;  /* each begins with "/" and is exact or ends in "*" */
typedef struct conf_list conf_origins; /* each is scheme://host[:port] */
typedef struct conf_fields conf_fields;

struct conf {
#define SETTING_ROW(field, name, kind, fallback, flags, min, max, about) conf_##kind field;
#include "common/settings_table.h"
#undef SETTING_ROW
    struct conf_store *store; /* what the views point into; wiped by conf_free() */
};

/* One mistake: where it stands, what is wrong and what would be right, in one line. */
typedef void (*conf_problem_cb)(void *arg, const char *line);

/*
 * Loads defaults, then the file (NULL: the default path, which may be absent; a given path may
 * not), then the environment. Reports every problem and warning it finds, not only the first.
 * 0, or ERR_FORMAT where there was a problem, or -ENOMEM.
 */
MUST_CHECK int conf_load(const char *path, char *const *environment, conf_problem_cb problem,
                         conf_problem_cb warning, void *arg, struct conf **conf_r);
void conf_free(struct conf **conf);

/* Every set value by its name, as the boot record carries it to the workers, and back. */
MUST_CHECK int conf_to_boot(const struct conf *conf, struct boot_writer *boot);
MUST_CHECK int conf_from_boot(const struct boot *boot, struct conf **conf_r);

/* "name = value" for each setting; a secret is "set (32 characters)" or "not set". */
void conf_describe(const struct conf *conf, void (*line)(void *arg, const char *text), void *arg);

/* Is it a name that the environment may carry (X or X_FILE)? Workers' environments go without. */
bool conf_is_setting(struct span environment_name);

#endif
