/* SPDX-License-Identifier: MIT */
/* ERR frames about a fixed body. First byte: 1 = hash and MAC are made right, 0 = as they come. */
#include "common/errframe.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

enum { HASH_AT = 12, MAC_AT = 44 };

static const struct identity_psk psk = { .error_mac = { { 1, 2, 3 } } };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void authenticate(uint8_t frame[static ERRFRAME_LEN], struct span about)
{
    const struct span plain = span_of(frame, MAC_AT);

    must(crypto_sha256(&about, 1, frame + HASH_AT) == 0);
    must(crypto_hmac(span_of(psk.error_mac.bytes, SECRET_KEY_LEN), &plain, 1, frame + MAC_AT) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span about = SPAN("a body");
    struct span input = span_of(data, size);
    uint8_t frame[ERRFRAME_LEN];
    enum errframe_code code;
    static bool begun;
    uint64_t time_ms;
    bool authentic;

    if (!begun)
        must(crypto_init() == 0);
    begun = true;
    authentic = size == 1 + ERRFRAME_LEN && data[0] == 1;
    input = span_from(input, 1);
    if (authentic) {
        memcpy(frame, input.at, ERRFRAME_LEN);
        authenticate(frame, about);
        input = span_of(frame, ERRFRAME_LEN);
    }
    if (errframe_read(&psk, input, about, &code, &time_ms) == 0) {
        uint8_t again[ERRFRAME_LEN];

        must(errframe_make(&psk, code, time_ms, about, again) == 0);
        must(span_equal(span_of(again, ERRFRAME_LEN), input));
        must(errframe_name(code) != NULL);
    }
    return 0;
}
