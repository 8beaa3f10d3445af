/* SPDX-License-Identifier: MIT */
/*
 * What it costs to seal and open one message, without relays and network: the floor under a sealed
 * request. Half of what a request and its answer take in a pair of relays, were both of that size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/envelope.h"

enum { HEAD_LEN = 200, BYTES_A_RUN = 512 << 20, MESSAGES_A_RUN = 200000 };

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int count(void *arg, enum part part, struct span bytes)
{
    (void)part;
    *(size_t *)arg += bytes.len;
    return 0;
}

static int seal(struct pair_keys *keys, struct span body, struct envelope_request *request_r,
                struct buffer *out)
{
    static const uint8_t head[HEAD_LEN];
    struct sealer *sealer = NULL;
    int r = sealer_new_request(keys, CODEC_MKE, 1, 1, request_r, &sealer);

    if (r == 0)
        r = sealer_put(sealer, PART_HEAD, span_of(head, sizeof(head)), false, out);
    if (r == 0)
        r = sealer_put(sealer, PART_DATA, body, true, out);
    sealer_free(&sealer);
    return r;
}

static int open_sealed(struct pair_keys *keys, const struct envelope_request *request,
                       struct span message, size_t *n_r)
{
    struct opener *opener = NULL;
    int r = opener_new_request(keys, request, &opener);

    if (r == 0)
        r = opener_feed(opener, span_from(message, ENVELOPE_REQ_LEN), count, n_r);
    if (r == 0 && !opener_ended(opener))
        r = ERR_SHORT;
    opener_free(&opener);
    return r;
}

static int measure(struct pair_keys *keys, size_t len)
{
    size_t n = BYTES_A_RUN / len < MESSAGES_A_RUN ? BYTES_A_RUN / len : MESSAGES_A_RUN, opened = 0;
    uint8_t *body = calloc(1, len);
    struct envelope_request request;
    struct buffer out;
    double begin = cpu_us();
    int r = body != NULL ? 0 : ERR_LIMIT;

    buffer_init(&out, 0);
    for (size_t i = 0; r == 0 && i < n; i++) {
        buffer_clear(&out);
        r = seal(keys, span_of(body, len), &request, &out);
        if (r == 0)
            r = open_sealed(keys, &request, buffer_span(&out), &opened);
    }
    if (r == 0 && opened != n * (len + HEAD_LEN))
        r = ERR_FORMAT;
    if (r == 0)
        printf("%8zu bytes  %8.2f us to seal and open\n", len, (cpu_us() - begin) / (double)n);
    buffer_fini(&out);
    free(body);
    return r;
}

int main(void)
{
    static const size_t lengths[] = { 1, 1 << 10, 1 << 14, 1 << 16, 1 << 20 };
    const struct pair_secret secret = { .suite = SUITE_AES_256_GCM };
    struct pair_keys *keys = NULL;
    int r = crypto_init();

    if (r == 0)
        r = pair_keys_new(&secret, &keys);
    for (size_t i = 0; r == 0 && i < sizeof(lengths) / sizeof(*lengths); i++)
        r = measure(keys, lengths[i]);
    pair_keys_free(&keys);
    crypto_fini();
    if (r < 0)
        fprintf(stderr, "bench_messages: %s\n", error_text(r));
    return r < 0;
}
