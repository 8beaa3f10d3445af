/* SPDX-License-Identifier: MIT */
/*
 * Reads what the user wants: all of it is checked here by the rules of the protocol, so that a
 * refusal by the relay is about the relay. Owns the text of --help.
 */
#include "tools/relaycat_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/envelope.h"
#include "common/fd.h"
#include "common/text.h"

enum {
    SECRET_MAX = 64 << 10, /* bytes, as the relay has it */
    BODY_MAX = 1 << 30,
    TIMEOUT_MAX_MS = 3600 * 1000,
    LATE_MAX_MS = 24 * 3600 * 1000,
};

static const char usage[] =
    "usage: relaycat [OPTION]... RELAY-BASE-URL PATH\n"
    "       relaycat [OPTION]... --send FILE RELAY-BASE-URL\n"
    "\n"
    "An encrypting curl: pairs with a relay, seals one request, prints the opened response.\n"
    "\n"
    "  -X METHOD         the method (default GET, or POST with -d)\n"
    "  -H 'name: value'  a field of the request; may be repeated; none is added\n"
    "  -d DATA           the body; @FILE: what is in the file; @-: standard input\n"
    "  -f                exit 22 for a status of 400 or more\n"
    "  -i                print status and fields before the body\n"
    "  -v                show the handshake, headers, frames and times on standard error\n"
    "  --mte             seal as one padded token instead of a stream (MKE)\n"
    "  --suite aes|chacha  offer only this one (default both, aes first)\n"
    "  --authority HOST  the request's authority (default that of RELAY-BASE-URL)\n"
    "  --timeout TIME    for connecting, and for each silence (default 60s)\n"
    "  --repeat N        send the request N times under one pair, up to the first failure\n"
    "  --late TIME       seal it as it would have been so long ago\n"
    "  --save FILE       write the sealed message to FILE instead of sending it\n"
    "  --send FILE       send such a file as it is, and print the code of the refusal, or\n"
    "                    \"answered\": the response is looked at but cannot be opened\n"
    "  -h, --help        print this and exit\n"
    "  -V, --version     print the version and exit\n"
    "\n"
    "RELAY-BASE-URL is http:// only in this version: what is sealed needs no TLS to be secret.\n"
    "PATH is asked of the API behind the relay; it includes the query.\n"
    "\n"
    "Environment (each secret also as NAME_FILE, the path of a file):\n"
    "  SECRET            that of the relay; empty where its is\n"
    "  CLIENT_ID_SECRET  our own, not the relay's: makes the node that we pair as\n"
    "  UPSTREAM          goes into the node, too (default http://relaycat.invalid)\n"
    "\n"
    "Exit status: 0 answered, whatever the status; 1 wrong usage or a failure on this side;\n"
    "2 cannot connect; 3 refused by an authentic ERR frame; 4 a violation of the protocol, or a\n"
    "broken-off answer; 22 see -f.\n";

enum { MTE = 256, SUITE, AUTHORITY, TIMEOUT, REPEAT, LATE, SAVE, SEND };

static const struct option long_options[] = {
    { "mte", no_argument, NULL, MTE },
    { "suite", required_argument, NULL, SUITE },
    { "authority", required_argument, NULL, AUTHORITY },
    { "timeout", required_argument, NULL, TIMEOUT },
    { "repeat", required_argument, NULL, REPEAT },
    { "late", required_argument, NULL, LATE },
    { "save", required_argument, NULL, SAVE },
    { "send", required_argument, NULL, SEND },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { NULL, 0, NULL, 0 },
};

static void require(bool holds, const char *otherwise)
{
    if (holds)
        return;
    exit(outcome_tell(OUTCOME_FAILED_HERE, "%s; see relaycat --help", otherwise));
}

/* ---- the command line ---- */

/* Field names are lower case in Binary HTTP; those of the command line become it. */
static void add_field(struct options *o, char *text)
{
    struct span name = span_part(span_text(text), 0, strcspn(text, ":"));
    struct bhttp_field field;

    require(name.len < strlen(text), "-H takes 'name: value'");
    require(o->n_fields < OPTIONS_FIELDS_MAX, "more than 256 fields");
    for (size_t i = 0; i < name.len; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    }
    field = (struct bhttp_field){ name, span_trim(span_text(text + name.len + 1)) };
    require(bhttp_field_ok(field, true), "the protocol carries no such field as -H has");
    o->fields[o->n_fields++] = field;
}

static uint8_t parse_suite(const char *text)
{
    if (strcmp(text, "aes") == 0)
        return SUITE_AES_256_GCM;
    require(strcmp(text, "chacha") == 0, "--suite takes aes or chacha");
    return SUITE_CHACHA20_POLY1305;
}

static uint64_t parse_time(struct span text, uint64_t min_ms, uint64_t max_ms,
                           const char *otherwise)
{
    uint64_t ms = 0;

    require(text_duration(text, &ms) == 0 && ms >= min_ms && ms <= max_ms, otherwise);
    return ms;
}

static void take_option(struct options *o, int c)
{
    struct span text = span_text(optarg);

    switch (c) {
    case 'X':
        require(bhttp_method_ok(text), "the protocol carries no such method as -X has");
        o->method = text;
        break;
    case 'H':
        add_field(o, optarg);
        break;
    case 'd':
        o->data = optarg;
        break;
    case 'f':
        o->fail_on_status = true;
        break;
    case 'i':
        o->show_head = true;
        break;
    case 'v':
        o->verbose = true;
        break;
    case MTE:
        o->mte = true;
        break;
    case SUITE:
        o->suite = parse_suite(optarg);
        break;
    case AUTHORITY:
        o->authority = text;
        break;
    case TIMEOUT:
        o->timeout_ms = parse_time(text, 1, TIMEOUT_MAX_MS, "--timeout takes 1ms to 1h");
        break;
    case REPEAT:
        require(text_u64(text, ENVELOPE_COUNTER_END, &o->n_requests) == 0 && o->n_requests > 0,
                "--repeat takes a number from 1 to 16777216");
        break;
    case LATE:
        o->late_ms = parse_time(text, 0, LATE_MAX_MS, "--late takes 0ms to 1d");
        break;
    case SAVE:
        o->save = optarg;
        break;
    case SEND:
        o->send = optarg;
        break;
    case 'h':
        fputs(usage, stdout);
        exit(OUTCOME_ANSWERED);
    case 'V':
        puts("relaycat (" PACKAGE_STRING ")");
        exit(OUTCOME_ANSWERED);
    default:
        exit(OUTCOME_FAILED_HERE); /* getopt has said why */
    }
}

/* The reader of HEADs knows what an authority may be. */
static bool head_ok(const struct options *o)
{
    struct bhttp_request request;
    struct bhttp_writer w;
    struct buffer head;
    int r;

    buffer_init(&head, 0);
    bhttp_begin_request(&w, &head, o->method, SPAN("http"), o->authority, o->path);
    r = bhttp_end(&w);
    if (r == 0)
        r = bhttp_read_request(buffer_span(&head), &request);
    buffer_fini(&head);
    return r == 0;
}

static void take_target(struct options *o, int n, char **words)
{
    const char *why;

    require(n == (o->send != NULL ? 1 : 2), o->send != NULL
                                                ? "with --send it takes RELAY-BASE-URL alone"
                                                : "it takes RELAY-BASE-URL and PATH");
    if (url_parse(span_text(words[0]), &o->relay, &why) < 0)
        require(false, why);
    require(!o->relay.tls, "https:// is not in this version");
    if (o->send != NULL)
        return;
    o->path = span_text(words[1]);
    if (o->method.len == 0)
        o->method = o->data != NULL ? SPAN("POST") : SPAN("GET");
    if (o->authority.at == NULL) {
        url_put_authority(&o->relay_authority, &o->relay);
        o->authority = buffer_span(&o->relay_authority);
    }
    require(bhttp_path_ok(o->path, o->method), "the protocol carries no such PATH");
    require(head_ok(o), "the protocol carries no such --authority");
    require(o->save == NULL || o->n_requests == 1, "--save takes one message: no --repeat");
}

void options_parse(int argc, char **argv, struct options *options_r)
{
    int c;

    *options_r = (struct options){ .n_requests = 1, .timeout_ms = 60 * 1000 };
    buffer_init(&options_r->relay_authority, 0);
    while ((c = getopt_long(argc, argv, "X:H:d:fivhV", long_options, NULL)) != -1)
        take_option(options_r, c);
    take_target(options_r, argc - optind, argv + optind);
}

void options_fini(struct options *options)
{
    buffer_fini(&options->relay_authority);
}

enum outcome options_read_body(const struct options *options, struct buffer *to)
{
    const char *path = options->send;
    int r;

    if (path == NULL && options->data == NULL)
        return OUTCOME_ANSWERED;
    if (path == NULL && options->data[0] != '@') {
        buffer_put_text(to, options->data);
        r = buffer_error(to);
    } else {
        path = path != NULL ? path : options->data + 1;
        r = strcmp(path, "-") == 0 ? fd_read_all(STDIN_FILENO, BODY_MAX, to)
                                   : fd_read_file(path, BODY_MAX, to);
    }
    if (r < 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "the body: %s%s%s", path != NULL ? path : "",
                            path != NULL ? ": " : "", error_text(r));
    return OUTCOME_ANSWERED;
}

/* ---- the environment ---- */

/* The value of NAME, or what is in the file of NAME_FILE less one newline at its end. */
static enum outcome read_secret(const char *name, struct buffer *secret)
{
    const char *value = getenv(name), *path;
    char name_of_path[32];
    int r;

    snprintf(name_of_path, sizeof(name_of_path), "%s_FILE", name);
    path = getenv(name_of_path);
    if (path == NULL) {
        buffer_put_text(secret, value);
        r = buffer_error(secret);
    } else if (value != NULL) {
        return outcome_tell(OUTCOME_FAILED_HERE, "%s and %s: which of them?", name, name_of_path);
    } else {
        r = fd_read_file(path, SECRET_MAX, secret);
    }
    if (r < 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "%s: %s", path != NULL ? name_of_path : name,
                            error_text(r));
    if (path == NULL)
        return OUTCOME_ANSWERED;
    if (span_ends(buffer_span(secret), SPAN("\n")))
        buffer_cut(secret, buffer_len(secret) - 1);
    if (buffer_len(secret) == 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "%s: the file is empty", name_of_path);
    return OUTCOME_ANSWERED;
}

static enum outcome make_identity(struct span secret, struct span client_id_secret,
                                  struct identity *identity_r)
{
    struct identity_config config = { .secret = secret, .client_id_secret = client_id_secret };
    const char *upstream = getenv("UPSTREAM"), *why;
    int r;

    if (client_id_secret.len == 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "CLIENT_ID_SECRET is not in the environment");
    if (secret.len == 0)
        fputs("relaycat: SECRET is empty: anybody could answer in the relay's place\n", stderr);
    if (upstream == NULL || upstream[0] == '\0')
        upstream = "http://relaycat.invalid";
    if (url_parse(span_text(upstream), &config.upstream, &why) < 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "UPSTREAM: %s", why);
    r = identity_init(identity_r, &config);
    if (r < 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "deriving keys: %s", error_text(r));
    return OUTCOME_ANSWERED;
}

enum outcome options_identity(struct identity *identity_r)
{
    struct buffer secret, client_id_secret;
    enum outcome outcome;

    buffer_init_secret(&secret, 0);
    buffer_init_secret(&client_id_secret, 0);
    outcome = read_secret("SECRET", &secret);
    if (outcome == OUTCOME_ANSWERED)
        outcome = read_secret("CLIENT_ID_SECRET", &client_id_secret);
    if (outcome == OUTCOME_ANSWERED)
        outcome = make_identity(buffer_span(&secret), buffer_span(&client_id_secret), identity_r);
    buffer_fini(&secret);
    buffer_fini(&client_id_secret);
    return outcome;
}
