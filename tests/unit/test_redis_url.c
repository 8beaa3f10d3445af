/* SPDX-License-Identifier: MIT */
/* Where Redis is, as REDIS_URL says. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "common/redis_url.h"

/* All parts of a URL in one line. */
static const char *read_url(const char *text, char line[static 512])
{
    struct redis_url url;
    struct buffer place, user, password;
    const char *why = NULL;

    if (redis_url_parse(span_text(text), &url, &why) < 0) {
        assert_non_null(why);
        return why;
    }
    assert_null(why);
    buffer_init(&place, 0);
    buffer_init(&user, 0);
    buffer_init(&password, 0);
    redis_url_put_place(&place, &url);
    redis_url_put_decoded(&user, url.user);
    redis_url_put_decoded(&password, url.password);
    snprintf(line, 512, "%s%.*s%s%.*s%s%.*s/%u", url.tls ? "tls " : "",
             SPAN_PRINT(buffer_span(&user)), url.auth ? ":" : "",
             SPAN_PRINT(buffer_span(&password)), url.auth ? "@" : "",
             SPAN_PRINT(buffer_span(&place)), url.db);
    buffer_fini(&place);
    buffer_fini(&user);
    buffer_fini(&password);
    return line;
}

static void check(const char *const (*rows)[2], size_t n)
{
    char line[512];

    for (size_t i = 0; i < n; i++)
        assert_string_equal(rows[i][1], read_url(rows[i][0], line));
}

static void every_form_is_read(void **state)
{
    static const char *const rows[][2] = {
        { "redis://10.0.1.230", "10.0.1.230:6379/0" },
        { "redis://10.0.1.230:80", "10.0.1.230:80/0" },
        { "redis://h/", "h:6379/0" },
        { "REDIS://h:6380/15", "h:6380/15" },
        { "rediss://u:p%40ss%2f@h", "tls u:p@ss/@h:6379/0" },
        { "redis://:secret@h", ":secret@h:6379/0" },
        { "redis://:a:b@h", ":a:b@h:6379/0" },
        { "redis://[::1]", "[::1]:6379/0" },
        { "rediss://u:p@[2001:db8::1]:6380/2", "tls u:p@[2001:db8::1]:6380/2" },
        { "unix:/run/redis.sock", "/run/redis.sock/0" },
        { "unix:///run/redis.sock", "/run/redis.sock/0" },
        { "unix://u:p%25@/run/r@2.sock", "u:p%@/run/r@2.sock/0" },
    };

    (void)state;
    check(rows, sizeof(rows) / sizeof(*rows));
}

static void anything_else_is_refused_with_its_reason(void **state)
{
    static const char form[] = "it is not redis://..., rediss://... or unix:/path/of/the/socket";
    static const char login[] = "what stands before the @ is not user:password or :password";
    static const char escape[] = "a % in user or password begins no escape; write %25";
    static const char number[] = "what follows the host is not / and a number";
    static const char port[] = "the port is not a number from 1 to 65535";
    static const char *const rows[][2] = {
        { "", form },
        { "h:6379", form },
        { "redis:h", form },
        { "http://h", form },
        { "unix:socket", form },
        { "unix:", form },
        { "unix:/", form },
        { "unix://", form },
        { "unix://host/path", "a unix socket is on no host: unix:/path/of/the/socket" },
        { "unix://u:p@host/path", "a unix socket is on no host: unix:/path/of/the/socket" },
        { "redis://", "the host is missing" },
        { "redis://:6379", "the host is missing" },
        { "redis://u:p@", "the host is missing" },
        { "redis://u@h", login },
        { "redis://@h", login },
        { "redis://u:@h", "the password is empty" },
        { "redis://u:p%4@h", escape },
        { "redis://u:p%4g@h", escape },
        { "redis://u%:p@h", escape },
        { "redis://u:p q@h",
          "a space or control byte of user or password is written as an escape such as %20" },
        { "redis://u:p@q@h", "there is more than one @: write those of the password as %40" },
        { "redis://h:port", port },
        { "redis://h:0", port },
        { "redis://h:65536", port },
        { "redis://h/first", number },
        { "redis://h/-1", number },
        { "redis://h/1/2", number },
        { "redis://h/2147483648", number },
        { "redis://h?db=1", "a query or fragment has no place here" },
    };

    (void)state;
    check(rows, sizeof(rows) / sizeof(*rows));
}

static void a_path_fits_into_a_socket_address(void **state)
{
    char text[8 + REDIS_URL_PATH_MAX + 2] = "unix:";
    struct redis_url url;
    const char *why;

    (void)state;
    memset(text + 5, '/', REDIS_URL_PATH_MAX);
    text[5 + REDIS_URL_PATH_MAX] = '\0';
    text[6] = 'a'; /* "//" would begin an authority */
    assert_int_equal(0, redis_url_parse(span_text(text), &url, &why));
    assert_int_equal(REDIS_URL_PATH_MAX, url.path.len);
    text[5 + REDIS_URL_PATH_MAX] = 'a';
    assert_int_equal(ERR_FORMAT, redis_url_parse(span_text(text), &url, &why));
}

static void a_host_of_any_length_is_judged(void **state)
{
    static char text[600];
    struct redis_url url;
    const char *why;

    (void)state;
    for (size_t n = 1; n < 550; n++) {
        snprintf(text, sizeof(text), "redis://%0*d", (int)n, 0);
        assert_int_equal(n <= URL_HOST_MAX ? 0 : ERR_FORMAT,
                         redis_url_parse(span_text(text), &url, &why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(anything_else_is_refused_with_its_reason),
        cmocka_unit_test(a_path_fits_into_a_socket_address),
        cmocka_unit_test(a_host_of_any_length_is_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
