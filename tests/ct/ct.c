/* SPDX-License-Identifier: MIT */
/*
 * Runs our secret-handling code with its secrets marked undefined, for valgrind's memcheck: it then
 * reports every branch and every address that depends on one, those of libcrypto's SHA-3 included.
 * ct CHECK [PLANT]: a plant is a leak put in on purpose, which has to be found. Linked with --wrap
 * for the two functions below.
 */
#include "common/mlkem.h"
#include "common/mlkem_poly.h"
#include "common/secret.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

enum { DK_EK = 1152, DK_Z = 2368 };

static const char *plant = "";
static volatile unsigned sink;

bool __real_poly_sample_uniform(struct span bytes, struct poly *f_r);
bool __wrap_poly_sample_uniform(struct span bytes, struct poly *f_r);
void __real_poly_compress(struct poly *f, unsigned d);
void __wrap_poly_compress(struct poly *f, unsigned d);

/* Rejection sampling branches on bytes made of rho, which stands in the public key. */
bool __wrap_poly_sample_uniform(struct span bytes, struct poly *f_r)
{
    VALGRIND_MAKE_MEM_DEFINED(bytes.at, bytes.len);
    return __real_poly_sample_uniform(bytes, f_r);
}

/* Where decryption rounds to the message: the place of a leak that really happened elsewhere. */
void __wrap_poly_compress(struct poly *f, unsigned d)
{
    static const uint8_t table[POLY_Q] = { 1 };

    if (strcmp(plant, "branch") == 0 && f->c[0] > POLY_Q / 2)
        sink++;
    if (strcmp(plant, "index") == 0)
        sink += table[f->c[0]];
    if (strcmp(plant, "division") == 0)
        sink += f->c[0] / d;
    __real_poly_compress(f, d);
}

static void hide(const void *at, size_t len)
{
    VALGRIND_MAKE_MEM_UNDEFINED(at, len);
}

static void show(const void *at, size_t len)
{
    VALGRIND_MAKE_MEM_DEFINED(at, len);
}

struct keys {
    uint8_t ek[MLKEM_EK_LEN], dk[MLKEM_DK_LEN];
};

static bool keygen(struct keys *keys)
{
    uint8_t seed[MLKEM_SEED_LEN];
    bool done;

    memset(seed, 7, sizeof(seed));
    hide(seed, sizeof(seed));
    done = mlkem_keygen(seed, keys->ek, keys->dk) == 0;
    show(keys->ek, sizeof(keys->ek));
    show(keys->dk + DK_EK, DK_Z - DK_EK); /* the public key and its hash */
    return done;
}

static bool encaps(const struct keys *keys, uint8_t *c_r, uint8_t *secret_r)
{
    uint8_t m[MLKEM_MESSAGE_LEN];
    bool done;

    memset(m, 9, sizeof(m));
    hide(m, sizeof(m));
    done = mlkem_encaps(keys->ek, m, c_r, secret_r) == 0;
    show(c_r, MLKEM_CIPHERTEXT_LEN);
    return done;
}

/* The whole run, with a right ciphertext and a wrong one; the results are looked at when over. */
static bool check_mlkem(void)
{
    struct keys keys;
    uint8_t c[MLKEM_CIPHERTEXT_LEN], secret[3][MLKEM_SECRET_LEN];
    bool done = mlkem_init() == 0 && keygen(&keys) && encaps(&keys, c, secret[0]) &&
                mlkem_decaps(keys.dk, c, secret[1]) == 0;

    c[1000] ^= 1;
    done = done && mlkem_decaps(keys.dk, c, secret[2]) == 0;
    mlkem_fini();
    show(secret, sizeof(secret));
    return done && memcmp(secret[0], secret[1], sizeof(secret[0])) == 0 &&
           memcmp(secret[0], secret[2], sizeof(secret[0])) != 0;
}

/* As memcmp() would: it ends at the first difference. */
static bool planted_equal(struct span a, struct span b)
{
    for (size_t i = 0; i < b.len; i++) {
        if (a.at[i] != b.at[i])
            return false;
    }
    return true;
}

static bool check_secret_equal(void)
{
    bool (*const equal)(struct span, struct span) = *plant != '\0' ? planted_equal : secret_equal;
    uint8_t a[32] = { 1 }, b[32] = { 1 }, c[32] = { 2 };
    bool same, other;

    hide(a, sizeof(a));
    hide(b, sizeof(b));
    hide(c, sizeof(c));
    same = equal(span_of(a, sizeof(a)), span_of(b, sizeof(b)));
    other = equal(span_of(a, sizeof(a)), span_of(c, sizeof(c)));
    show(&same, sizeof(same));
    show(&other, sizeof(other));
    return same && !other;
}

int main(int argc, char **argv)
{
    const char *check = argc > 1 ? argv[1] : "";

    if (argc > 2)
        plant = argv[2];
    if (strcmp(check, "mlkem") == 0)
        return check_mlkem() ? 0 : 1;
    if (strcmp(check, "secret_equal") == 0)
        return check_secret_equal() ? 0 : 1;
    fprintf(stderr, "usage: ct mlkem|secret_equal [PLANT]\n");
    return 2;
}
