/* SPDX-License-Identifier: MIT */
/*
 * Loading the settings: gathers what each source gives, the later replacing the earlier, then reads
 * every value once, by its kind. Opens the configuration file and the secret files, nothing else.
 */
#include "common/conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/conf_check.h"
#include "common/conf_file.h"
#include "common/conf_kind.h"
#include "common/conf_report.h"
#include "common/fd.h"

enum { SECRET_FILE_LIMIT = 64 << 10, FILE_LIMIT = 1 << 20 };

enum source { DEFAULT, FROM_FILE, FROM_ENVIRONMENT };

/* A value before it is read, and where it stands. */
struct given {
    enum source source;
    struct span text;
    bool is_path; /* of a file that has the secret in it */
    const char *place;
};

struct loader {
    struct conf *conf;
    const char *path; /* of the configuration file */
    struct conf_report report;
    struct given given[CONF_N_SETTINGS];
};

/* Where something stands, as long-lived as the store. */
__attribute__((format(printf, 2, 3))) static const char *place(struct loader *l, const char *format,
                                                               ...)
{
    struct span copy;
    char text[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (conf_store_copy(l->conf->store, span_text(text), &copy) == 0)
        return (const char *)copy.at;
    l->report.out_of_memory = true;
    return "?";
}

static void give(struct loader *l, struct conf_name name, struct given given)
{
    struct given *g = &l->given[conf_setting_row(name.setting)];

    if (given.text.len == 0)
        return;
    if (g->source == given.source) {
        conf_report_problem(&l->report, given.place, "is one too many: %s has the same setting",
                            g->place);
        return;
    }
    if (conf_store_copy(l->conf->store, given.text, &given.text) < 0)
        l->report.out_of_memory = true;
    *g = given;
}

static void refuse_key(struct loader *l, const char *where, const char *key)
{
    char nearest[CONF_KEY_LEN];

    conf_setting_key(conf_setting_nearest(span_text(key)), nearest);
    conf_report_problem(&l->report, where, "is not a setting; the nearest is %s", nearest);
}

static void file_value(void *arg, unsigned line, const char *key, struct span text, bool is_list)
{
    struct loader *l = arg;
    const char *where = place(l, "%s:%u: %s", l->path, line, key);
    struct conf_name name;

    if (!conf_setting_find_key(span_text(key), &name))
        refuse_key(l, where, key);
    else if (is_list && (name.is_path || (name.setting->flags & LISTED) == 0))
        conf_report_problem(&l->report, where, "is a list, and takes one value");
    else
        give(l, name, (struct given){ FROM_FILE, text, name.is_path, where });
}

static void file_mistake(void *arg, unsigned line, const char *key, const char *what)
{
    struct loader *l = arg;
    const char *where = l->path;

    if (key != NULL)
        where = place(l, "%s:%u: %s", l->path, line, key);
    else if (line > 0)
        where = place(l, "%s:%u", l->path, line);
    conf_report_problem(&l->report, where, "%s", what);
}

static void gather_file(struct loader *l, bool must_exist)
{
    const struct conf_file_reader reader = { file_value, file_mistake, l };
    int r = conf_file_read(l->path, &reader);

    if (r == -ENOMEM)
        l->report.out_of_memory = true;
    else if (r < 0 && (r != -ENOENT || must_exist))
        conf_report_problem(&l->report, l->path, "cannot be read: %s", error_text(r));
}

static void gather_environment(struct loader *l, char *const *environment)
{
    for (; *environment != NULL; environment++) {
        struct span value = span_text(*environment), name = span_cut(&value, '=');
        struct conf_name known;

        if (conf_setting_find(name, &known))
            give(l, known,
                 (struct given){ FROM_ENVIRONMENT, value, known.is_path,
                                 place(l, "environment: %.*s", SPAN_PRINT(name)) });
    }
}

/* Appends what the file has, of a secret without one line end. False where there is no value. */
static bool read_file(struct loader *l, const struct given *g, bool may_be_empty, struct buffer *to)
{
    size_t before = buffer_len(to);
    struct buffer path;
    int r;

    r = fd_read_file((const char *)g->text.at, g->is_path ? SECRET_FILE_LIMIT : FILE_LIMIT, to);
    if (g->is_path && span_ends(buffer_span(to), SPAN("\n")))
        buffer_cut(to, buffer_len(to) - 1);
    buffer_init(&path, 0);
    conf_report_quote(&path, g->text);
    if (r < 0)
        conf_report_problem(&l->report, g->place, "%.*s cannot be read: %s",
                            SPAN_PRINT(buffer_span(&path)), error_text(r));
    else if (buffer_len(to) == before && !may_be_empty)
        conf_report_problem(&l->report, g->place, "the file %.*s is empty",
                            SPAN_PRINT(buffer_span(&path)));
    buffer_fini(&path);
    return r == 0 && buffer_len(to) > before;
}

/* The secret in place of its path; what else is in a file, behind its path. */
static bool take_file(struct loader *l, const struct conf_setting *setting, struct given *g)
{
    struct buffer b;
    bool ok;

    buffer_init_secret(&b, 0);
    if (!g->is_path) {
        buffer_put(&b, g->text);
        buffer_put(&b, SPAN("\0"));
    }
    ok = read_file(l, g, setting->flags & SPARE, &b);
    if (ok && conf_store_copy(l->conf->store, buffer_span(&b), &g->text) < 0)
        l->report.out_of_memory = true;
    buffer_fini(&b);
    return ok;
}

static void resolve(struct loader *l, const struct conf_setting *setting)
{
    struct given g = l->given[conf_setting_row(setting)];
    struct buffer why;
    int r;

    if (g.source == DEFAULT) {
        g.place = setting->name;
        g.text = span_text(setting->fallback);
    }
    if (g.text.len == 0) {
        if (setting->flags & REQUIRED)
            conf_report_problem(&l->report, g.place, "is not set, and has to be: %s",
                                setting->about);
        return;
    }
    if ((g.is_path || setting->kind->is_file) && !take_file(l, setting, &g))
        return;
    buffer_init(&why, 0);
    r = conf_kind_parse(&(struct conf_parse){ setting, g.text, l->conf->store, &why }, l->conf);
    if (r == ERR_FORMAT)
        conf_report_problem(&l->report, g.place, "%.*s", SPAN_PRINT(buffer_span(&why)));
    else if (r < 0)
        l->report.out_of_memory = true;
    buffer_fini(&why);
}

/* What is of no use alone; without its certificate a port would be plain, whatever is meant. */
static void refuse_halves(struct loader *l)
{
    static const struct {
        enum conf_row given, needed;
    } halves[] = {
        { CONF_ROW_tls_cert_file, CONF_ROW_tls_key_file },
        { CONF_ROW_tls_key_file, CONF_ROW_tls_cert_file },
        { CONF_ROW_tls_client_ca_file, CONF_ROW_tls_cert_file },
        { CONF_ROW_peer_cert_file, CONF_ROW_peer_key_file },
        { CONF_ROW_peer_key_file, CONF_ROW_peer_cert_file },
    };

    for (size_t i = 0; i < sizeof(halves) / sizeof(*halves); i++) {
        const struct given *given = &l->given[halves[i].given];

        if (given->text.len > 0 && l->given[halves[i].needed].text.len == 0)
            conf_report_problem(&l->report, given->place, "needs %s beside it",
                                conf_settings[halves[i].needed].name);
    }
}

static int load(struct loader *l, bool must_exist, char *const *environment)
{
    gather_file(l, must_exist);
    gather_environment(l, environment);
    for (size_t i = 0; i < CONF_N_SETTINGS && !l->report.out_of_memory; i++)
        resolve(l, &conf_settings[i]);
    refuse_halves(l);
    if (l->report.out_of_memory)
        return -ENOMEM;
    if (l->report.n_problems > 0)
        return ERR_FORMAT;
    conf_check(l->conf, &l->report);
    return 0;
}

int conf_load(const char *path, char *const *environment, conf_problem_cb problem,
              conf_problem_cb warning, void *arg, struct conf **conf_r)
{
    struct loader l = {
        .conf = conf_store_new(),
        .path = path != NULL ? path : CONF_PATH,
        .report = { .problem = problem, .warning = warning, .arg = arg },
    };
    int r;

    if (l.conf == NULL)
        return -ENOMEM;
    r = load(&l, path != NULL, environment);
    if (r < 0)
        conf_free(&l.conf);
    else
        *conf_r = l.conf;
    return r;
}
