/* SPDX-License-Identifier: MIT */
/* common/bhttp.h against a naive reader, which knows of nothing but bytes and indices. */
#include "common/bhttp.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

struct naive {
    const uint8_t *at;
    size_t len, i;
    bool bad;
};

static uint64_t naive_int(struct naive *n)
{
    size_t len;
    uint64_t v;

    if (n->i >= n->len)
        n->bad = true;
    if (n->bad)
        return 0;
    len = (size_t[]){ 1, 2, 4, 8 }[n->at[n->i] >> 6];
    if (n->len - n->i < len)
        n->bad = true;
    if (n->bad)
        return 0;
    v = n->at[n->i] & 0x3f;
    for (size_t k = 1; k < len; k++)
        v = v * 256 + n->at[n->i + k];
    n->i += len;
    return v;
}

static struct span naive_string(struct naive *n)
{
    uint64_t len = naive_int(n);
    struct span s = span_of(n->at + n->i, (size_t)len);

    if (n->bad || len > n->len - n->i) {
        n->bad = true;
        return SPAN_NONE;
    }
    n->i += (size_t)len;
    return s;
}

static bool all_in(struct span s, const char *set)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == 0 || strchr(set, s.at[i]) == NULL)
            return false;
    }
    return true;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool naive_field(struct naive *n)
{
    static const char bad_names[] = " connection keep-alive proxy-connection transfer-encoding host"
                                    " upgrade te content-length ";
    struct span name = naive_string(n), value = naive_string(n);
    char word[64];

    if (n->bad || name.len == 0 || !all_in(name, LOWER))
        return false;
    snprintf(word, sizeof(word), " %.*s ", SPAN_PRINT(name));
    for (size_t i = 0; i < value.len; i++) {
        if (strchr("\r\n", value.at[i]) != NULL) /* NUL too */
            return false;
    }
    return name.len > 32 || strstr(bad_names, word) == NULL;
}

static bool naive_request(struct span head)
{
    struct naive n = { head.at, head.len, 0, false };
    struct span method, scheme, authority, path, section;
    bool star;

    if (naive_int(&n) != 0)
        return false;
    method = naive_string(&n);
    scheme = naive_string(&n);
    authority = naive_string(&n);
    path = naive_string(&n);
    section = naive_string(&n);
    star = span_equal(path, SPAN("*")) && span_equal(method, SPAN("OPTIONS"));
    if (n.bad || n.i != n.len || method.len == 0 || !all_in(method, LOWER UPPER) ||
        span_equal(method, SPAN("CONNECT")))
        return false;
    if (!span_equal(scheme, SPAN("http")) && !span_equal(scheme, SPAN("https")))
        return false;
    if (!all_in(authority, LOWER UPPER "\"(),:;<=>[]{}") ||
        (!star && !span_starts(path, SPAN("/"))))
        return false;
    for (size_t i = 0; i < path.len; i++) {
        if (path.at[i] <= 0x20 || path.at[i] == 0x7f || path.at[i] == '#')
            return false;
    }
    n = (struct naive){ section.at, section.len, 0, false };
    while (n.i < n.len) {
        if (!naive_field(&n))
            return false;
    }
    return true;
}

static struct span random_span(uint8_t *at, size_t most, const char *set)
{
    size_t len = (size_t)rand() % (most + 1);

    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)set[(size_t)rand() % strlen(set)];
    return span_of(at, len);
}

static void put_random_head(struct buffer *head)
{
    static const char *const methods[] = { "GET", "OPTIONS", "CONNECT", "x", "" };
    static const char *const schemes[] = { "http", "https", "https", "ftp" };
    static const char *const paths[] = { "/", "*", "/a?b=%20", "/\xc3\xa9", "/#", "" };
    static const char *const names[] = { "a", "te", "host", "x-y", "content-length", "Via" };
    uint8_t name[100], value[300];
    struct bhttp_writer w;

    bhttp_begin_request(&w, head, span_text(methods[rand() % 5]), span_text(schemes[rand() % 4]),
                        random_span(name, 3, "h.:-[]%_@/"), span_text(paths[rand() % 6]));
    for (int n = rand() % 6; n > 0; n--) {
        struct span field =
            rand() % 3 != 0 ? random_span(name, sizeof(name), LOWER) : span_text(names[rand() % 6]);

        bhttp_put_field(&w, field, random_span(value, sizeof(value), "ab \t\xff\x01\x7f,;\"="));
    }
    assert_int_equal(bhttp_end(&w), 0);
}

static void random_heads_are_judged_as_a_naive_reader_judges_them(void **state)
{
    int n_read = 0, n_refused = 0;

    (void)state;
    srand(9292);
    for (int i = 0; i < 20000; i++) {
        struct bhttp_request request;
        struct buffer head;
        bool reads;

        buffer_init(&head, 0);
        put_random_head(&head);
        if (rand() % 2 == 0)
            head.at[head.start + (size_t)rand() % buffer_len(&head)] ^= (uint8_t)(1 << rand() % 8);
        if (rand() % 16 == 0)
            buffer_cut(&head, (size_t)rand() % buffer_len(&head));
        reads = bhttp_read_request(buffer_span(&head), &request) == 0;
        assert_int_equal(reads, naive_request(buffer_span(&head)));
        n_read += reads;
        n_refused += !reads;
        buffer_fini(&head);
    }
    assert_true(n_read > 1000 && n_refused > 1000);
}

static void what_is_read_and_written_again_is_the_same(void **state)
{
    (void)state;
    srand(9293);
    for (int i = 0; i < 5000; i++) {
        struct bhttp_request request;
        struct bhttp_field field;
        struct bhttp_writer w;
        struct buffer head, again;
        struct span rest;

        buffer_init(&head, 0);
        buffer_init(&again, 0);
        put_random_head(&head);
        if (bhttp_read_request(buffer_span(&head), &request) == 0) {
            bhttp_begin_request(&w, &again, request.method, request.scheme, request.authority,
                                request.path);
            for (rest = request.fields.encoded; bhttp_next(&rest, &field);)
                bhttp_put_field(&w, field.name, field.value);
            assert_int_equal(bhttp_end(&w), 0);
            assert_true(span_equal(buffer_span(&again), buffer_span(&head)));
        }
        buffer_fini(&head);
        buffer_fini(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_heads_are_judged_as_a_naive_reader_judges_them),
        cmocka_unit_test(what_is_read_and_written_again_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
