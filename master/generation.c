/* SPDX-License-Identifier: MIT */
/* Making generations of settings: load, check here what the worker cannot, seal, ask the worker. */
#include "master/generation.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/conf_check.h"
#include "common/fd.h"
#include "common/inherit.h"
#include "master/account.h"
#include "master/cores.h"
#include "master/listen.h"
#include "master/verdict.h"

enum { ADMIN_PORT = 8081 };

/* Who the workers become, and where the relay listens: both must make sense to this machine. */
static int check_machine(const struct generation_source *source, const struct conf *conf,
                         struct inherit_user *user_r)
{
    char why[ACCOUNT_WHY_LEN];
    int r = account_find(conf->run_user, conf->run_group, user_r, why);

    if (r != 0)
        source->problem(source->arg, why);
    if (!listen_is_address(conf->listen)) {
        source->problem(source->arg, "LISTEN: not an IP address; an address such as 127.0.0.1 or "
                                     "[::] would be right");
        r = ERR_FORMAT;
    }
    return r;
}

static int seal(struct generation *g, const struct conf *conf, const struct inherit_user *user)
{
    struct boot_writer boot;
    int r;

    boot_writer_init(&boot);
    inherit_put_user(&boot, user);
    r = conf_to_boot(conf, &boot);
    if (r == 0)
        r = boot_seal(&boot, &g->boot);
    boot_writer_fini(&boot);
    return r;
}

static char *copy(struct span text)
{
    return strndup(text.len > 0 ? (const char *)text.at : "", text.len);
}

static int keep_admin(struct generation_admin *admin, const conf_endpoint *conf)
{
    admin->by_default = !conf->set;
    admin->port = conf->set ? conf->port : ADMIN_PORT;
    admin->address = copy(conf->set ? conf->address : SPAN("127.0.0.1"));
    return admin->address != NULL ? 0 : -ENOMEM;
}

static int keep_control(struct generation_doors *doors, struct span path)
{
    doors->control_by_default = path.len == 0;
    doors->control = copy(span_equal(path, SPAN("off")) ? SPAN_NONE
                          : path.len > 0                ? path
                                                        : span_text(CONTROL_PATH));
    return doors->control != NULL ? 0 : -ENOMEM;
}

static int keep_doors(struct generation_doors *doors, const struct conf *conf)
{
    int r = keep_control(doors, conf->control_socket);

    return r == 0 ? keep_admin(&doors->admin, &conf->admin_listen) : r;
}

static const char *store_word(const struct conf *conf)
{
    if (conf->redis_url.len == 0)
        return "memory";
    return conf->redis_failure == CONF_FAILURE_STRICT ? "redis, strict" : "redis, local";
}

static int keep(struct generation *g, const struct conf *conf)
{
    g->store = store_word(conf);
    g->n_workers = conf->workers != 0 ? (size_t)conf->workers : cores_available();
    g->drain_ms = conf->drain_timeout;
    g->log_level = conf->log_level;
    g->log_format = conf->log_format;
    g->port = (uint16_t)conf->port;
    g->pairs_per_node = conf->pairs_per_node;
    g->claim_pages = conf->claim_pages;
    g->listen = copy(conf->listen);
    return g->listen != NULL ? keep_doors(&g->doors, conf) : -ENOMEM;
}

void generation_take_log(const struct generation *g)
{
    outlet_serve_log(&g->log);
    log_set_level(g->log_level);
    log_set_format(g->log_format);
}

static void open_or_stand_in(struct outlet *outlet)
{
    int r = outlet_open(outlet);

    if (r == 0)
        return;
    log_error("cannot open %s, standard error takes its place: %s", outlet->path, error_text(r));
    outlet->place = LOG_PLACE_STDERR;
    outlet->fd = STDERR_FILENO;
}

void generation_open_logs(struct generation *g)
{
    open_or_stand_in(&g->log);
    open_or_stand_in(&g->access_log);
}

static void reopen(struct outlet *outlet)
{
    int r = outlet_reopen(outlet);

    if (r < 0)
        log_error("cannot open %s again: %s", outlet->path, error_text(r));
}

void generation_reopen_logs(struct generation *g)
{
    reopen(&g->log);
    reopen(&g->access_log);
}

/* One that is only looked at makes no files. */
static int open_outlet(const struct generation_source *source, struct outlet *outlet,
                       const char *name)
{
    int r = source->quiet ? outlet_try(outlet) : outlet_open(outlet);
    char line[PATH_MAX + 256];

    if (r == 0)
        return 0;
    snprintf(line, sizeof(line), "%s: cannot open \"%s\": %s", name, outlet->path, error_text(r));
    source->problem(source->arg, line);
    return ERR_REFUSED;
}

static int open_outlets(const struct generation_source *source, const struct conf *conf,
                        struct generation *g)
{
    int r = outlet_init(&g->log, &conf->log_output, conf->syslog_socket);

    if (r == 0)
        r = outlet_init(&g->access_log, &conf->access_log, conf->syslog_socket);
    if (r == 0)
        r = open_outlet(source, &g->log, "LOG_OUTPUT");
    return r == 0 ? open_outlet(source, &g->access_log, "ACCESS_LOG") : r;
}

static void log_setting(void *arg, const char *text)
{
    (void)arg;
    log_info("setting %s", text);
}

static void ignore_warning(void *arg, const char *line)
{
    (void)arg;
    (void)line;
}

/* The first settings say how they are logged themselves; later ones are of no force yet. */
static void tell_settings(const struct generation_source *source, const struct generation *g,
                          const struct conf *conf, const struct inherit_user *user)
{
    struct conf_report report = {
        .problem = source->problem,
        .warning = source->warning,
        .arg = source->arg,
    };

    if (g->number == 1 && !source->quiet) {
        generation_take_log(g);
        log_info("starting version=%s", PACKAGE_VERSION);
    }
    conf_check(conf, &report);
    if (!user->set && conf->run_user.len > 0)
        source->warning(source->arg, "RUN_USER: acts only when the master is started as root");
    if (!source->quiet)
        conf_describe(conf, log_setting, NULL);
}

int generation_load(const struct generation_source *source, uint64_t number,
                    struct generation **generation_r)
{
    struct generation *g = calloc(1, sizeof(*g));
    struct inherit_user user;
    struct conf *conf = NULL;
    int r;

    if (g == NULL)
        return -ENOMEM;
    g->number = number;
    g->boot = g->log.fd = g->access_log.fd = -1;
    r = conf_load(source->path, environment_settings(source->environment), source->problem,
                  ignore_warning, source->arg, &conf);
    if (r == 0)
        r = check_machine(source, conf, &user);
    if (r == 0)
        r = keep(g, conf);
    if (r == 0)
        r = open_outlets(source, conf, g);
    if (r == 0)
        tell_settings(source, g, conf, &user);
    if (r == 0)
        r = seal(g, conf, &user);
    conf_free(&conf);
    if (r == 0)
        r = verdict_ask(source->worker_path, environment_rest(source->environment), g->boot,
                        source->quiet ? -1 : g->log.fd);
    if (r != 0)
        generation_free(&g);
    *generation_r = g;
    return r;
}

int generation_load_doors(const struct generation_source *source, struct generation_doors *doors_r)
{
    struct conf *conf = NULL;
    int r = conf_load(source->path, environment_settings(source->environment), source->problem,
                      ignore_warning, source->arg, &conf);

    *doors_r = (struct generation_doors){ .control = NULL };
    if (r == 0)
        r = keep_doors(doors_r, conf);
    conf_free(&conf);
    return r;
}

void generation_doors_fini(struct generation_doors *doors)
{
    free(doors->admin.address);
    free(doors->control);
}

void generation_free(struct generation **generation)
{
    struct generation *g = *generation;

    if (g == NULL)
        return;
    fd_close(&g->boot);
    outlet_close(&g->log);
    outlet_close(&g->access_log);
    free(g->listen);
    generation_doors_fini(&g->doors);
    free(g);
    *generation = NULL;
}

const char *generation_conflict(const struct generation *now, const struct generation *next)
{
    if (strcmp(now->listen, next->listen) != 0)
        return "LISTEN";
    if (now->port != next->port)
        return "PORT";
    if (strcmp(now->doors.admin.address, next->doors.admin.address) != 0 ||
        now->doors.admin.port != next->doors.admin.port)
        return "ADMIN_LISTEN";
    if (strcmp(now->doors.control, next->doors.control) != 0)
        return "CONTROL_SOCKET";
    if (now->pairs_per_node != next->pairs_per_node)
        return "PAIRS_PER_NODE";
    if (now->claim_pages != next->claim_pages)
        return "CLAIM_PAGES";
    return NULL;
}
