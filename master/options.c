/* SPDX-License-Identifier: MIT */
/* Reads the options, and does what needs neither settings nor a relay. */
#include "master/options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>

#include "common/secret.h"
#include "common/text.h"

enum { SECRET_LEN = 43 }; /* letters of six bits */

static const char usage[] =
    "usage: mte-api-relayd [-c FILE] [-t] [-d] [-p FILE] [--print-config] [--worker PATH] [-V] [-h]\n"
    "  -c, --config FILE  settings (default " CONF_PATH ", which may be absent)\n"
    "  -t, --test         check the settings and exit: 0, or 78 when they are bad\n"
    "      --print-config print the settings in force, without secrets, and exit\n"
    "      --healthcheck  ask the relay of these settings whether it lives, and exit: 0, or 1\n"
    "      --generate-secret  print a secret that nobody can guess, and exit\n"
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
    { "healthcheck", no_argument, NULL, 'H' },
    { "generate-secret", no_argument, NULL, 'G' },
    { "worker", required_argument, NULL, 'w' },
    { "foreground", no_argument, NULL, 'f' },
    { "daemon", no_argument, NULL, 'd' },
    { "pid-file", required_argument, NULL, 'p' },
    { "version", no_argument, NULL, 'V' },
    { "take-over", required_argument, NULL, 'T' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* 258 random bits in letters that need no quotes anywhere: base64url (RFC 4648, 5). */
static int print_secret(void)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t random[SECRET_LEN];

    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return EX_OSERR;
    for (size_t i = 0; i < sizeof(random); i++)
        putchar(letters[random[i] % 64]);
    putchar('\n');
    secret_wipe(random, sizeof(random));
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

void options_parse(int argc, char **argv, struct options *options)
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
        case 'H':
            options->health = true;
            break;
        case 'G':
            exit(print_secret());
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
