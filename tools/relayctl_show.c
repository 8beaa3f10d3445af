/* SPDX-License-Identifier: MIT */
/* Tables: a head, a row an item. What comes from the relay is shown without control bytes, for a
 * terminal would obey them. */
#include "tools/relayctl_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { AGE_LEN = 32, TEXT_LEN = 512 };

static uint64_t number(const struct json_value *object, const char *name)
{
    return json_value_number(json_value_member(object, name));
}

/* Padded to width. */
static void print_text(const struct json_value *object, const char *name, int width)
{
    char text[TEXT_LEN];
    size_t n = strnlen(json_value_text(json_value_member(object, name)), TEXT_LEN - 1);

    memcpy(text, json_value_text(json_value_member(object, name)), n);
    text[n] = 0;
    for (size_t i = 0; i < n; i++)
        text[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    printf("%-*s", width, text);
}

/* "3d 4h", "2m 5s": the two largest units. */
static const char *age(uint64_t s, char text_r[static AGE_LEN])
{
    if (s >= 86400)
        snprintf(text_r, AGE_LEN, "%" PRIu64 "d %" PRIu64 "h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        snprintf(text_r, AGE_LEN, "%" PRIu64 "h %" PRIu64 "m", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        snprintf(text_r, AGE_LEN, "%" PRIu64 "m %" PRIu64 "s", s / 60, s % 60);
    else
        snprintf(text_r, AGE_LEN, "%" PRIu64 "s", s);
    return text_r;
}

bool show_is_good(const struct json_value *answer)
{
    return json_value_is_true(json_value_member(answer, "ok"));
}

static void show_relay(const struct json_value *answer)
{
    const struct json_value *requests = json_value_member(answer, "requests");
    const struct json_value *pairs = json_value_member(answer, "pairs");
    const struct json_value *redis = json_value_member(answer, "redis");
    char text[AGE_LEN];

    printf("relay        ");
    print_text(answer, "state", 0);
    printf(", version ");
    print_text(answer, "version", 0);
    printf(", pid %" PRIu64 ", up %s\n", number(answer, "pid"),
           age(number(answer, "uptime_s"), text));
    printf("settings     generation %" PRIu64 ", in force for %s, SECRET ",
           number(answer, "generation"), age(number(answer, "settings_age_s"), text));
    print_text(answer, "secret_strength", 0);
    printf("\nrequests     %" PRIu64 " in flight; so far %" PRIu64 " outbound, %" PRIu64
           " inbound, %" PRIu64 " passed through, %" PRIu64 " answered here, %" PRIu64 " refused\n",
           number(requests, "in_flight"), number(requests, "outbound"), number(requests, "inbound"),
           number(requests, "plain"), number(requests, "own"), number(requests, "refused"));
    printf("connections  %" PRIu64 "\n", number(answer, "connections"));
    printf("pairs        %" PRIu64 " with peers, %" PRIu64 " of peers with us\n",
           number(pairs, "with_peers"), number(pairs, "of_peers"));
    printf("store        ");
    print_text(answer, "store", 0);
    if (number(redis, "workers_up") + number(redis, "workers_away") > 0)
        printf(": usable for %" PRIu64 " workers, away for %" PRIu64, number(redis, "workers_up"),
               number(redis, "workers_away"));
    printf("\nworkers      %" PRIu64 " wanted; %" PRIu64 " starts, %" PRIu64 " deaths\n",
           number(answer, "workers_wanted"), number(answer, "worker_starts"),
           number(answer, "worker_deaths"));
}

static void show_workers(const struct json_value *workers)
{
    char text[AGE_LEN];

    printf("\n%4s  %-9s %8s %5s %10s %9s %11s %10s %12s %6s\n", "SLOT", "STATE", "PID", "GEN", "UP",
           "RESTARTS", "REQUESTS", "IN FLIGHT", "CONNECTIONS", "PAIRS");
    for (size_t i = 0; i < json_value_n_items(workers); i++) {
        const struct json_value *worker = json_value_item(workers, i);

        printf("%4" PRIu64 "  ", number(worker, "slot"));
        print_text(worker, "state", 9);
        printf(" %8" PRIu64 " %5" PRIu64 " %10s %9" PRIu64 " %11" PRIu64 " %10" PRIu64 " %12" PRIu64
               " %6" PRIu64 "\n",
               number(worker, "pid"), number(worker, "generation"),
               age(number(worker, "uptime_s"), text), number(worker, "restarts"),
               number(worker, "requests"), number(worker, "in_flight"),
               number(worker, "connections"), number(worker, "pairs"));
    }
}

static void show_peers(const struct json_value *peers)
{
    printf("%4s  %-11s %-4s  %s\n", "SLOT", "STATE", "PAIR", "PEER");
    for (size_t i = 0; i < json_value_n_items(peers); i++) {
        const struct json_value *peer = json_value_item(peers, i);

        printf("%4" PRIu64 "  ", number(peer, "slot"));
        print_text(peer, "state", 11);
        printf(" %-4s  ", json_value_is_true(json_value_member(peer, "pair")) ? "yes" : "no");
        print_text(peer, "url", 0);
        if (json_value_member(peer, "failure") != NULL) {
            printf(": ");
            print_text(peer, "failure", 0);
        }
        printf("\n");
    }
}

void show_pairs(const struct json_value *answer)
{
    const struct json_value *peers = json_value_member(answer, "peers");

    if (json_value_n_items(peers) == 0)
        printf("no worker has sent to a peer yet\n");
    else
        show_peers(peers);
}

void show_status(const struct json_value *answer)
{
    const struct json_value *peers = json_value_member(answer, "peers");

    show_relay(answer);
    show_workers(json_value_member(answer, "workers"));
    if (json_value_n_items(peers) > 0) {
        printf("\n");
        show_peers(peers);
    }
}

void show_done(const char *command, const struct json_value *answer)
{
    if (strcmp(command, "reload") == 0)
        printf("the settings are in force: generation %" PRIu64 ", %" PRIu64 " workers\n",
               number(answer, "generation"), number(answer, "workers"));
    else if (json_value_member(answer, "workers") != NULL)
        printf("%" PRIu64 " workers were told\n", number(answer, "workers"));
    else
        printf("the relay stops\n");
}

void show_refusal(const struct json_value *answer)
{
    const struct json_value *reasons = json_value_member(answer, "reasons");

    fprintf(stderr, "relayctl: %s\n", json_value_text(json_value_member(answer, "error")));
    for (size_t i = 0; i < json_value_n_items(reasons); i++)
        fprintf(stderr, "  %s\n", json_value_text(json_value_item(reasons, i)));
}
