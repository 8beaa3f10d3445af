/* SPDX-License-Identifier: MIT */
/*
 * For tests, fuzz targets and vectors: messages sealed frame by frame under a known pair, as wrong
 * as one likes, and messages opened in slices. Whatever should not fail aborts.
 */
#ifndef TESTS_UNIT_FORGE_H
#define TESTS_UNIT_FORGE_H

#include "common/envelope.h"
#include "common/frame.h"

/* A pair of fixed bytes. Freed with pair_keys_free(). */
struct pair_keys *forge_keys(enum suite suite);

struct forge {
    struct buffer out;
    struct frame_cipher cipher;
};

/* Headers with counting bytes for salts. */
void forge_request(struct forge *f, struct pair_keys *keys, enum codec codec,
                   struct envelope_request *request_r);
void forge_response(struct forge *f, struct pair_keys *keys, const struct envelope_request *request,
                    enum codec codec);
/* The frame of the current number; bit 7 of kind is END. */
void forge_frame(struct forge *f, uint8_t kind, struct span plain);
struct span forge_message(const struct forge *f);
void forge_fini(struct forge *f);

/* What came out of an opener. */
struct opened {
    struct buffer order; /* a letter a part: H A D T */
    struct buffer head, again, data, trailers;
    int stop_at; /* the part, counted from 1, to which the receiver says ERR_CANCELLED; 0 = none */
    bool ended;
};

void opened_init(struct opened *o);
void opened_fini(struct opened *o);

/* Feeds the message in slices of so many bytes, each in memory of its exact size; 0 = random ones.
 */
int open_request(struct pair_keys *keys, struct span message, size_t slice, struct opened *o);
int open_response(struct pair_keys *keys, const struct envelope_request *request,
                  struct span message, size_t slice, struct opened *o);

#endif
