/* SPDX-License-Identifier: MIT */
/*
 * mte-api-relayd: reads its options and settings, opens what workers inherit, and supervises. It
 * speaks no HTTP and links no cryptography: nothing that a peer sends reaches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
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
#include "master/daemon.h"
#include "master/listen.h"
#include "master/pid_file.h"
#include "master/supervisor.h"
#include "master/upgrade.h"

enum {
    START_MS = 60000,    /* for a worker to become ready */
    DAEMON_MS = 120000,  /* for all of them, after which -d gives up */
    PORT_WAIT_MS = 3000, /* for the workers of a master that was killed to give up the port */
    PORT_RETRY_US = 50000,
    N_FILES = 65536, /* descriptors: channels here, connections in the workers, who inherit it */
};

struct options {
    const char *conf_path; /* NULL: the default */
    const char *worker_path;
    const char *pid_path; /* NULL: none */
    const char *binary;   /* this program, and what takes its place at an upgrade */
    int take_over;        /* what the binary before us left; -1: nothing */
    bool check, print, daemon;
};

/* What the process holds beside its settings. */
struct master {
    const struct options *options;
    const struct generation_source *source;
    char *const *arguments;
    int daemon;   /* to say that we serve; -1: nobody waits for it */
    int pid_file; /* -1: none */
    struct notify notify;
    int listeners[INHERIT_LISTENERS_MAX];
    size_t n_listeners;
};

static const char usage[] =
    "usage: mte-api-relayd [-c FILE] [-t] [-d] [-p FILE] [--print-config] [--worker PATH] [-V] [-h]\n"
    "  -c, --config FILE  settings (default " CONF_PATH ", which may be absent)\n"
    "  -t, --test         check the settings and exit: 0, or 78 when they are bad\n"
    "      --print-config print the settings in force, without secrets, and exit\n"
    "      --worker PATH  the worker program (default " WORKER_PATH ")\n"
    "  -f, --foreground   stay in the foreground (the default)\n"
    "  -d, --daemon       go on in the background; return when all workers serve, or with an error\n"
    "  -p, --pid-file FILE  write the process id there, refuse to start beside a master that lives\n"
    "  -V, --version      print the version and exit\n"
    "  -h, --help         print this and exit\n"
    "Settings come from the environment, then from the file. See README.md.\n";

static const struct option long_options[] = {
    { "config", required_argument, NULL, 'c' },
    { "test", no_argument, NULL, 't' },
    { "print-config", no_argument, NULL, 'C' },
    { "worker", required_argument, NULL, 'w' },
    { "foreground", no_argument, NULL, 'f' },
    { "daemon", no_argument, NULL, 'd' },
    { "pid-file", required_argument, NULL, 'p' },
    { "version", no_argument, NULL, 'V' },
    { "take-over", required_argument, NULL, 'T' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* Exits where the options say so, or are wrong. */
static void parse_options(int argc, char **argv, struct options *options)
{
    uint64_t fd;
    int c;

    *options = (struct options){ .worker_path = WORKER_PATH, .take_over = -1 };
    while ((c = getopt_long(argc, argv, "c:tfdp:Vh", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            options->conf_path = optarg;
            break;
        case 't':
            options->check = true;
            break;
        case 'C':
            options->print = true;
            break;
        case 'w':
            options->worker_path = optarg;
            break;
        case 'f':
            options->daemon = false;
            break;
        case 'd':
            options->daemon = true;
            break;
        case 'p':
            options->pid_path = optarg;
            break;
        case 'T': /* from ourselves only, and in no manual */
            if (text_u64(span_text(optarg), INT_MAX, &fd) != 0)
                exit(EX_USAGE);
            options->take_over = (int)fd;
            break;
        case 'V':
            puts(PACKAGE_STRING);
            exit(EX_OK);
        case 'h':
            fputs(usage, stdout);
            exit(EX_OK);
        default:
            exit(EX_USAGE);
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        exit(EX_USAGE);
    }
}

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

static int open_listener(const struct generation *g, int *fd_r)
{
    uint64_t until = clock_mono_ms() + PORT_WAIT_MS;
    char text[LISTEN_TEXT_LEN];
    int r;

    while ((r = listen_open(span_text(g->listen), g->port, fd_r)) == -EADDRINUSE &&
           clock_mono_ms() < until)
        usleep(PORT_RETRY_US);
    if (r != 0) {
        log_panic("cannot listen on \"%s\" port %u: %s", g->listen, g->port, error_text(r));
        return r;
    }
    listen_text(*fd_r, text);
    log_info("listening address=%s", text);
    return 0;
}

/* Those of a service manager, or one of our own. */
static int open_listeners(struct master *m, const struct generation *g)
{
    char *const *environment = environment_rest(m->source->environment);
    char text[LISTEN_TEXT_LEN];
    int r = listen_inherited(environment, m->listeners, INHERIT_LISTENERS_MAX, &m->n_listeners);

    if (r != 0)
        log_panic("cannot use the sockets of LISTEN_FDS: %s", error_text(r));
    for (size_t i = 0; i < m->n_listeners; i++) {
        listen_text(m->listeners[i], text);
        log_info("listening address=%s from=LISTEN_FDS", text);
    }
    if (r != 0 || m->n_listeners > 0)
        return r;
    r = open_listener(g, &m->listeners[0]);
    m->n_listeners = r == 0;
    return r;
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
    return upgrade_go(&upgrade, state);
}

/* With workers that are there already, or none. */
static int supervise(struct master *m, struct shm *shm, struct generation **generation,
                     const struct slot *slots)
{
    const struct supervisor_config config = {
        .source = m->source,
        .listeners = m->listeners,
        .n_listeners = m->n_listeners,
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
    for (size_t i = 0; i < m->n_listeners; i++)
        fd_close(&m->listeners[i]);
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
        r = open_listeners(m, *generation);
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
    m->n_listeners = state.n_listeners;
    memcpy(m->listeners, state.listeners, sizeof(m->listeners));
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
        .notify = { .fd = -1, .due_ms = NOTIFY_NEVER },
    };
    int r = options->print ? print_settings(&source) : run(&m);

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
    parse_options(argc, arguments, &options);
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
    r = exit_status(r);
    daemon_report(&daemon, r);
    return r;
}
