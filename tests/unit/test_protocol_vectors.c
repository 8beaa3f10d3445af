/* SPDX-License-Identifier: MIT */
/* docs/protocol-vectors.json is what our code says, byte for byte. */
#include "tests/unit/protocol_vectors.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static void the_published_vectors_are_what_we_make(void **state)
{
    const char *top = getenv("srcdir");
    struct buffer made, path;
    uint8_t published[1 << 17];
    size_t len;
    FILE *file;

    (void)state;
    buffer_init(&path, 0);
    buffer_printf(&path, "%s/docs/protocol-vectors.json", top != NULL ? top : ".");
    buffer_put(&path, SPAN("\0"));
    file = fopen((const char *)path.at, "re");
    assert_non_null(file);
    len = fread(published, 1, sizeof(published), file);
    fclose(file);
    buffer_fini(&path);
    buffer_init(&made, 0);
    protocol_vectors_put(&made);
    assert_int_equal(buffer_error(&made), 0);
    assert_int_equal(len, buffer_len(&made));
    assert_memory_equal(published, buffer_span(&made).at, len);
    buffer_fini(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors_are_what_we_make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
