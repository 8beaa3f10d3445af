/* SPDX-License-Identifier: MIT */
/* Paths in their one spelling, and the patterns of routes. */

#include "tests/unit/unit.h"

#include "common/error.h"
#include "worker/route.h"

static void assert_normal(const char *target, const char *want)
{
    struct buffer path;

    buffer_init(&path, 0);
    assert_int_equal(route_normalise(span_text(target), &path), 0);
    if (!span_equal(buffer_span(&path), span_text(want)))
        fail_msg("%s: \"%.*s\" instead of \"%s\"", target, SPAN_PRINT(buffer_span(&path)), want);
    buffer_fini(&path);
}

static bool matches(const char *pattern, const char *target)
{
    struct span item = span_text(pattern);
    struct conf_list patterns = { &item, 1 };
    struct buffer path;
    bool result;

    buffer_init(&path, 0);
    assert_int_equal(route_normalise(span_text(target), &path), 0);
    result = route_matches(&patterns, buffer_span(&path));
    buffer_fini(&path);
    return result;
}

static void the_query_is_no_part_of_the_path(void **state)
{
    (void)state;
    assert_normal("/a?b=/../c", "/a");
    assert_normal("/?", "/");
}

static void unreserved_characters_are_decoded(void **state)
{
    (void)state;
    assert_normal("/health%2e", "/health.");
    assert_normal("/%68ealth", "/health");
    assert_normal("/%41%7a%30%2D%2d%5F%7E", "/Az0--_~");
}

static void other_escapes_stay_in_upper_case(void **state)
{
    (void)state;
    assert_normal("/a%2fb%2Fc", "/a%2Fb%2Fc");
    assert_normal("/%c3%A9%20%25", "/%C3%A9%20%25");
    assert_normal("/%252e%252e/", "/%252e%252e/"); // decoded once, not twice
    assert_normal("/%00", "/%00");
}

static void what_is_no_escape_stays(void **state)
{
    (void)state;
    assert_normal("/%", "/%");
    assert_normal("/%4", "/%4");
    assert_normal("/%4x%zz%%41", "/%4x%zz%A");
}

static void dot_segments_are_removed(void **state)
{
    (void)state;
    assert_normal("/a/b/c/./../../g", "/a/g"); // RFC 3986 5.2.4
    assert_normal("/mid/content=5/../6", "/mid/6");
    assert_normal("/api/v1/../x", "/api/x");
    assert_normal("/a/.", "/a/");
    assert_normal("/a/..", "/");
    assert_normal("/..", "/");
    assert_normal("/../../a", "/a");
    assert_normal("/a/%2E%2e/b", "/b");
    assert_normal("/a/.%2e/%2E/b", "/b");
    assert_normal("/a/...", "/a/...");
    assert_normal("/a/..b/.c", "/a/..b/.c");
}

static void slashes_are_not_merged(void **state)
{
    (void)state;
    assert_normal("//health", "//health");
    assert_normal("/a//../b", "/a/b");
    assert_normal("/a/b//", "/a/b//");
}

static void what_is_no_path_stays(void **state)
{
    (void)state;
    assert_normal("*", "*");
    assert_normal("", "");
    assert_normal("..", "..");
}

static void a_normal_path_is_normal(void **state)
{
    static const char alphabet[] = "/.%2eEfFa";
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char target[25] = "/";
        struct buffer once, twice;

        for (size_t i = 1; i < sizeof(target) - 1; i++) {
            seed = seed * 1664525 + 1013904223;
            target[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        buffer_init(&once, 0);
        buffer_init(&twice, 0);
        assert_int_equal(route_normalise(span_text(target), &once), 0);
        // %2566 becomes %66 for nobody: decoding once leaves no escape of an unreserved character
        // unless its percent sign was a character of its own.
        assert_int_equal(route_normalise(buffer_span(&once), &twice), 0);
        if (strstr(target, "%%") == NULL && strstr(target, "%2%") == NULL &&
            !span_equal(buffer_span(&once), buffer_span(&twice)))
            fail_msg("%s", target);
        assert_int_equal(buffer_span(&once).at[0], '/');
        buffer_fini(&once);
        buffer_fini(&twice);
    }
}

static void a_path_is_the_same_without_a_copy(void **state)
{
    static const char *const alphabets[] = { "/.%2eE?a", "/.ab", "ab?/" };
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 30000; round++) {
        const char *alphabet = alphabets[round % 3];
        char target[9] = { 0 };
        struct buffer path, room;
        struct span found;

        for (size_t i = 0; i < (size_t)round % sizeof(target); i++) {
            seed = seed * 1664525 + 1013904223;
            target[i] = alphabet[(seed >> 16) % strlen(alphabet)];
        }
        buffer_init(&path, 0);
        buffer_init(&room, 0);
        assert_int_equal(route_normalise(span_text(target), &path), 0);
        assert_int_equal(route_path(span_text(target), &room, &found), 0);
        if (!span_equal(found, buffer_span(&path)))
            fail_msg("%s", target);
        buffer_fini(&path);
        buffer_fini(&room);
    }
}

static void an_exact_pattern_matches_that_path_only(void **state)
{
    (void)state;
    assert_true(matches("/health", "/health"));
    assert_true(matches("/health", "/health?x=1"));
    assert_true(matches("/health", "/%68ealth"));
    assert_true(matches("/health", "/x/../health"));
    assert_false(matches("/health", "/health/"));
    assert_false(matches("/health", "/healthz"));
    assert_false(matches("/health", "/healt"));
    assert_false(matches("/health", "/health%2e"));
    assert_false(matches("/health", "/health%00"));
    assert_false(matches("/health", "//health"));
    assert_false(matches("/health", "/Health"));
}

static void a_prefix_pattern_matches_what_begins_with_it(void **state)
{
    (void)state;
    assert_true(matches("/api/v1/*", "/api/v1/"));
    assert_true(matches("/api/v1/*", "/api/v1/a/b"));
    assert_true(matches("/api/v1/*", "/api/./v1/%61"));
    assert_true(matches("/*", "/"));
    assert_false(matches("/api/v1/*", "/api/v1"));
    assert_false(matches("/api/v1/*", "/api/v1/../x"));
    assert_false(matches("/api/v1/*", "/api/v1/%2E%2e/x"));
    assert_false(matches("/api/v1/*", "/api/v1%2Fx"));
    assert_false(matches("/api/v1/*", "//api/v1/x"));
}

static void a_patterns_own_spelling_does_not_matter(void **state)
{
    (void)state;
    assert_true(matches("/caf%c3%a9", "/caf%C3%A9"));
    assert_true(matches("/%7euser/*", "/~user/x"));
}

static void a_prefix_is_not_left_by_a_spelling_that_other_servers_know(void **state)
{
    static const char *const doubtful[] = {
        "/pub/..%2fadmin",   "/pub/..%2Fadmin",   "/pub/%2e%2e%2fadmin", "/pub/..%5cadmin",
        "/pub/..\\admin",    "/pub/..;/admin",    "/pub/..;x=1/admin",   "/pub/a%2F../admin",
        "/pub/a%2f..%2fadm", "/pub/a\\..\\admin", "/pub/a%5C..",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(doubtful) / sizeof(*doubtful); i++) {
        if (matches("/pub/*", doubtful[i]))
            fail_msg("%s", doubtful[i]);
    }
    assert_true(matches("/pub/*", "/pub/a..b"));
    assert_true(matches("/pub/*", "/pub/a%2Fb"));
    assert_true(matches("/pub/*", "/pub/v1..;x"));
    assert_true(matches("/pub/*", "/pub/...%2F"));
    assert_true(matches("/pub/*", "/pub/a;xx../b"));
}

static void without_mte_routes_every_path_is_encoded(void **state)
{
    struct span item = SPAN("/a");
    struct conf_list none = { NULL, 0 }, one = { &item, 1 };

    (void)state;
    assert_false(route_matches(&none, SPAN("/a")));
    assert_true(route_is_encoded(&none, SPAN("/a")));
    assert_true(route_is_encoded(&one, SPAN("/a")));
    assert_false(route_is_encoded(&one, SPAN("/b")));
    assert_true(route_target_is_encoded(&none, SPAN("/x?y")));
    assert_true(route_target_is_encoded(&one, SPAN("/x/../%61?y")));
    assert_false(route_target_is_encoded(&one, SPAN("/a/../x")));
}

static void the_echo_is_known_in_every_spelling(void **state)
{
    (void)state;
    assert_true(route_target_is_echo(SPAN("/api/mte-echo")));
    assert_true(route_target_is_echo(SPAN("/api/x/../mte%2decho?msg=a")));
    assert_false(route_target_is_echo(SPAN("/api/mte-echo/")));
    assert_false(route_target_is_echo(SPAN("/api/mte-ech")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_query_is_no_part_of_the_path),
        cmocka_unit_test(unreserved_characters_are_decoded),
        cmocka_unit_test(other_escapes_stay_in_upper_case),
        cmocka_unit_test(what_is_no_escape_stays),
        cmocka_unit_test(dot_segments_are_removed),
        cmocka_unit_test(slashes_are_not_merged),
        cmocka_unit_test(what_is_no_path_stays),
        cmocka_unit_test(a_normal_path_is_normal),
        cmocka_unit_test(a_path_is_the_same_without_a_copy),
        cmocka_unit_test(an_exact_pattern_matches_that_path_only),
        cmocka_unit_test(a_prefix_pattern_matches_what_begins_with_it),
        cmocka_unit_test(a_patterns_own_spelling_does_not_matter),
        cmocka_unit_test(a_prefix_is_not_left_by_a_spelling_that_other_servers_know),
        cmocka_unit_test(without_mte_routes_every_path_is_encoded),
        cmocka_unit_test(the_echo_is_known_in_every_spelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
