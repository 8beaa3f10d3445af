/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "worker/headers.h"

/* "name=value|name=value" */
static struct headers of(const char *text)
{
    struct span rest = span_text(text);
    struct headers h;

    headers_init(&h);
    while (rest.at != NULL) {
        struct span value = span_cut(&rest, '|');
        struct span name = span_cut(&value, '=');

        assert_int_equal(0, headers_add(&h, name, value));
    }
    return h;
}

static void assert_are(struct headers *h, const char *text)
{
    struct buffer b;

    buffer_init(&b, 0);
    for (size_t i = 0; i < h->n; i++)
        buffer_printf(&b, "%s%.*s=%.*s", i > 0 ? "|" : "", SPAN_PRINT(h->items[i].name),
                      SPAN_PRINT(h->items[i].value));
    buffer_put(&b, span_of("", 1));
    assert_string_equal(text, (const char *)buffer_span(&b).at);
    buffer_fini(&b);
    headers_fini(h);
}

static void order_and_repeats_are_kept(void **state)
{
    struct headers h = of("set-cookie=a|x=1|set-cookie=b|x=1");

    (void)state;
    assert_true(span_equal(SPAN("a"), headers_find(&h, SPAN("set-cookie"))->value));
    assert_null(headers_find(&h, SPAN("cookie")));
    assert_are(&h, "set-cookie=a|x=1|set-cookie=b|x=1");
}

static void a_thousand_fields_fit(void **state)
{
    struct headers h;

    (void)state;
    headers_init(&h);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(0, headers_add(&h, SPAN("n"), SPAN("v")));
    assert_int_equal(1000, h.n);
    headers_fini(&h);
    assert_int_equal(0, h.n);
}

static void removing_takes_every_field_of_the_name(void **state)
{
    struct headers h = of("a=1|b=2|a=3|c=4|a=5");

    (void)state;
    headers_remove(&h, SPAN("a"));
    assert_are(&h, "b=2|c=4");
}

static void setting_replaces_all_by_one_at_the_end(void **state)
{
    struct headers h = of("a=1|b=2|a=3");

    (void)state;
    assert_int_equal(0, headers_set(&h, SPAN("a"), SPAN("9")));
    assert_int_equal(0, headers_set(&h, SPAN("new"), SPAN("n")));
    assert_are(&h, "b=2|a=9|new=n");
}

static void connection_fields_and_what_they_list_are_stripped(void **state)
{
    struct headers h = of("host=h|connection=X-One ,close|keep-alive=5|x-one=1|x-two=2|te=trailers|"
                          "connection=,x-two,|x-three=3|transfer-encoding=chunked|upgrade=h2c|"
                          "proxy-authorization=p|proxy-connection=close|trailer=x|x-one=again");

    (void)state;
    headers_strip_hop_by_hop(&h);
    assert_are(&h, "host=h|x-three=3");
}

/* A sealed head of 64 KiB holds as many. Field by field with all others it took seconds. */
static void thousands_of_fields_are_stripped_at_once(void **state)
{
    enum { MANY = 20000 };
    uint64_t begin_ms = clock_mono_ms();
    struct headers h;

    (void)state;
    headers_init(&h);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(0, headers_add(&h, i % 2 == 0 ? SPAN("a") : SPAN("te"), SPAN_NONE));
    headers_strip_hop_by_hop(&h);
    assert_int_equal(h.n, MANY / 2);
    assert_true(clock_mono_ms() - begin_ms < 1000);
    headers_fini(&h);
}

static void a_list_is_searched_by_whole_tokens(void **state)
{
    struct headers h = of("connection=closed, Keep-Alive|connection=\t upgrade |connection=");

    (void)state;
    assert_false(headers_list_has(&h, SPAN("connection"), SPAN("close")));
    assert_true(headers_list_has(&h, SPAN("connection"), SPAN("keep-alive")));
    assert_true(headers_list_has(&h, SPAN("connection"), SPAN("upgrade")));
    assert_false(headers_list_has(&h, SPAN("te"), SPAN("upgrade")));
    headers_fini(&h);
}

/* The 77 bytes of RFC 9110 5.6.2, counted by hand. */
static void only_token_bytes_make_a_name(void **state)
{
    size_t n = 0;

    (void)state;
    for (int c = 0; c < 256; c++) {
        uint8_t name[] = { 'a', (uint8_t)c, 'z' };

        n += headers_name_ok(span_of(name, 3));
    }
    assert_int_equal(26 + 26 + 10 + 15, n);
    assert_false(headers_name_ok(SPAN("")));
    assert_false(headers_name_ok(SPAN("a b")));
    assert_false(headers_name_ok(SPAN("a:")));
    assert_false(headers_name_ok(span_of("a\0b", 3)));
}

static void a_value_has_no_control_bytes_but_tab(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        uint8_t value[] = { 'a', (uint8_t)c, 'z' };

        assert_int_equal((c >= 32 && c != 127) || c == 9, headers_value_ok(span_of(value, 3)));
    }
    assert_true(headers_value_ok(SPAN_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_and_repeats_are_kept),
        cmocka_unit_test(a_thousand_fields_fit),
        cmocka_unit_test(removing_takes_every_field_of_the_name),
        cmocka_unit_test(setting_replaces_all_by_one_at_the_end),
        cmocka_unit_test(connection_fields_and_what_they_list_are_stripped),
        cmocka_unit_test(thousands_of_fields_are_stripped_at_once),
        cmocka_unit_test(a_list_is_searched_by_whole_tokens),
        cmocka_unit_test(only_token_bytes_make_a_name),
        cmocka_unit_test(a_value_has_no_control_bytes_but_tab),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
