/* SPDX-License-Identifier: MIT */
/* Reads known-answer files for the tests; whatever is odd in one fails the test that asked. */
#include "tests/unit/vectors.h"

#include "common/text.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void file_path(const char *file, char *path_r, size_t size)
{
    const char *folder = getenv("MTE_VECTORS");
    int len = snprintf(path_r, size, "%s/%s", folder != NULL ? folder : "../shared/vectors", file);

    assert_in_range(len, 1, size - 1);
    if (access(path_r, R_OK) != 0) {
        print_message("skipped: no %s\n", path_r);
        skip();
    }
}

/* In memory of exactly its length, so that AddressSanitizer sees a read past the end. */
static struct span hex_bytes(const char *text)
{
    size_t len = strlen(text) / 2;
    uint8_t *at = malloc(len);

    assert_non_null(at);
    assert_int_equal(strlen(text) % 2, 0);
    for (size_t i = 0; i < len; i++) {
        int high = text_hex_digit((uint8_t)text[2 * i]);
        int low = text_hex_digit((uint8_t)text[2 * i + 1]);

        assert_true(high >= 0 && low >= 0);
        at[i] = (uint8_t)(high << 4 | low);
    }
    return span_of(at, len);
}

struct span vector_bytes(struct vector *v, const char *name)
{
    const char *text = json_string_value(json_object_get(v->test, name));
    struct span bytes;

    assert_non_null(text);
    assert_true(v->n_fields < VECTOR_FIELDS_MAX);
    bytes = hex_bytes(text);
    v->fields[v->n_fields++] = (void *)(uintptr_t)bytes.at;
    return bytes;
}

size_t vector_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    assert_true(json_is_integer(value));
    return (size_t)json_integer_value(value);
}

bool vector_is_valid(const struct vector *v)
{
    const char *result = json_string_value(json_object_get(v->test, "result"));

    assert_non_null(result);
    return strcmp(result, "valid") == 0;
}

static bool run_one(const json_t *group, const json_t *test, bool (*check)(struct vector *v))
{
    struct vector v = { .group = group, .test = test };
    bool applies = check(&v);

    for (size_t i = 0; i < v.n_fields; i++)
        free(v.fields[i]);
    return applies;
}

void vectors_run(const char *file, const char *why_not, bool (*check)(struct vector *v))
{
    char path[4096];
    json_t *root, *group, *test;
    size_t i, j, n_ran = 0, n_all = 0;

    file_path(file, path, sizeof(path));
    root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            n_all++;
            n_ran += run_one(group, test, check);
        }
    }
    assert_int_equal(n_all, vector_number(root, "numberOfTests"));
    assert_true(n_ran > 0);
    if (why_not == NULL)
        assert_int_equal(n_ran, n_all);
    print_message("%s: %zu of %zu cases ran%s%s\n", file, n_ran, n_all,
                  why_not != NULL ? "; the others: " : "", why_not != NULL ? why_not : "");
    json_decref(root);
}

static FILE *lines_open(const char *path, bool *packed_r)
{
    char command[4200];
    const char *end = strrchr(path, '.');

    *packed_r = end != NULL && strcmp(end, ".gz") == 0;
    if (!*packed_r)
        return fopen(path, "re");
    snprintf(command, sizeof(command), "exec gzip -dc '%s'", path);
    return popen(command, "re");
}

size_t vectors_lines(const char *file, void (*check)(const char *name, struct span value))
{
    char path[4096], *line = NULL;
    size_t cap = 0, n = 0;
    bool packed;
    FILE *f;

    file_path(file, path, sizeof(path));
    f = lines_open(path, &packed);
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        char *equals = strstr(line, " = ");
        struct span value;

        line[strcspn(line, "\n")] = '\0';
        value = hex_bytes(equals != NULL ? equals + 3 : line);
        if (equals != NULL)
            *equals = '\0';
        check(equals != NULL ? line : NULL, value);
        free((void *)(uintptr_t)value.at);
        n++;
    }
    free(line);
    assert_int_equal(packed ? pclose(f) : fclose(f), 0);
    assert_true(n > 0);
    print_message("%s: %zu lines ran\n", file, n);
    return n;
}
