/* SPDX-License-Identifier: MIT */
/* What is told of an exchange at its end: once, whoever ends it, and right. */
#include "tests/unit/http_fixture.h"

#include <unistd.h>

#include "common/clock.h"
#include "worker/exchange.h"

#define HEAD "Host: relay.example\r\n"

enum { PATIENCE_MS = 5000 };

static struct exchange_report last;
static unsigned n_told;

/* In place of the one that counts. */
void exchange_report_take(const struct exchange_report *report, struct exchange *x,
                          struct services *services)
{
    assert_non_null(services->metrics);
    assert_true(exchange_id(x).len > 0);
    last = *report;
    n_told++;
}

static int open_fixture(void **state)
{
    n_told = 0;
    return fixture_open(state);
}

static void await_report(struct fixture *f)
{
    uint64_t until = clock_mono_ms() + PATIENCE_MS;

    while (n_told == 0 && clock_mono_ms() < until)
        h2o_evloop_run(f->services.loop, 1);
    fixture_turn(f, 10);
    assert_int_equal(n_told, 1);
}

static void a_request_that_passes_through_is_told_by_its_numbers(void **state)
{
    static const uint64_t five = 5;
    struct fixture *f = *state;
    uint64_t waited_ns;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "POST /x HTTP/1.1\r\n" HEAD "Content-Length: 3\r\n\r\nabc");
    waited_ns = clock_mono_ns();
    fixture_turn(f, 20);
    waited_ns = clock_mono_ns() - waited_ns;
    assert_int_equal(puppet_head(201, PUPPET_FIELDS("a: b"), &five), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    assert_int_equal(n_told, 0);
    puppet_end(UPSTREAM_OK);
    await_report(f);
    close(fd);
    assert_string_equal(last.kind, "plain");
    assert_int_equal(last.direction, DIRECTION_PLAIN);
    assert_int_equal(last.status, 201);
    assert_true(last.complete);
    assert_int_equal(last.refusal, N_REFUSALS);
    assert_null(last.why);
    assert_int_equal(last.bytes_in, 3);
    assert_int_equal(last.bytes_out, 5);
    assert_true(last.watch.ns[TIME_UPSTREAM_PROXY] >= waited_ns);
    assert_true(last.watch.ns[TIME_REQUEST] >= last.watch.ns[TIME_UPSTREAM_PROXY]);
    assert_int_equal(last.watch.ns[TIME_OUTBOUND_PROXY], 0);
    assert_int_equal(last.watch.ns[TIME_REQUEST_ENCODE], 0);
}

static void a_request_that_is_answered_here_is_our_own(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_connect(f);
    fixture_send(f, fd, "GET /api/mte-relay HTTP/1.1\r\n" HEAD "\r\n");
    await_report(f);
    close(fd);
    assert_string_equal(last.kind, "about");
    assert_int_equal(last.direction, DIRECTION_OWN);
    assert_int_equal(last.status, 200);
    assert_true(last.complete);
    assert_true(last.bytes_out > 0);
    assert_int_equal(last.watch.ns[TIME_UPSTREAM_PROXY], 0);
}

static void a_refusal_is_told_before_it_is_known_what_the_request_was(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_connect(f);
    fixture_send(f, fd, "GET /x HTTP/1.1\r\n" HEAD "x-mte-outbound-token: wrong\r\n\r\n");
    await_report(f);
    close(fd);
    assert_int_equal(last.direction, DIRECTION_OWN);
    assert_int_equal(last.refusal, REFUSAL_INVALID_OUTBOUND_TOKEN);
    assert_int_equal(last.status, 401);
    assert_true(last.complete);
    assert_null(last.why);
}

static void a_call_that_fails_says_why(void **state)
{
    static const struct {
        enum upstream_failure failure;
        const char *why;
        enum refusal refusal;
    } rows[] = {
        { UPSTREAM_LOST, "upstream_reset", REFUSAL_BAD_UPSTREAM_RESPONSE },
        { UPSTREAM_SILENT, "upstream_silent", REFUSAL_UPSTREAM_TIMEOUT },
        { UPSTREAM_UNREACHABLE, "upstream_unreachable", REFUSAL_UPSTREAM_UNREACHABLE },
    };
    struct fixture *f = *state;

    fixture_start(f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int fd = fixture_ask(f, "GET /x HTTP/1.1\r\n" HEAD "\r\n");

        uint64_t waited_ns = clock_mono_ns();

        n_told = 0;
        fixture_turn(f, 10);
        waited_ns = clock_mono_ns() - waited_ns;
        puppet_end(rows[i].failure);
        await_report(f);
        close(fd);
        assert_string_equal(last.why, rows[i].why);
        assert_int_equal(last.refusal, rows[i].refusal);
        assert_true(last.complete);
        assert_true(last.watch.ns[TIME_UPSTREAM_PROXY] >= waited_ns);
    }
}

static void an_answer_that_breaks_off_is_not_complete(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "GET /x HTTP/1.1\r\n" HEAD "\r\n");
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    fixture_turn(f, 5);
    puppet_end(UPSTREAM_CUT);
    await_report(f);
    close(fd);
    assert_false(last.complete);
    assert_int_equal(last.status, 200);
    assert_string_equal(last.why, "upstream_cut");
    assert_int_equal(last.refusal, N_REFUSALS);
}

static void an_application_that_leaves_is_why(void **state)
{
    struct fixture *f = *state;

    fixture_start(f);
    close(fixture_ask(f, "GET /x HTTP/1.1\r\n" HEAD "\r\n"));
    await_report(f);
    assert_false(last.complete);
    assert_int_equal(last.status, 0);
    assert_string_equal(last.why, "client_gone");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_that_passes_through_is_told_by_its_numbers),
        TEST(a_request_that_is_answered_here_is_our_own),
        TEST(a_refusal_is_told_before_it_is_known_what_the_request_was),
        TEST(a_call_that_fails_says_why),
        TEST(an_answer_that_breaks_off_is_not_complete),
        TEST(an_application_that_leaves_is_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
