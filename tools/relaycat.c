/* SPDX-License-Identifier: MIT */
/*
 * relaycat: an encrypting curl. Pairs with a relay, seals one request, prints the opened response;
 * shows on the way what of the protocol can be shown. For operators, and for tests that want to be
 * rude. Stands on common/ alone: the protocol's second reader beside the relay.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/text.h"
#include "tools/relaycat_frames.h"
#include "tools/relaycat_peer.h"
#include "tools/relaycat_request.h"

struct relaycat {
    struct options options;
    struct identity identity;
    struct peer peer;
    struct buffer body; /* of the request, or the file of --send */
    struct pairing_result pair;
    struct pair_keys *keys; /* owned */
    FILE *trace;            /* NULL = silent */
};

/* ---- what -v shows beside the messages ---- */

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void show_time(const struct relaycat *cat, const char *what, double began_ms)
{
    if (cat->trace != NULL)
        fprintf(cat->trace, "* %s: %.1f ms\n", what, now_ms() - began_ms);
}

/* Only now is all of this authentic. */
static void show_pair(const struct relaycat *cat)
{
    const struct pairing_result *pair = &cat->pair;
    char id[2 * PAIR_ID_LEN + 1], node[2 * NODE_LEN + 1];

    if (cat->trace == NULL)
        return;
    text_hex(span_of(pair->secret.id, PAIR_ID_LEN), id);
    text_hex(span_of(pair->node, NODE_LEN), node);
    fprintf(cat->trace,
            "* paired: pair_id %s, node %s, suite %s, skew %+lld ms, lifetime %u s, "
            "max body %llu bytes, ML-KEM of %s\n",
            id, node, layout_suite((uint8_t)pair->secret.suite), (long long)pair->skew_ms,
            pair->lifetime_s, (unsigned long long)pair->max_body, kem_provider());
}

/* ---- pairing ---- */

static enum outcome finish_pairing(struct relaycat *cat, struct pairing *pairing, struct http *http)
{
    struct buffer m2;
    int r;

    buffer_init(&m2, PAIRING_M2_LEN);
    r = http_read_body(http, &m2);
    if (r < 0) {
        buffer_fini(&m2);
        return peer_broken(http, r);
    }
    layout_print(cat->trace, '<', LAYOUT_M2, buffer_span(&m2));
    r = pairing_finish(pairing, buffer_span(&m2), clock_wall_ms(), &cat->pair);
    buffer_fini(&m2);
    if (r == -ENOMEM || r == ERR_CRYPTO)
        return outcome_tell(OUTCOME_FAILED_HERE, "pairing: %s", error_text(r));
    if (r < 0)
        return outcome_tell(OUTCOME_VIOLATION, "M2: %s", error_text(r));
    r = pair_keys_new(&cat->pair.secret, &cat->keys);
    if (r < 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "the keys of the pair: %s", error_text(r));
    show_pair(cat);
    return OUTCOME_ANSWERED;
}

static enum outcome make_pair(struct relaycat *cat)
{
    struct pairing_offer offer = { .suites = { SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305 },
                                   .now_ms = clock_wall_ms() };
    struct peer_answer answer = { .http = NULL };
    struct pairing *pairing = NULL;
    double began_ms = now_ms();
    enum outcome outcome;
    int r;

    if (cat->options.suite != 0) {
        offer.suites[0] = cat->options.suite;
        offer.suites[1] = 0;
    }
    r = pairing_start(&cat->identity, &offer, &pairing);
    if (r < 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "making M1: %s", error_text(r));
    layout_print(cat->trace, '>', LAYOUT_M1, pairing_m1(pairing));
    outcome = peer_post(&cat->peer, PEER_PAIR, pairing_m1(pairing), &answer);
    if (outcome == OUTCOME_ANSWERED)
        outcome = finish_pairing(cat, pairing, answer.http);
    peer_answer_fini(&answer);
    pairing_free(&pairing);
    show_time(cat, "pair", began_ms);
    return outcome;
}

/* ---- requests ---- */

static enum outcome save(const char *path, struct span message)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int r = fd >= 0 ? fd_write_all(fd, message) : -errno;

    if (fd >= 0 && close(fd) < 0 && r == 0)
        r = -errno;
    if (r < 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "%s: %s", path, error_text(r));
    return OUTCOME_ANSWERED;
}

static enum outcome send_request(const struct relaycat *cat, const struct request *request,
                                 struct span message)
{
    double began_ms = now_ms();
    struct peer_answer answer;
    enum outcome outcome = peer_post(&cat->peer, PEER_RELAY, message, &answer);

    show_time(cat, "answer begins", began_ms);
    if (outcome == OUTCOME_ANSWERED)
        outcome = request_print_answer(request, answer.http);
    peer_answer_fini(&answer);
    show_time(cat, "answer", began_ms);
    return outcome;
}

static enum outcome make_request(struct relaycat *cat, uint64_t counter)
{
    struct request request = {
        .options = &cat->options,
        .keys = cat->keys,
        .trace = cat->trace,
        .counter = counter,
        .time_ms = clock_wall_ms() + (uint64_t)cat->pair.skew_ms - cat->options.late_ms,
    };
    double began_ms = now_ms();
    struct buffer message;
    enum outcome outcome;

    buffer_init(&message, 0);
    outcome = request_seal(&request, buffer_span(&cat->body), &message);
    show_time(cat, "seal", began_ms);
    if (outcome == OUTCOME_ANSWERED)
        outcome = cat->options.save != NULL ? save(cat->options.save, buffer_span(&message))
                                            : send_request(cat, &request, buffer_span(&message));
    buffer_fini(&message);
    return outcome;
}

static enum outcome pair_and_ask(struct relaycat *cat)
{
    enum outcome outcome = make_pair(cat);

    for (uint64_t i = 0; outcome == OUTCOME_ANSWERED && i < cat->options.n_requests; i++)
        outcome = make_request(cat, i);
    return outcome;
}

/* ---- bytes of a file ---- */

static enum outcome look_at(const struct relaycat *cat, struct http *http)
{
    struct frames frames;
    struct span piece;
    int r;

    frames_init_response(&frames, cat->trace);
    do {
        r = http_read_piece(http, &piece);
        if (r < 0)
            return peer_broken(http, r);
        r = frames_feed(&frames, piece);
    } while (r == 0 && piece.len > 0);
    if (r < 0 || !frames_complete(&frames))
        return outcome_tell(OUTCOME_VIOLATION, "what answers is no whole response");
    puts("answered");
    return OUTCOME_ANSWERED;
}

static enum outcome send_file(const struct relaycat *cat)
{
    struct peer_answer answer;
    enum outcome outcome = peer_post(&cat->peer, PEER_RELAY, buffer_span(&cat->body), &answer);

    if (outcome == OUTCOME_REFUSED)
        puts(errframe_name(answer.code));
    if (outcome == OUTCOME_ANSWERED)
        outcome = look_at(cat, answer.http);
    peer_answer_fini(&answer);
    return outcome;
}

/* ---- begin and end ---- */

static enum outcome run(struct relaycat *cat)
{
    enum outcome outcome = options_read_body(&cat->options, &cat->body);

    if (outcome == OUTCOME_ANSWERED)
        outcome = options_identity(&cat->identity);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    cat->trace = cat->options.verbose ? stderr : NULL;
    cat->peer = (struct peer){ .url = &cat->options.relay,
                               .identity = &cat->identity,
                               .timeout_ms = (int)cat->options.timeout_ms,
                               .trace = cat->trace };
    outcome = cat->options.send != NULL ? send_file(cat) : pair_and_ask(cat);
    if (fflush(stdout) != 0)
        outcome = outcome_tell(OUTCOME_FAILED_HERE, "standard output: %s", error_text(-errno));
    return outcome;
}

int main(int argc, char **argv)
{
    struct relaycat cat = { .keys = NULL };
    enum outcome outcome;
    int r;

    options_parse(argc, argv, &cat.options);
    buffer_init_secret(&cat.body, 0);
    r = crypto_init();
    if (r == 0)
        r = kem_init();
    outcome =
        r == 0 ? run(&cat) : outcome_tell(OUTCOME_FAILED_HERE, "self-test: %s", error_text(r));
    pair_keys_free(&cat.keys);
    secret_wipe(&cat.pair, sizeof(cat.pair));
    identity_fini(&cat.identity);
    buffer_fini(&cat.body);
    options_fini(&cat.options);
    kem_fini();
    crypto_fini();
    return outcome;
}
