/* SPDX-License-Identifier: MIT */
/* Prints the test vectors: print_protocol_vectors >docs/protocol-vectors.json */
#include <stdio.h>

#include "tests/unit/protocol_vectors.h"

int main(void)
{
    struct buffer out;
    size_t written;

    buffer_init(&out, 0);
    protocol_vectors_put(&out);
    written = fwrite(buffer_span(&out).at, 1, buffer_len(&out), stdout);
    if (buffer_error(&out) != 0 || written != buffer_len(&out) || fflush(stdout) != 0) {
        perror("standard output");
        return 1;
    }
    buffer_fini(&out);
    return 0;
}
