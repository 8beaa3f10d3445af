/* SPDX-License-Identifier: MIT */
/*
 * mte-api-relayd: reads its options and settings, opens what workers inherit, and supervises. It
 * speaks no HTTP and links no cryptography: nothing that a peer sends reaches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/jail.h"
#include "master/listen.h"
#include "master/supervisor.h"

enum {
    START_MS = 60000,    /* for a worker to become ready */
    PORT_WAIT_MS = 3000, /* for the workers of a master that was killed to give up the port */
    PORT_RETRY_US = 50000,
    N_FILES = 65536, /* descriptors: channels here, connections in the workers, who inherit it */
};

struct options {
    const char *conf_path; /* NULL: the default */
    const char *worker_path;
    bool check, print;
};

static const char usage[] =
    "usage: mte-api-relayd [-c FILE] [-t] [--print-config] [--worker PATH] [-V] [-h]\n"
    "  -c, --config FILE  settings (default " CONF_PATH ", which may be absent)\n"
    "  -t, --test         check the settings and exit: 0, or 78 when they are bad\n"
    "      --print-config print the settings in force, without secrets, and exit\n"
    "      --worker PATH  the worker program (default " WORKER_PATH ")\n"
    "  -f, --foreground   stay in the foreground (the default)\n"
    "  -V, --version      print the version and exit\n"
    "  -h, --help         print this and exit\n"
    "Settings come from the environment, then from the file. See README.md.\n";

static const struct option long_options[] = {
    { "config", required_argument, NULL, 'c' }, { "test", no_argument, NULL, 't' },
    { "print-config", no_argument, NULL, 'p' }, { "worker", required_argument, NULL, 'w' },
    { "foreground", no_argument, NULL, 'f' },   { "version", no_argument, NULL, 'V' },
    { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
};

/* Exits where the options say so, or are wrong. */
static void parse_options(int argc, char **argv, struct options *options)
{
    int c;

    *options = (struct options){ .worker_path = WORKER_PATH };
    while ((c = getopt_long(argc, argv, "c:tfVh", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            options->conf_path = optarg;
            break;
        case 't':
            options->check = true;
            break;
        case 'p':
            options->print = true;
            break;
        case 'w':
            options->worker_path = optarg;
            break;
        case 'f':
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

/*
 * A slow reader of our log must not hold up the relay, so its descriptor may not block; but the
 * flag belongs to the open file, which a shell may share: we open it anew. What cannot be opened
 * anew (a socket, another user's terminal) stays as it is.
 */
static void open_log(void)
{
    int fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0)
        dup2(fd, STDERR_FILENO);
    fd_close(&fd);
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "master");
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

static int supervise(const struct generation_source *source, struct generation **generation)
{
    const struct shm_sizes sizes =
        shm_layout((*generation)->pairs_per_node, (*generation)->claim_pages);
    int listener = -1, r;
    struct supervisor_config config = { source, NULL, &listener, 1, START_MS };
    struct supervisor *supervisor = NULL;

    r = open_listener(*generation, &listener);
    if (r == 0)
        r = shm_create(&sizes, &config.shm);
    if (r == 0)
        r = supervisor_new(&config, generation, &supervisor);
    if (r == 0)
        r = supervisor_run(supervisor);
    supervisor_free(&supervisor);
    shm_close(&config.shm);
    fd_close(&listener);
    return r;
}

static int run(const struct generation_source *source)
{
    struct generation *generation = NULL;
    int r;

    r = generation_load(source, 1, &generation);
    if (r == 0 && source->quiet)
        log_info("the settings are good");
    if (r != 0 || source->quiet)
        goto out;
    log_set_level(generation->log_level);
    r = supervise(source, &generation);
    if (r == 0)
        log_info("stopped");
    else
        log_panic("cannot go on: %s", error_text(r));
out:
    generation_free(&generation);
    return r;
}

static int exit_status(int r)
{
    if (r == 0)
        return EX_OK;
    return r == ERR_FORMAT || r == ERR_REFUSED ? EX_CONFIG : EX_SOFTWARE;
}

int main(int argc, char **argv)
{
    struct options options;
    struct environment *environment = NULL;
    int r;

    parse_options(argc, argv, &options);
    open_log();
    jail_raise_files(N_FILES);
    r = jail_hide();
    if (r == 0)
        r = environment_take(environ, conf_is_setting, &environment);
    if (r != 0) {
        log_panic("cannot start: %s", error_text(r));
        return EX_OSERR;
    }
    const struct generation_source source = {
        .path = options.conf_path,
        .worker_path = options.worker_path,
        .environment = environment,
        .problem = tell_problem,
        .warning = tell_warning,
        .quiet = options.check,
    };
    r = options.print ? print_settings(&source) : run(&source);
    environment_free(&environment);
    return exit_status(r);
}
