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
#include "common/ip.h"
#include "common/log.h"
#include "common/url.h"

/*
 * The kinds of settings, as C types. All views live in the struct conf's own memory. What is not
 * set is all zeros: an empty span, no items, url.set false. There are no control bytes in a value,
 * but for what is in a file.
 */
typedef struct span conf_text;
typedef struct span conf_address; /* IPv4, or IPv6 without its brackets */
typedef struct span conf_secret;  /* never printed */
typedef struct span conf_token;   /* a secret that a header field can carry */
typedef struct span conf_redis;   /* a URL of redis, with a password in it: never printed */
typedef uint64_t conf_count;
typedef uint64_t conf_size;     /* bytes */
typedef uint64_t conf_duration; /* milliseconds */
typedef enum log_level conf_level;
typedef enum conf_failure { CONF_FAILURE_LOCAL, CONF_FAILURE_STRICT } conf_failure;
typedef enum log_format conf_log_format;
struct conf_outlet { /* where a log goes */
    enum log_place place;
    struct span path; /* of a file */
};
typedef struct conf_outlet conf_outlet;

struct conf_url {
    bool set;
    struct url url;
};
struct conf_list { /* comma list of tokens, each without spaces around it, none empty */
    struct span *items;
    size_t n;
};
struct conf_file { /* as it was when the settings were loaded */
    struct span path, content;
};
struct conf_endpoint {   /* where to listen */
    bool set, off;       /* off: it was said that nothing shall */
    struct span address; /* IPv4, or IPv6 without its brackets */
    uint16_t port;
};
struct conf_pair {
    struct span name, value; /* name in lower case, each once; values may be keys: never printed */
};
struct conf_fields { /* a JSON object of strings */
    struct conf_pair *items;
    size_t n;
};
struct conf_peer { /* an origin, or all names below one */
    struct url origin;
    bool below; /* written "*.example.com": origin.host is example.com, which is not meant itself */
};
struct conf_peers {
    struct conf_peer *items;
    size_t n;
};
struct conf_networks {
    struct ip_network *items;
    size_t n;
};
typedef struct conf_url conf_url;
typedef struct conf_endpoint conf_endpoint;
typedef struct conf_list conf_list;
typedef struct conf_file conf_file;    /* its content may be a key: never printed */
typedef struct conf_list conf_routes;  /* each begins with "/" and is exact or ends in "*" */
typedef struct conf_list conf_origins; /* each as a browser says it: lower case, no default port */
typedef struct conf_fields conf_fields;
typedef struct conf_peers conf_peers;
typedef struct conf_networks conf_networks;

struct conf {
#define SETTING_ROW(field, name, kind, fallback, flags, min, max, about) conf_##kind field;
#include "common/settings_table.h"
#undef SETTING_ROW
    struct conf_store *store; /* owned: what the views point into, and every value as text */
};

/* One mistake: where it stands, what is wrong and what would be right, in one line. */
typedef void (*conf_problem_cb)(void *arg, const char *line);

/*
 * Loads defaults, then the file (NULL: the default path, which may be absent; a given path may
 * not), then the environment (NULL-terminated "NAME=value"; only read here). An empty value is the
 * same as none. Reports every problem it finds, not only the first, or else every warning.
 * 0, or ERR_FORMAT where there was a problem, or -ENOMEM.
 */
MUST_CHECK int conf_load(const char *path, char *const *environment, conf_problem_cb problem,
                         conf_problem_cb warning, void *arg, struct conf **conf_r);
/* Wipes it, and all that its views see. */
void conf_free(struct conf **conf);

/*
 * Every set value by its name, as the boot record carries it to the workers, and back (ERR_FORMAT:
 * not a record of conf_to_boot()). What is wrong with the writer comes out of boot_seal() too.
 */
MUST_CHECK int conf_to_boot(const struct conf *conf, struct boot_writer *boot);
MUST_CHECK int conf_from_boot(const struct boot *boot, struct conf **conf_r);

/*
 * Wipes the values of which only what follows from them is needed once it was derived: SECRET,
 * CLIENT_ID_SECRET (both also _ALSO), private keys. Their lengths stay.
 */
void conf_forget_keys(struct conf *conf);

/*
 * "NAME = value" for each setting, in the table's order; "not set" where it is not, and a secret is
 * "set (32 characters)".
 */
void conf_describe(const struct conf *conf, void (*line)(void *arg, const char *text), void *arg);

/* Is it a name that the environment may carry (X or X_FILE)? Workers' environments go without. */
bool conf_is_setting(struct span environment_name);

#endif
