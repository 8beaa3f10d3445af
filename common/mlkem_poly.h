/* SPDX-License-Identifier: MIT */
/*
 * The ring of ML-KEM: polynomials of 256 coefficients modulo q, X^256 + 1 (FIPS 203, 4.2 and 4.3).
 * Every coefficient is in 0 .. q - 1 between calls. But for poly_sample_uniform(), whose bytes are
 * public, no branch, index or division depends on a coefficient.
 */
#ifndef COMMON_MLKEM_POLY_H
#define COMMON_MLKEM_POLY_H

#include "common/span.h"

enum { POLY_N = 256, POLY_Q = 3329 };

struct poly {
    uint16_t c[POLY_N];
};

/* To and from the domain where a product is made of products of degree one, in place. */
void poly_ntt(struct poly *f);
void poly_ntt_inverse(struct poly *f);

/* f += g; f -= g. */
void poly_add(struct poly *f, const struct poly *g);
void poly_sub(struct poly *f, const struct poly *g);
/* sum += f * g, all three in the NTT domain. */
void poly_multiply_add(struct poly *sum, const struct poly *f, const struct poly *g);

/* SampleNTT on these bytes; false where they are too few. */
bool poly_sample_uniform(struct span bytes, struct poly *f_r);
/* SamplePolyCBD for eta = 2: coefficients -2 .. 2. */
void poly_sample_small(const uint8_t bytes[static POLY_N / 2], struct poly *f_r);

/* Each coefficient to d bits and (about) back: 1 <= d <= 10. */
void poly_compress(struct poly *f, unsigned d);
void poly_decompress(struct poly *f, unsigned d);

/* d bits a coefficient, 32 d bytes in all. Decoding takes what 12 bits hold modulo q. */
void poly_encode(const struct poly *f, unsigned d, uint8_t *bytes_r);
void poly_decode(const uint8_t *bytes, unsigned d, struct poly *f_r);

/* The same value, of which the compiler knows nothing: it cannot branch on a mask or a bit. */
static inline uint32_t poly_hidden(uint32_t v)
{
    __asm__("" : "+r"(v));
    return v;
}

#endif
