/* SPDX-License-Identifier: MIT */
/* What a Redis server's answers to the greeting say of it. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/redis_server.h"

#define RUN_ID     "0123456789abcdef0123456789abcdef01234567"
#define NO_RUN_ID  "0000000000000000000000000000000000000000"
#define NO_CLUSTER "-ERR This instance has cluster support disabled\r\n"
#define ONE_RANGE  "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$1\r\nh\r\n:7000\r\n"

static struct redis_url url_of(const char *text)
{
    struct redis_url url;
    const char *why;

    assert_int_equal(0, redis_url_parse(span_text(text), &url, &why));
    return url;
}

/* Gives it the replies, up to the first that is a failure; its slots are gone. */
static enum redis_failure greet(const char *url_text, const char *replies,
                                struct redis_server *server)
{
    struct redis_url url = url_of(url_text);
    enum redis_failure failure = REDIS_OK;
    struct resp_reader *reader;
    struct resp_value *value;
    size_t n = 0;

    memset(server, 0, sizeof(*server));
    assert_int_equal(0, resp_reader_new(&reader));
    assert_int_equal(0, resp_feed(reader, span_text(replies)));
    while (failure == REDIS_OK && resp_next(reader, &value) == 0 && value != NULL) {
        failure = redis_greeting_read(&url, n++, value, "own", server);
        resp_value_free(&value);
    }
    if (failure == REDIS_OK)
        failure = redis_greeting_judge(server);
    free(server->slots);
    resp_reader_free(&reader);
    return failure;
}

/* The bulk string of an INFO with these lines. */
static const char *info_and(const char *lines, const char *rest)
{
    static char text[1024];

    snprintf(text, sizeof(text), "$%zu\r\n%s\r\n%s", strlen(lines), lines, rest);
    return text;
}

static const char *said_to(const char *text, size_t *n_r)
{
    struct redis_url url = url_of(text);
    static char said[512];
    struct buffer b;

    buffer_init_secret(&b, 0);
    *n_r = redis_greeting_put(&b, &url);
    assert_int_equal(0, buffer_error(&b));
    snprintf(said, sizeof(said), "%.*s", SPAN_PRINT(buffer_span(&b)));
    buffer_fini(&b);
    return said;
}

static void the_greeting_says_what_the_url_tells(void **state)
{
    static const char rest[] = "*1\r\n$4\r\nINFO\r\n*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";
    size_t n;
    char want[512];

    (void)state;
    assert_string_equal(rest, said_to("redis://h", &n));
    assert_int_equal(2, n);
    snprintf(want, sizeof(want), "*2\r\n$4\r\nAUTH\r\n$3\r\np@s\r\n%s", rest);
    assert_string_equal(want, said_to("redis://:p%40s@h", &n));
    assert_int_equal(3, n);
    snprintf(want, sizeof(want),
             "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n*2\r\n$6\r\nSELECT\r\n$2\r\n15\r\n%s",
             rest);
    assert_string_equal(want, said_to("redis://u:p@h/15", &n));
    assert_int_equal(4, n);
}

static void a_primary_says_who_it_is(void **state)
{
    struct redis_server server;

    (void)state;
    assert_int_equal(REDIS_OK, greet("redis://u:p@h/1",
                                     "+OK\r\n+OK\r\n$75\r\n# Server\r\nrun_id:" RUN_ID
                                     "\r\nrole:master\r\n\r\n\r\n" NO_CLUSTER,
                                     &server));
    assert_string_equal(RUN_ID, server.run_id);
    assert_true(server.says_run_id);
    assert_false(server.is_cluster);
}

static void a_server_that_refuses_info_is_used_without_a_run_id(void **state)
{
    struct redis_server server;

    (void)state;
    assert_int_equal(REDIS_OK, greet("redis://h", "-NOPERM no\r\n-NOPERM no\r\n", &server));
    assert_string_equal(NO_RUN_ID, server.run_id);
    assert_false(server.says_run_id);
    assert_int_equal(REDIS_OK, greet("redis://h", "-ERR unknown command\r\n" NO_CLUSTER, &server));
    assert_int_equal(REDIS_OK, greet("redis://h", info_and("run_id:short", NO_CLUSTER), &server));
    assert_string_equal(NO_RUN_ID, server.run_id);
}

static void a_replica_alone_is_no_primary_and_in_a_cluster_tells_who_is(void **state)
{
    struct redis_server server;

    (void)state;
    assert_int_equal(REDIS_NOT_PRIMARY,
                     greet("redis://h", info_and("role:slave\r\n", NO_CLUSTER), &server));
    assert_int_equal(REDIS_OK,
                     greet("redis://h", info_and("role:slave\r\ncluster_enabled:1\r\n", ONE_RANGE),
                           &server));
    assert_true(server.is_cluster);
}

static void each_failure_has_its_name(void **state)
{
    static const struct {
        const char *url, *replies;
        enum redis_failure failure;
    } rows[] = {
        { "redis://:p@h", "-WRONGPASS invalid username-password pair\r\n", REDIS_LOGIN },
        { "redis://:p@h", "-ERR invalid password\r\n", REDIS_LOGIN },
        { "redis://:p@h", "-ERR AUTH <password> called without any password\r\n", REDIS_LOGIN },
        { "redis://:p@h", ":1\r\n", REDIS_NOT_REDIS },
        { "redis://h", "-NOAUTH Authentication required.\r\n", REDIS_NO_LOGIN },
        { "redis://h/1", "-NOAUTH Authentication required.\r\n", REDIS_NO_LOGIN },
        { "redis://h/99", "-ERR DB index is out of range\r\n", REDIS_DB },
        { "redis://h/1", "-ERR SELECT is not allowed in cluster mode\r\n", REDIS_DB },
        { "redis://h", "+OK\r\n", REDIS_NOT_REDIS },
        { "redis://h", "$11\r\nloading:1\r\n\r\n", REDIS_LOADING },
        { "redis://h", "-LOADING Redis is loading\r\n", REDIS_LOADING },
        { "redis://h", "$17\r\ncluster_enabled:1\r\n-NOPERM\r\n", REDIS_NO_SLOTS },
        { "redis://h", "$17\r\ncluster_enabled:1\r\n*0\r\n", REDIS_NO_SLOTS },
        { "redis://h", "$0\r\n\r\n*1\r\n+x\r\n", REDIS_NO_SLOTS },
    };
    struct redis_server server;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        enum redis_failure failure = greet(rows[i].url, rows[i].replies, &server);

        if (failure != rows[i].failure)
            fail_msg("%s: %s", rows[i].replies, redis_failure_text(failure));
    }
}

static void an_error_is_known_by_its_first_word(void **state)
{
    static const struct {
        const char *text;
        int result;
        enum redis_failure failure;
    } rows[] = {
        { "NOSCRIPT No matching script.", ERR_UNKNOWN, REDIS_OK },
        { "OOM command not allowed when used memory > 'maxmemory'.", ERR_FULL, REDIS_OK },
        { "READONLY You can't write", ERR_BUSY, REDIS_NOT_PRIMARY },
        { "LOADING", ERR_BUSY, REDIS_LOADING },
        { "CLUSTERDOWN The cluster is down", ERR_BUSY, REDIS_OK },
        { "BUSYGROUP", ERR_REFUSED, REDIS_OK },
        { "ERR OOM", ERR_REFUSED, REDIS_OK },
        { "", ERR_REFUSED, REDIS_OK },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct redis_error error = redis_error_of(span_text(rows[i].text));

        assert_int_equal(rows[i].result, error.result);
        assert_int_equal(rows[i].failure, error.failure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greeting_says_what_the_url_tells),
        cmocka_unit_test(a_primary_says_who_it_is),
        cmocka_unit_test(a_server_that_refuses_info_is_used_without_a_run_id),
        cmocka_unit_test(a_replica_alone_is_no_primary_and_in_a_cluster_tells_who_is),
        cmocka_unit_test(each_failure_has_its_name),
        cmocka_unit_test(an_error_is_known_by_its_first_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
