/* SPDX-License-Identifier: MIT */
/* The laws of common/bhttp.h: what is written is read, and what breaks a rule is not. */
#include "common/bhttp.h"

#include "tests/unit/unit.h"

#include "common/wire.h"

#define GET "\0\3GET\5https\1h\2/x"

static void assert_span(struct span got, struct span want)
{
    if (!span_equal(got, want))
        fail_msg("\"%.*s\" instead of \"%.*s\"", SPAN_PRINT(got), SPAN_PRINT(want));
}

static bool reads_as_request(struct span head)
{
    struct bhttp_request request;
    int r = bhttp_read_request(head, &request);

    assert_true(r == 0 || r == ERR_FORMAT);
    return r == 0;
}

static bool reads_as_response(struct span head)
{
    struct bhttp_response response;
    int r = bhttp_read_response(head, &response);

    assert_true(r == 0 || r == ERR_FORMAT);
    return r == 0;
}

/* A request of one field. */
static bool field_passes(struct span name, struct span value, bool in_request)
{
    struct bhttp_writer w;
    struct buffer head;
    bool passes;

    buffer_init(&head, 0);
    if (in_request)
        bhttp_begin_request(&w, &head, SPAN("GET"), SPAN("http"), SPAN_NONE, SPAN("/"));
    else
        bhttp_begin_response(&w, &head, 200);
    bhttp_put_field(&w, name, value);
    assert_int_equal(bhttp_end(&w), 0);
    passes =
        in_request ? reads_as_request(buffer_span(&head)) : reads_as_response(buffer_span(&head));
    assert_int_equal(bhttp_field_ok((struct bhttp_field){ name, value }, in_request), passes);
    buffer_fini(&head);
    return passes;
}

struct target {
    struct span method, scheme, authority, path;
};

static bool target_passes(struct target t)
{
    struct bhttp_writer w;
    struct buffer head;
    bool passes;

    buffer_init(&head, 0);
    bhttp_begin_request(&w, &head, t.method, t.scheme, t.authority, t.path);
    assert_int_equal(bhttp_end(&w), 0);
    passes = reads_as_request(buffer_span(&head));
    buffer_fini(&head);
    return passes;
}

static struct target plain_target(void)
{
    return (struct target){ SPAN("GET"), SPAN("https"), SPAN("h"), SPAN("/") };
}

static void a_request_is_written_as_rfc_9292_has_it(void **state)
{
    struct bhttp_request request;
    struct bhttp_field field;
    struct bhttp_writer w;
    struct buffer head;
    struct span rest;

    (void)state;
    buffer_init(&head, 0);
    bhttp_begin_request(&w, &head, SPAN("GET"), SPAN("https"), SPAN("h"), SPAN("/x"));
    bhttp_put_field(&w, SPAN("a"), SPAN("1"));
    bhttp_put_field(&w, SPAN("a"), SPAN_NONE);
    assert_int_equal(bhttp_end(&w), 0);
    assert_span(buffer_span(&head), SPAN(GET "\7\1a\0011\1a\0"));
    assert_int_equal(bhttp_read_request(buffer_span(&head), &request), 0);
    assert_span(request.method, SPAN("GET"));
    assert_span(request.scheme, SPAN("https"));
    assert_span(request.authority, SPAN("h"));
    assert_span(request.path, SPAN("/x"));
    rest = request.fields.encoded;
    assert_true(bhttp_next(&rest, &field));
    assert_span(field.value, SPAN("1"));
    assert_true(bhttp_next(&rest, &field));
    assert_span(field.value, SPAN_NONE);
    assert_false(bhttp_next(&rest, &field));
    buffer_fini(&head);
}

static void informational_responses_are_checked_and_skipped(void **state)
{
    struct bhttp_response response;

    (void)state;
    assert_int_equal(bhttp_read_response(SPAN("\1\x40\x67\4\1a\1b\x40\x66\0\x40\xc8\0"), &response),
                     0);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.fields.encoded.len, 0);
    assert_false(reads_as_response(SPAN("\1\x40\x67\4\1A\1b\x40\xc8\0")));
    assert_false(reads_as_response(SPAN("\1\x40\x67\4\1a\1b")));
}

static void a_status_lies_between_100_and_599(void **state)
{
    (void)state;
    for (unsigned status = 0; status < 1200; status++) {
        struct bhttp_writer w;
        struct buffer head;

        buffer_init(&head, 0);
        bhttp_begin_response(&w, &head, status);
        assert_int_equal(bhttp_end(&w), 0);
        assert_int_equal(reads_as_response(buffer_span(&head)), status >= 200 && status <= 599);
        wire_put_u8(&head, 0x40);
        wire_put_u8(&head, 0xc8);
        wire_put_u8(&head, 0);
        assert_int_equal(reads_as_response(buffer_span(&head)), status >= 100 && status <= 199);
        buffer_fini(&head);
    }
}

static void a_head_ends_with_its_header_section(void **state)
{
    const struct span head = SPAN(GET "\4\1a\1b");

    (void)state;
    assert_true(reads_as_request(head));
    assert_true(reads_as_request(SPAN(GET "\0")));
    assert_false(reads_as_request(SPAN(GET "\0\0")));
    assert_false(reads_as_request(SPAN(GET "\4\1a\1b\0\0")));
    assert_false(reads_as_response(SPAN("\1\x40\xc8\0\0")));
    for (size_t len = 0; len < head.len; len++)
        assert_false(reads_as_request(span_part(head, 0, len)));
}

static void the_framing_indicator_is_that_of_the_known_length_kind(void **state)
{
    (void)state;
    for (unsigned framing = 0; framing < 4; framing++) {
        char request[] = GET "\0", response[] = "\1\x40\xc8\0";

        request[0] = response[0] = (char)framing;
        assert_int_equal(reads_as_request(span_of(request, sizeof(request) - 1)), framing == 0);
        assert_int_equal(reads_as_response(span_of(response, sizeof(response) - 1)), framing == 1);
    }
}

static void lengths_may_be_longer_than_need_be(void **state)
{
    struct bhttp_request request;

    (void)state;
    assert_int_equal(bhttp_read_request(SPAN("\x40\0\x40\3GET\x80\0\0\5https\xc0\0\0\0\0\0\0\0"
                                             "\1/\x40\6\x40\1a\x40\1b"),
                                        &request),
                     0);
    assert_span(request.path, SPAN("/"));
    assert_int_equal(request.fields.encoded.len, 6);
}

static void a_length_past_the_end_is_refused(void **state)
{
    (void)state;
    assert_false(reads_as_request(SPAN("\0\xff\xff\xff\xff\xff\xff\xff\xffGET")));
    assert_false(reads_as_request(SPAN(GET "\4\1a\2b")));
    assert_false(reads_as_request(SPAN(GET "\3\1a\1b")));
    assert_false(reads_as_request(SPAN(GET "\5\1a\1b")));
    assert_false(reads_as_request(SPAN(GET "\2\1a")));
}

static void a_name_is_a_token_in_lower_case(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        const uint8_t name[] = { 'x', (uint8_t)c };
        bool want =
            c != 0 && strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", (int)c) != NULL;

        assert_int_equal(field_passes(span_of(name, 2), SPAN("v"), true), want);
        assert_int_equal(field_passes(span_of(name + 1, 1), SPAN("v"), false), want);
    }
    assert_false(field_passes(SPAN_NONE, SPAN("v"), true));
    assert_false(field_passes(SPAN(":method"), SPAN("GET"), true));
}

static void a_value_holds_no_cr_lf_nul(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        const uint8_t value[] = { 'x', (uint8_t)c, 'y' };

        assert_int_equal(field_passes(SPAN("n"), span_of(value, 3), true),
                         c != 0 && c != '\r' && c != '\n');
    }
}

static void fields_of_a_connection_have_no_place(void **state)
{
    static const char *const forbidden[] = {
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "host", "upgrade", "te"
    };
    static const char *const allowed[] = { "connectio", "connection2", "trailer", "tee",
                                           "te-",       "hos",         "expect",  "via" };

    (void)state;
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++) {
        assert_false(field_passes(span_text(forbidden[i]), SPAN("v"), true));
        assert_false(field_passes(span_text(forbidden[i]), SPAN("v"), false));
    }
    for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
        assert_true(field_passes(span_text(allowed[i]), SPAN("v"), true));
    assert_false(field_passes(SPAN("content-length"), SPAN("1"), true));
    assert_true(field_passes(SPAN("content-length"), SPAN("1"), false));
}

static void a_content_length_stands_once_in_digits(void **state)
{
    struct bhttp_response response;

    (void)state;
    assert_int_equal(bhttp_read_response(SPAN("\1\x40\xc8\x15\x0e"
                                              "content-length\5" /* 1 + 14 + 1 + 5 = 21 */ "00042"),
                                         &response),
                     0);
    assert_true(response.has_content_length);
    assert_int_equal(response.content_length, 42);
    assert_int_equal(bhttp_read_response(SPAN("\1\x40\xc8\0"), &response), 0);
    assert_false(response.has_content_length);
    for (const char *const *value = (const char *const[]){ "", "+1", "1,1", " 1", "1 ", "0x1",
                                                           "18446744073709551616", NULL };
         *value != NULL; value++) {
        struct bhttp_writer w;
        struct buffer head;

        buffer_init(&head, 0);
        bhttp_begin_response(&w, &head, 200);
        bhttp_put_field(&w, SPAN("content-length"), span_text(*value));
        assert_int_equal(bhttp_end(&w), 0);
        assert_false(reads_as_response(buffer_span(&head)));
        buffer_fini(&head);
    }
    assert_false(reads_as_response(SPAN("\1\x40\xc8\x22\x0e"
                                        "content-length\0011\x0e"
                                        "content-length\0011")));
}

static void a_method_is_a_token_but_connect(void **state)
{
    static const char *const wrong[] = { "", "CONNECT", "G T", "GET/", "G\xc3", "(x)", "a:b" };
    static const char *const right[] = { "GET", "connect", "CONNECTS", "M-SEARCH",
                                         "x!#$%&'*+.^_`|~" };
    struct target t = plain_target();

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        t.method = span_text(wrong[i]);
        assert_false(target_passes(t));
        assert_false(bhttp_method_ok(t.method));
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        t.method = span_text(right[i]);
        assert_true(target_passes(t));
    }
    t.method = SPAN("GE\0T");
    assert_false(target_passes(t));
}

static void a_scheme_is_http_or_https(void **state)
{
    static const char *const wrong[] = { "", "HTTP", "Https", "ftp", "htt", "httpss", "http:" };
    struct target t = plain_target();

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        t.scheme = span_text(wrong[i]);
        assert_false(target_passes(t));
    }
    t.scheme = SPAN("http");
    assert_true(target_passes(t));
}

static void an_authority_is_empty_or_printable_without_delimiters(void **state)
{
    struct target t = plain_target();

    (void)state;
    t.authority = SPAN_NONE;
    assert_true(target_passes(t));
    for (unsigned c = 0; c < 256; c++) {
        const uint8_t authority[] = { 'h', (uint8_t)c };

        t.authority = span_of(authority, 2);
        assert_int_equal(target_passes(t),
                         c > 0x20 && c < 0x7f && strchr("/?#@\\", (int)c) == NULL);
    }
}

static void a_path_begins_with_a_slash_or_is_the_asterisk_of_options(void **state)
{
    static const char *const wrong[] = { "", "x", "*", "?", "/#", "/a b", "http://h/" };
    struct target t = plain_target();

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        t.path = span_text(wrong[i]);
        assert_false(target_passes(t));
        assert_false(bhttp_path_ok(t.path, t.method));
    }
    for (unsigned c = 0; c < 256; c++) {
        const uint8_t path[] = { '/', (uint8_t)c };

        t.path = span_of(path, 2);
        assert_int_equal(target_passes(t), c > 0x20 && c != 0x7f && c != '#');
    }
    t.method = SPAN("OPTIONS");
    t.path = SPAN("*");
    assert_true(target_passes(t));
    t.path = SPAN("**");
    assert_false(target_passes(t));
    t.method = SPAN("options");
    t.path = SPAN("*");
    assert_false(target_passes(t));
}

static void trailers_are_a_section_under_the_same_rules(void **state)
{
    struct bhttp_fields fields;

    (void)state;
    assert_int_equal(bhttp_read_trailers(SPAN("\4\1a\1b"), true, &fields), 0);
    assert_int_equal(fields.encoded.len, 4);
    assert_int_equal(bhttp_read_trailers(SPAN("\0"), true, &fields), 0);
    assert_int_equal(bhttp_read_trailers(SPAN_NONE, true, &fields), ERR_FORMAT);
    assert_int_equal(bhttp_read_trailers(SPAN("\4\1a\1b\0"), true, &fields), ERR_FORMAT);
    assert_int_equal(bhttp_read_trailers(SPAN("\4\1A\1b"), true, &fields), ERR_FORMAT);
    assert_int_equal(bhttp_read_trailers(SPAN("\6\2te\2xx"), true, &fields), ERR_FORMAT);
}

/* 63, 64, 16383, 16384 bytes, and none: what was written before and after stays where it was. */
static void a_sections_length_is_as_short_as_can_be(void **state)
{
    static const size_t lens[] = { 0, 63, 64, 16383, 16384 }, length_lens[] = { 1, 1, 2, 2, 4 };
    static const uint8_t value[16384];

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
        size_t value_len = lens[i] < 64 + 3 ? lens[i] - 3 : lens[i] - 4;
        struct bhttp_response response;
        struct bhttp_writer w;
        struct buffer out;

        buffer_init(&out, 0);
        buffer_put(&out, SPAN("before"));
        bhttp_begin_response(&w, &out, 200);
        if (lens[i] > 0)
            bhttp_put_field(&w, SPAN("n"), span_of(value, value_len));
        assert_int_equal(bhttp_end(&w), 0);
        assert_int_equal(buffer_len(&out), strlen("before") + 3 + length_lens[i] + lens[i]);
        assert_span(span_part(buffer_span(&out), 0, 6), SPAN("before"));
        memset(out.at + buffer_len(&out) - (lens[i] > 0 ? value_len : 0), 'v',
               lens[i] > 0 ? value_len : 0);
        assert_int_equal(bhttp_read_response(span_from(buffer_span(&out), 6), &response), 0);
        assert_int_equal(response.fields.encoded.len, lens[i]);
        buffer_fini(&out);
    }
}

static void a_writer_says_when_its_buffer_is_full(void **state)
{
    struct bhttp_writer w;
    struct buffer head;

    (void)state;
    buffer_init(&head, 10);
    bhttp_begin_response(&w, &head, 200);
    bhttp_put_field(&w, SPAN("name"), SPAN("value"));
    assert_int_equal(bhttp_end(&w), ERR_LIMIT);
    buffer_fini(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_written_as_rfc_9292_has_it),
        cmocka_unit_test(informational_responses_are_checked_and_skipped),
        cmocka_unit_test(a_status_lies_between_100_and_599),
        cmocka_unit_test(a_head_ends_with_its_header_section),
        cmocka_unit_test(the_framing_indicator_is_that_of_the_known_length_kind),
        cmocka_unit_test(lengths_may_be_longer_than_need_be),
        cmocka_unit_test(a_length_past_the_end_is_refused),
        cmocka_unit_test(a_name_is_a_token_in_lower_case),
        cmocka_unit_test(a_value_holds_no_cr_lf_nul),
        cmocka_unit_test(fields_of_a_connection_have_no_place),
        cmocka_unit_test(a_content_length_stands_once_in_digits),
        cmocka_unit_test(a_method_is_a_token_but_connect),
        cmocka_unit_test(a_scheme_is_http_or_https),
        cmocka_unit_test(an_authority_is_empty_or_printable_without_delimiters),
        cmocka_unit_test(a_path_begins_with_a_slash_or_is_the_asterisk_of_options),
        cmocka_unit_test(trailers_are_a_section_under_the_same_rules),
        cmocka_unit_test(a_sections_length_is_as_short_as_can_be),
        cmocka_unit_test(a_writer_says_when_its_buffer_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
