/* SPDX-License-Identifier: MIT */
/*
 * relayctl: says one command to a running relay over its control socket and shows the answer, as a
 * table or as the JSON that it is. Decides nothing itself.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/buffer.h"
#include "tools/relayctl_show.h"
#include "tools/relayctl_socket.h"

enum { AGAIN_US = 100000 };

struct options {
    const char *socket;
    bool json, now;
    char *const *words;
    int n_words;
};

static const char usage[] =
    "usage: relayctl [--socket PATH] [--json] COMMAND\n"
    "  status            how the relay, its workers and its peers are\n"
    "  pairs             the pairs that workers have with peers\n"
    "  reload            read the settings anew; waits, and says whether they are in force\n"
    "  drain             stop gracefully: finish what is in flight; does not wait for the end\n"
    "  stop [--now]      the same, and wait for the end; --now: at once, breaking off requests\n"
    "  log-level LEVEL   of master and workers, until settings are loaded anew\n"
    "  forget PEER       drop the pairs with the peer of that URL; the next request pairs anew\n"
    "  --socket PATH     default: CONTROL_SOCKET of the environment, else " CONTROL_PATH "\n"
    "  --json            the answer as it comes\n"
    "  -V, --version  -h, --help\n"
    "Exit status: 0 done, 1 refused by the relay, 64 wrong usage, 69 no relay answers.\n";

static const struct option long_options[] = {
    { "socket", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
    { "now", no_argument, NULL, 'n' },          { "version", no_argument, NULL, 'V' },
    { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
};

/* What is shown of an answer that is good. */
enum shown { SHOW_STATUS, SHOW_PAIRS, SHOW_DONE };

static const struct command {
    const char *word, *line; /* line: what the relay is told, before a word of the user's */
    int n_words;             /* of the user's */
    enum shown shown;
} commands[] = {
    { "status", "status", 0, SHOW_STATUS }, { "pairs", "status", 0, SHOW_PAIRS },
    { "reload", "reload", 0, SHOW_DONE },   { "drain", "drain", 0, SHOW_DONE },
    { "stop", "drain", 0, SHOW_DONE },      { "log-level", "log-level ", 1, SHOW_DONE },
    { "forget", "forget ", 1, SHOW_DONE },
};

static const char *default_socket(void)
{
    const char *path = getenv("CONTROL_SOCKET");

    return path != NULL && *path != 0 && strcmp(path, "off") != 0 ? path : CONTROL_PATH;
}

static void die(const char *why)
{
    fprintf(stderr, "relayctl: %s\n%s", why, usage);
    exit(EX_USAGE);
}

static void parse_options(int argc, char **argv, struct options *options)
{
    int c;

    *options = (struct options){ .socket = default_socket() };
    while ((c = getopt_long(argc, argv, "s:jVh", long_options, NULL)) != -1) {
        switch (c) {
        case 's':
            options->socket = optarg;
            break;
        case 'j':
            options->json = true;
            break;
        case 'n':
            options->now = true;
            break;
        case 'V':
            puts("relayctl of " PACKAGE_STRING);
            exit(EX_OK);
        case 'h':
            fputs(usage, stdout);
            exit(EX_OK);
        default:
            exit(EX_USAGE);
        }
    }
    options->words = argv + optind;
    options->n_words = argc - optind;
}

static const struct command *find_command(const struct options *options)
{
    const char *word = options->n_words > 0 ? options->words[0] : "";

    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (strcmp(word, commands[i].word) != 0)
            continue;
        if (options->n_words != 1 + commands[i].n_words)
            die(commands[i].n_words == 0 ? "this command takes no word more"
                                         : "this command takes one word more");
        if (options->now && strcmp(word, "stop") != 0)
            die("--now belongs to stop");
        return &commands[i];
    }
    die(*word == 0 ? "say a command" : "there is no such command");
    return NULL;
}

static void put_line(const struct options *options, const struct command *command,
                     struct buffer *line)
{
    buffer_put_text(line, options->now ? "stop" : command->line);
    if (command->n_words > 0)
        buffer_put_text(line, options->words[1]);
    if (span_find(buffer_span(line), '\n') < buffer_len(line))
        die("a word has no line end in it");
    buffer_put_text(line, "\n");
}

static int show(const struct options *options, const struct command *command, struct span answer)
{
    struct json_value *value = NULL;
    int status, r = json_value_read(answer, &value);

    if (r != 0) {
        fprintf(stderr, "relayctl: the relay's answer is not JSON\n");
        return EX_UNAVAILABLE;
    }
    status = command->shown == SHOW_DONE && !show_is_good(value) ? EXIT_FAILURE : EX_OK;
    if (options->json)
        printf("%.*s", SPAN_PRINT(answer));
    else if (status != EX_OK)
        show_refusal(value);
    else if (command->shown == SHOW_STATUS)
        show_status(value);
    else if (command->shown == SHOW_PAIRS)
        show_pairs(value);
    else
        show_done(command->word, value);
    json_value_free(&value);
    return status;
}

/* Until nobody listens any more. */
static void wait_for_end(const char *path)
{
    while (relayctl_listens(path))
        usleep(AGAIN_US);
}

int main(int argc, char **argv)
{
    struct options options;
    const struct command *command;
    struct buffer line, answer;
    int status, r;

    parse_options(argc, argv, &options);
    command = find_command(&options);
    buffer_init(&line, 0);
    buffer_init(&answer, 0);
    put_line(&options, command, &line);
    r = relayctl_ask(options.socket, buffer_span(&line), &answer);
    if (r != 0) {
        fprintf(stderr, "relayctl: no relay answers at %s: %s\n", options.socket, error_text(r));
        status = EX_UNAVAILABLE;
    } else {
        status = show(&options, command, buffer_span(&answer));
    }
    if (status == EX_OK && strcmp(command->word, "stop") == 0)
        wait_for_end(options.socket);
    buffer_fini(&line);
    buffer_fini(&answer);
    return status;
}
