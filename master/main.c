/* SPDX-License-Identifier: MIT */
/*
 * mte-api-relayd: reads its options and settings, opens what workers inherit, and supervises. It
 * speaks no HTTP and links no cryptography: nothing that a peer sends reaches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/inherit.h"
#include "common/jail.h"
#include "common/text.h"
#include "common/title.h"
#include "master/control_socket.h"
#include "master/daemon.h"
#include "master/healthcheck.h"
#include "master/options.h"
#include "master/pid_file.h"
#include "master/supervisor.h"
#include "master/upgrade.h"

enum {
    START_MS = 60000,   /* for a worker to become ready */
    DAEMON_MS = 120000, /* for all of them, after which -d gives up */
    N_FILES = 65536,    /* descriptors: channels here, connections in the workers, who inherit it */
};

/* What the process holds beside its settings. */
struct master {
    const struct options *options;
    const struct generation_source *source;
    char *const *arguments;
    int daemon;   /* to say that we serve; -1: nobody waits for it */
    int pid_file; /* -1: none */
    struct notify notify;
    struct ports ports;
    int control;        /* -1: none */
    char *control_path; /* owned; NULL: not known yet */
};

static void tell_problem(void *arg, const char *line)
{
    (void)arg;
    log_error("%s", line);
}

static void tell_warning(void *arg, const char *line)
{
    (void)arg;
    log_warning("%s", line);
}

static void print_setting(void *arg, const char *text)
{
    (void)arg;
    puts(text);
}

static int print_settings(const struct generation_source *source)
{
    struct conf *conf = NULL;
    int r = conf_load(source->path, environment_settings(source->environment), source->problem,
                      source->warning, source->arg, &conf);

    if (r == 0)
        conf_describe(conf, print_setting, NULL);
    conf_free(&conf);
    return r;
}

/* Until the settings say where. */
static int open_log(void)
{
    struct outlet outlet = { .place = LOG_PLACE_STDERR };

    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "master");
    return outlet_open(&outlet);
}

static int open_pid_file(struct master *m)
{
    const char *path = m->options->pid_path;
    int r = path != NULL ? pid_file_create(path, &m->pid_file) : 0;

    if (r == ERR_BUSY)
        log_panic("cannot start: another master lives and has %s", path);
    else if (r != 0)
        log_panic("cannot write %s: %s", path, error_text(r));
    return r;
}

/* What is there by default only may fail. */
static int open_control(struct master *m, const struct generation *g)
{
    int r;

    if (g->doors.control[0] == 0)
        return 0;
    r = control_socket_open(g->doors.control, &m->control);
    if (r == 0)
        log_info("listening path=%s for=control", g->doors.control);
    else if (g->doors.control_by_default)
        log_warning("no control socket, CONTROL_SOCKET names another or is off: cannot make %s: %s",
                    g->doors.control, error_text(r));
    else
        log_panic("cannot make %s for CONTROL_SOCKET: %s", g->doors.control, error_text(r));
    return g->doors.control_by_default ? 0 : r;
}

/* The path outlives the settings, which the supervisor takes. */
static int keep_control_path(struct master *m, const struct generation *g)
{
    m->control_path = strdup(g->doors.control);
    return m->control_path != NULL ? 0 : -ENOMEM;
}

static void on_serving(void *arg)
{
    struct master *m = arg;

    daemon_report(&m->daemon, EX_OK);
}

static int on_upgrade(void *arg, struct takeover *state)
{
    struct master *m = arg;
    const struct upgrade upgrade = { m->options->binary, m->arguments, m->source->environment };

    state->pid_file = m->pid_file;
    state->control = m->control;
    return upgrade_go(&upgrade, state);
}

/* With workers that are there already, or none. */
static int supervise(struct master *m, struct shm *shm, struct generation **generation,
                     const struct slot *slots)
{
    const struct supervisor_config config = {
        .source = m->source,
        .ports = &m->ports,
        .control = m->control,
        .start_ms = START_MS,
        .notify = &m->notify,
        .serving = on_serving,
        .upgrade = on_upgrade,
        .shm = shm,
        .arg = m,
    };
    struct supervisor *supervisor = NULL;
    int r = notify_open(&m->notify, environment_rest(m->source->environment));

    if (r != 0) {
        log_panic("cannot use NOTIFY_SOCKET or WATCHDOG_USEC: %s", error_text(r));
        return r;
    }
    r = supervisor_new(&config, generation, &supervisor);
    if (r == 0 && slots != NULL)
        supervisor_adopt(supervisor, slots);
    if (r == 0)
        r = supervisor_run(supervisor);
    supervisor_free(&supervisor);
    return r;
}

static void let_go(struct master *m)
{
    ports_close(&m->ports);
    if (m->control_path != NULL)
        control_socket_remove(m->control_path, &m->control);
    free(m->control_path);
    notify_close(&m->notify);
    if (m->options->pid_path != NULL)
        pid_file_remove(m->options->pid_path, &m->pid_file);
}

static int serve(struct master *m, struct generation **generation)
{
    const struct shm_sizes sizes =
        shm_layout((*generation)->pairs_per_node, (*generation)->claim_pages);
    struct shm *shm = NULL;
    int r = open_pid_file(m);

    if (r == 0)
        r = ports_open(&m->ports, *generation, environment_rest(m->source->environment));
    if (r == 0)
        r = open_control(m, *generation);
    if (r == 0)
        r = keep_control_path(m, *generation);
    if (r == 0)
        r = shm_create(&sizes, &shm);
    if (r == 0)
        r = supervise(m, shm, generation, NULL);
    shm_close(&shm);
    let_go(m);
    return r;
}

static int take_over(struct master *m, struct slot *slots)
{
    struct takeover state;
    struct shm *shm = NULL;
    int r = takeover_read(m->options->take_over, slots, &state);

    if (r != 0 || m->options->check) {
        if (r == 0)
            state.generation->boot = -1; /* the descriptors are not open here */
        generation_free(&state.generation);
        return r;
    }
    close(m->options->take_over);
    r = takeover_keep(&state, false);
    m->pid_file = state.pid_file;
    m->ports = state.ports;
    m->control = state.control;
    if (r == 0)
        r = keep_control_path(m, state.generation);
    if (r == 0)
        r = shm_attach(state.shm, &shm);
    fd_close(&state.shm);
    generation_open_logs(state.generation);
    generation_take_log(state.generation);
    log_info("took over generation=%llu version=%s", (unsigned long long)state.generation->number,
             PACKAGE_VERSION);
    if (r == 0)
        r = supervise(m, shm, &state.generation, slots);
    generation_free(&state.generation);
    shm_close(&shm);
    let_go(m);
    return r;
}

/* What the binary before us left: with -t only looked at. */
static int run_taken_over(struct master *m)
{
    struct slot *slots = calloc(SHM_N_SLOTS, sizeof(*slots));
    int r = slots != NULL ? take_over(m, slots) : -ENOMEM;

    if (r != 0)
        log_panic("cannot take over: %s", error_text(r));
    free(slots);
    return r;
}

static int run_anew(struct master *m)
{
    struct generation *generation = NULL;
    int r;

    r = generation_load(m->source, 1, &generation);
    if (r == 0 && m->options->check)
        log_info("the settings are good");
    if (r != 0 || m->options->check)
        goto out;
    r = serve(m, &generation);
    if (r != 0)
        log_panic("cannot go on: %s", error_text(r));
out:
    generation_free(&generation);
    return r;
}

static int run(struct master *m)
{
    int r = 0;

    if (m->options->take_over >= 0)
        r = run_taken_over(m);
    if (r == 0 && (m->options->take_over < 0 || m->options->check))
        r = run_anew(m);
    if (r == 0 && !m->options->check)
        log_info("stopped");
    return r;
}

static int check_health(const struct generation_source *source)
{
    struct generation_doors doors;
    int r = generation_load_doors(source, &doors);

    if (r == 0) {
        r = healthcheck_run(&doors);
        if (r == ERR_MISUSE)
            log_error("nobody can be asked: ADMIN_LISTEN and CONTROL_SOCKET are off");
        else if (r != 0)
            log_error("the relay does not answer well: %s", error_text(r));
    }
    generation_doors_fini(&doors);
    return r == 0 ? 0 : ERR_CLOSED;
}

static int exit_status(int r)
{
    if (r == 0)
        return EX_OK;
    return r == ERR_FORMAT || r == ERR_REFUSED ? EX_CONFIG : EX_SOFTWARE;
}

/* By the name that we were called by, where that is a path: it may be a link that moves on. */
static void find_binary(const char *name, char own_r[static PATH_MAX], struct options *options)
{
    ssize_t len = readlink("/proc/self/exe", own_r, PATH_MAX - 1);

    own_r[len > 0 ? len : 0] = 0;
    options->binary = strchr(name, '/') != NULL ? name : own_r;
}

/* The arguments in memory of their own, for the title takes their place. NULL: no memory. */
static char **copy_arguments(int argc, char **argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof(*copy));

    for (int i = 0; copy != NULL && i < argc; i++) {
        copy[i] = strdup(argv[i]);
        if (copy[i] == NULL)
            return NULL; /* the process ends */
    }
    return copy;
}

static void free_arguments(char **arguments)
{
    for (char **at = arguments; *at != NULL; at++)
        free(*at);
    free(arguments);
}

/*
 * For the workers, which inherit it: glibc keeps seven freed blocks of a size at hand, and a worker
 * has many requests at once, each with its own. Who knows better has set it.
 */
static int keep_freed_blocks(void)
{
    return setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=256", 0) == 0 ? 0 : -errno;
}

static int prepare(int argc, char **argv, struct environment **environment_r)
{
    int r;

    jail_raise_files(N_FILES);
    r = jail_hide();
    if (r == 0)
        r = keep_freed_blocks();
    if (r == 0)
        r = environment_take(environ, conf_is_setting, environment_r);
    if (r == 0)
        r = title_open(argc, argv, environ);
    title_set("mte-api-relay: master");
    return r;
}

/* With the settings as they now stand in the environment. */
static int work(const struct options *options, char *const *arguments,
                struct environment *environment, int *daemon)
{
    const struct generation_source source = {
        .path = options->conf_path,
        .worker_path = options->worker_path,
        .environment = environment,
        .problem = tell_problem,
        .warning = tell_warning,
        .quiet = options->check,
    };
    struct master m = {
        .options = options,
        .source = &source,
        .arguments = arguments,
        .daemon = *daemon,
        .pid_file = -1,
        .control = -1,
        .notify = { .fd = -1, .due_ms = NOTIFY_NEVER },
    };
    int r;

    ports_init(&m.ports);
    if (options->health)
        r = check_health(&source);
    else
        r = options->print ? print_settings(&source) : run(&m);
    *daemon = m.daemon;
    return r;
}

int main(int argc, char **argv)
{
    char **arguments = copy_arguments(argc, argv);
    struct options options;
    struct environment *environment = NULL;
    char own[PATH_MAX];
    int daemon = -1, r = 0;

    if (arguments == NULL)
        return EX_OSERR;
    options_parse(argc, arguments, &options);
    find_binary(arguments[0], own, &options);
    r = open_log();
    if (r == 0 && options.daemon && !options.check && !options.print && options.take_over < 0)
        r = daemon_start(DAEMON_MS, &daemon);
    if (r == 0 && !options.check && !options.print)
        r = supervisor_hold_signals(); /* before the start, which takes a while */
    if (r == 0)
        r = prepare(argc, argv, &environment);
    if (r != 0) {
        log_panic("cannot start: %s", error_text(r));
        return EX_OSERR;
    }
    r = work(&options, arguments, environment, &daemon);
    environment_free(&environment);
    free_arguments(arguments);
    r = options.health && r != 0 ? EXIT_FAILURE : exit_status(r);
    daemon_report(&daemon, r);
    return r;
}
