/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic, sampling and encoding of polynomials for ML-KEM, written from FIPS 203. Pure: owns
 * nothing, allocates nothing, calls nobody. Quotients are products: a compiler may turn a division
 * by a constant into a division instruction, whose time tells the dividend.
 */
#include "common/mlkem_poly.h"

/* Montgomery's R is 2^16. */
enum {
    MINUS_Q_INVERSE = 3327, /* -1 / q modulo R */
    R_SQUARED = 1353,       /* R^2 modulo q */
    R_BY_128 = 512,         /* R / 128 modulo q */
};

/* 17^BitRev7(i) * R modulo q: what FIPS 203 calls zeta to these powers, in Montgomery form. */
static const uint16_t zetas[128] = {
    2285, 2571, 2970, 1812, 1493, 1422, 287,  202,  3158, 622,  1577, 182,  962,  2127, 1855, 1468,
    573,  2004, 264,  383,  2500, 1458, 1727, 3199, 2648, 1017, 732,  608,  1787, 411,  3124, 1758,
    1223, 652,  2777, 1015, 2036, 1491, 3047, 1785, 516,  3321, 3009, 2663, 1711, 2167, 126,  1469,
    2476, 3239, 3058, 830,  107,  1908, 3082, 2378, 2931, 961,  1821, 2604, 448,  2264, 677,  2054,
    2226, 430,  555,  843,  2078, 871,  1550, 105,  422,  587,  177,  3094, 3038, 2869, 1574, 1653,
    3083, 778,  1159, 3182, 2552, 1483, 2727, 1119, 1739, 644,  2457, 349,  418,  329,  3173, 3254,
    817,  1097, 603,  610,  1322, 2044, 1864, 384,  2114, 3193, 1218, 1994, 2455, 220,  2142, 1670,
    2144, 1799, 2051, 794,  1819, 2475, 2459, 478,  3221, 3021, 996,  991,  958,  1869, 1522, 1628,
};

/* x modulo q for x < 2 q. */
static inline uint16_t reduce_once(uint32_t x)
{
    uint32_t less = x - POLY_Q;

    return (uint16_t)(less + (POLY_Q & (0 - (less >> 31))));
}

/* x / R modulo q for x < q R. */
static inline uint16_t montgomery(uint32_t x)
{
    uint32_t m = (x * MINUS_Q_INVERSE) & 0xffff;

    return reduce_once((x + m * POLY_Q) >> 16);
}

static inline uint16_t add(uint16_t a, uint16_t b)
{
    return reduce_once((uint32_t)a + b);
}

static inline uint16_t sub(uint16_t a, uint16_t b)
{
    return reduce_once((uint32_t)a + POLY_Q - b);
}

/* a * b / R modulo q: the plain product where one factor is in Montgomery form. */
static inline uint16_t mul(uint16_t a, uint16_t b)
{
    return montgomery((uint32_t)a * b);
}

/* FIPS 203, algorithm 9. */
void poly_ntt(struct poly *f)
{
    const uint16_t *zeta = zetas;

    for (size_t len = POLY_N / 2; len >= 2; len /= 2) {
        for (uint16_t *low = f->c; low < f->c + POLY_N; low += 2 * len) {
            uint16_t *high = low + len, factor = *++zeta;

            for (size_t i = 0; i < len; i++) {
                uint16_t t = mul(factor, high[i]);

                high[i] = sub(low[i], t);
                low[i] = add(low[i], t);
            }
        }
    }
}

/* FIPS 203, algorithm 10. */
void poly_ntt_inverse(struct poly *f)
{
    const uint16_t *zeta = zetas + 128;

    for (size_t len = 2; len <= POLY_N / 2; len *= 2) {
        for (uint16_t *low = f->c; low < f->c + POLY_N; low += 2 * len) {
            uint16_t *high = low + len, factor = *--zeta;

            for (size_t i = 0; i < len; i++) {
                uint16_t t = low[i];

                low[i] = add(t, high[i]);
                high[i] = mul(factor, sub(high[i], t));
            }
        }
    }
    for (size_t i = 0; i < POLY_N; i++)
        f->c[i] = mul(f->c[i], R_BY_128);
}

void poly_add(struct poly *f, const struct poly *g)
{
    for (size_t i = 0; i < POLY_N; i++)
        f->c[i] = add(f->c[i], g->c[i]);
}

void poly_sub(struct poly *f, const struct poly *g)
{
    for (size_t i = 0; i < POLY_N; i++)
        f->c[i] = sub(f->c[i], g->c[i]);
}

/* (f0 + f1 X) (g0 + g1 X) modulo X^2 - gamma, added to sum; gamma in Montgomery form. */
static inline void multiply_add_pair(uint16_t *sum, const uint16_t *f, const uint16_t *g,
                                     uint16_t gamma)
{
    /* Sums of two products are below 2 q^2, well under q R. */
    uint16_t c0 = montgomery((uint32_t)f[0] * g[0] + (uint32_t)mul(f[1], g[1]) * gamma);
    uint16_t c1 = montgomery((uint32_t)f[0] * g[1] + (uint32_t)f[1] * g[0]);

    sum[0] = add(sum[0], mul(c0, R_SQUARED));
    sum[1] = add(sum[1], mul(c1, R_SQUARED));
}

/* FIPS 203, algorithms 11 and 12: gamma is zeta^(2 BitRev7(i) + 1), and the next one is -gamma. */
void poly_multiply_add(struct poly *sum, const struct poly *f, const struct poly *g)
{
    for (size_t i = 0; i < POLY_N; i += 4) {
        uint16_t gamma = zetas[64 + i / 4];

        multiply_add_pair(sum->c + i, f->c + i, g->c + i, gamma);
        multiply_add_pair(sum->c + i + 2, f->c + i + 2, g->c + i + 2, POLY_Q - gamma);
    }
}

/* FIPS 203, algorithm 7: 12 bits at a time, those of q or more passed over. */
bool poly_sample_uniform(struct span bytes, struct poly *f_r)
{
    size_t n = 0;

    for (const uint8_t *at = bytes.at; at + 3 <= bytes.at + bytes.len && n < POLY_N; at += 3) {
        uint16_t first = (uint16_t)(at[0] | (at[1] & 15) << 8);
        uint16_t second = (uint16_t)(at[1] >> 4 | at[2] << 4);

        if (first < POLY_Q)
            f_r->c[n++] = first;
        if (second < POLY_Q && n < POLY_N)
            f_r->c[n++] = second;
    }
    return n == POLY_N;
}

/* FIPS 203, algorithm 8: a coefficient is the sum of two bits less the sum of two others. */
void poly_sample_small(const uint8_t bytes[static POLY_N / 2], struct poly *f_r)
{
    for (size_t i = 0; i < POLY_N / 2; i++) {
        unsigned sums = (bytes[i] & 0x55u) + (bytes[i] >> 1 & 0x55u); /* four of two bits */

        f_r->c[2 * i] = sub(sums & 3, sums >> 2 & 3);
        f_r->c[2 * i + 1] = sub(sums >> 4 & 3, sums >> 6);
    }
}

/* n / q, exact for n < 2^22: 10321340 is 2^35 / q rounded up. */
static inline uint16_t divide_by_q(uint32_t n)
{
    return (uint16_t)((uint64_t)n * 10321340 >> 35);
}

/* FIPS 203, (4.7). Rounds; q is odd, so that there is no tie. */
void poly_compress(struct poly *f, unsigned d)
{
    for (size_t i = 0; i < POLY_N; i++)
        f->c[i] = divide_by_q(((uint32_t)f->c[i] << d) + POLY_Q / 2) & ((1u << d) - 1);
}

/* FIPS 203, (4.8). */
void poly_decompress(struct poly *f, unsigned d)
{
    for (size_t i = 0; i < POLY_N; i++)
        f->c[i] = (uint16_t)((poly_hidden(f->c[i]) * POLY_Q + (1u << (d - 1))) >> d);
}

/* FIPS 203, algorithms 5 and 6: the bits in a row, the lowest first. */
void poly_encode(const struct poly *f, unsigned d, uint8_t *bytes_r)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;

    for (size_t i = 0; i < POLY_N; i++) {
        bits |= (uint32_t)f->c[i] << n_bits;
        for (n_bits += d; n_bits >= 8; n_bits -= 8) {
            *bytes_r++ = (uint8_t)bits;
            bits >>= 8;
        }
    }
}

void poly_decode(const uint8_t *bytes, unsigned d, struct poly *f_r)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;

    for (size_t i = 0; i < POLY_N; i++) {
        for (; n_bits < d; n_bits += 8)
            bits |= (uint32_t)*bytes++ << n_bits;
        f_r->c[i] = reduce_once(bits & ((1u << d) - 1));
        bits >>= d;
        n_bits -= d;
    }
}
