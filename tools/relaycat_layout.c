/* SPDX-License-Identifier: MIT */
/* The tables of protocol.md's fixed layouts, and how each kind of field is written. */
#include "tools/relaycat_layout.h"

#include "common/clock.h"
#include "common/crypto.h"
#include "common/errframe.h"
#include "common/text.h"
#include "common/wire.h"

enum kind { END, NUMBER, HEX, TIME, SUITES, CODEC, CODE, TOKEN, HIDDEN };

enum { FIELDS_MAX = 12, HEX_MAX = 32, TOKEN_ID_LEN = 16 };

struct field {
    const char *name;
    unsigned len; /* bytes */
    enum kind kind;
};

static const struct {
    const char *name;
    struct field fields[FIELDS_MAX + 1];
} layouts[] = {
    [LAYOUT_M1] = { "M1",
                    { { "version", 1, NUMBER },
                      { "type", 1, HEX },
                      { "suites", 2, SUITES },
                      { "psk_id", 8, HEX },
                      { "node_i", 16, HEX },
                      { "time", 8, TIME },
                      { "client token", 40, TOKEN },
                      { "nonce_i", 32, HEX },
                      { "share", 1216, HIDDEN },
                      { "mac1", 32, HIDDEN } } },
    [LAYOUT_M2] = { "M2",
                    { { "version", 1, NUMBER },
                      { "type", 1, HEX },
                      { "suite", 1, SUITES },
                      { "zero", 1, NUMBER },
                      { "node_r", 16, HEX },
                      { "time_r", 8, TIME },
                      { "lifetime, s", 4, NUMBER },
                      { "max body, KiB", 4, NUMBER },
                      { "client token", 40, TOKEN },
                      { "nonce_r", 32, HEX },
                      { "answer", 1120, HIDDEN },
                      { "mac2", 32, HIDDEN } } },
    [LAYOUT_REQ] = { "REQ",
                     { { "version", 1, NUMBER },
                       { "type", 1, HEX },
                       { "suite", 1, SUITES },
                       { "codec", 1, CODEC },
                       { "pair_id", 16, HEX },
                       { "counter", 8, NUMBER },
                       { "time", 8, TIME },
                       { "salt", 16, HEX } } },
    [LAYOUT_RSP] = { "RSP",
                     { { "version", 1, NUMBER },
                       { "type", 1, HEX },
                       { "suite", 1, SUITES },
                       { "codec", 1, CODEC },
                       { "salt", 24, HEX } } },
    [LAYOUT_ERR] = { "ERR",
                     { { "version", 1, NUMBER },
                       { "type", 1, HEX },
                       { "code", 1, CODE },
                       { "zero", 1, NUMBER },
                       { "time", 8, TIME },
                       { "hash of body", 32, HEX },
                       { "mac", 32, HIDDEN } } },
};

const char *layout_suite(uint8_t suite)
{
    switch (suite) {
    case 0:
        return "none";
    case SUITE_AES_256_GCM:
        return "aes";
    case SUITE_CHACHA20_POLY1305:
        return "chacha";
    default:
        return "?";
    }
}

static uint64_t number(struct span bytes)
{
    uint64_t n = 0;

    for (size_t i = 0; i < bytes.len; i++)
        n = n << 8 | bytes.at[i];
    return n;
}

static void print_hex(FILE *to, struct span bytes)
{
    char text[2 * HEX_MAX + 1];

    text_hex(span_part(bytes, 0, HEX_MAX), text);
    fputs(text, to);
}

static void print_time(FILE *to, uint64_t ms)
{
    char text[CLOCK_TEXT_LEN];

    clock_text(ms, text);
    fprintf(to, "%llu  %s", (unsigned long long)ms, text);
}

/* Who shows the MAC of a token is that client: it stays hidden. */
static void print_token(FILE *to, struct span token)
{
    if (number(span_part(token, 0, 8)) == 0 && number(span_part(token, 8, 8)) == 0) {
        fputs("none yet", to);
        return;
    }
    fputs("id ", to);
    print_hex(to, span_part(token, 0, TOKEN_ID_LEN));
    fprintf(to, ", issued %llu", (unsigned long long)number(span_part(token, TOKEN_ID_LEN, 8)));
}

static void print_value(FILE *to, enum kind kind, struct span bytes)
{
    uint64_t n = number(span_part(bytes, 0, 8));

    switch (kind) {
    case NUMBER:
        fprintf(to, "%llu", (unsigned long long)n);
        break;
    case HEX:
        print_hex(to, bytes);
        break;
    case TIME:
        print_time(to, n);
        break;
    case SUITES:
        for (size_t i = 0; i < bytes.len; i++)
            fprintf(to, "%s%s", i > 0 ? ", " : "", layout_suite(bytes.at[i]));
        break;
    case CODEC:
        fputs(n == 0 ? "MKE" : n == 1 ? "MTE" : "?", to);
        break;
    case CODE:
        fputs(n >= ERRFRAME_REJECT && n <= ERRFRAME_REFUSED ? errframe_name((enum errframe_code)n)
                                                            : "?",
              to);
        break;
    case TOKEN:
        print_token(to, bytes);
        break;
    case END:
    case HIDDEN:
        fputs("...", to);
        break;
    }
}

void layout_print(FILE *to, char mark, enum layout layout, struct span bytes)
{
    size_t offset = 0;

    if (to == NULL)
        return;
    fprintf(to, "%c %s, %zu bytes\n", mark, layouts[layout].name, bytes.len);
    for (const struct field *f = layouts[layout].fields; f->kind != END; f++) {
        if (bytes.len - offset < f->len) {
            fprintf(to, "%c   ends within %s\n", mark, f->name);
            return;
        }
        fprintf(to, "%c   %4zu %4u  %-14s ", mark, offset, f->len, f->name);
        print_value(to, f->kind, span_part(bytes, offset, f->len));
        fputc('\n', to);
        offset += f->len;
    }
    if (offset < bytes.len)
        fprintf(to, "%c   %zu bytes too many\n", mark, bytes.len - offset);
}
