/* SPDX-License-Identifier: MIT */
/* The map of a Redis Cluster. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/redis_slots.h"

static int read_map(const char *reply, const char *own_host, struct redis_slots *slots)
{
    struct resp_reader *reader;
    struct resp_value *value;
    int r;

    assert_int_equal(0, resp_reader_new(&reader));
    assert_int_equal(0, resp_feed(reader, span_text(reply)));
    assert_int_equal(0, resp_next(reader, &value));
    assert_non_null(value);
    r = redis_slots_read(value, own_host, slots);
    resp_value_free(&value);
    resp_reader_free(&reader);
    return r;
}

/* The first is the check value of the CRC; the others were asked of a redis-server (CLUSTER
 * KEYSLOT). */
static void a_key_has_the_slot_that_redis_gives_it(void **state)
{
    (void)state;
    assert_int_equal(0x31c3, redis_slot_of(SPAN("123456789")));
    assert_int_equal(0, redis_slot_of(SPAN("")));
    assert_int_equal(12182, redis_slot_of(SPAN("foo")));
    assert_int_equal(8363, redis_slot_of(SPAN("foo{}{bar}")));
    assert_int_equal(4015, redis_slot_of(SPAN("foo{{bar}}zap")));
    assert_int_equal(5061, redis_slot_of(SPAN("foo{bar}{zap}")));
}

static void a_tag_decides_alone(void **state)
{
    uint16_t slot = redis_slot_of(SPAN("0123abcd"));

    (void)state;
    assert_int_equal(slot, redis_slot_of(SPAN("mar1:pair:{0123abcd}")));
    assert_int_equal(slot, redis_slot_of(SPAN("mar1:seen:{0123abcd}:17")));
    assert_int_not_equal(slot, redis_slot_of(SPAN("mar1:pair:{0123abcd")));
}

#define NODE(host, port) "*3\r\n$" host "\r\n:" port "\r\n$2\r\nid\r\n"

static void ranges_are_served_by_their_primaries(void **state)
{
    static const char reply[] =
        "*3\r\n"
        "*4\r\n:0\r\n:5460\r\n" NODE("9\r\n127.0.0.1", "7000")
            NODE("9\r\n127.0.0.1", "7003") "*3\r\n:5461\r\n:5461\r\n" NODE(
                "3\r\n::1", "7001") "*3\r\n:16383\r\n:16383\r\n" NODE("9\r\n127.0.0.1", "7000");
    struct redis_slots *slots = malloc(sizeof(*slots));

    (void)state;
    assert_int_equal(0, read_map(reply, "", slots));
    assert_int_equal(2, slots->n_nodes);
    assert_int_equal(5463, slots->n_served);
    assert_int_equal(7000, redis_slots_find(slots, 0)->port);
    assert_int_equal(7000, redis_slots_find(slots, 5460)->port);
    assert_string_equal("::1", redis_slots_find(slots, 5461)->host);
    assert_null(redis_slots_find(slots, 5462));
    assert_int_equal(7000, redis_slots_find(slots, 16383)->port);
    free(slots);
}

static void a_host_left_empty_is_that_of_whom_we_asked(void **state)
{
    struct redis_slots *slots = malloc(sizeof(*slots));

    (void)state;
    assert_int_equal(0, read_map("*1\r\n*3\r\n:1\r\n:2\r\n" NODE("0\r\n", "7000"), "redis.internal",
                                 slots));
    assert_string_equal("redis.internal", redis_slots_find(slots, 1)->host);
    assert_int_equal(0, read_map("*1\r\n*3\r\n:1\r\n:2\r\n*2\r\n$-1\r\n:7000\r\n", "h", slots));
    assert_string_equal("h", redis_slots_find(slots, 1)->host);
    assert_int_equal(ERR_FORMAT,
                     read_map("*1\r\n*3\r\n:1\r\n:2\r\n" NODE("0\r\n", "7000"), "", slots));
    free(slots);
}

static void a_map_that_cannot_be_is_refused(void **state)
{
    static const char *const replies[] = {
        "+OK\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:2\r\n:1\r\n" NODE("1\r\nh", "7000"),
        "*1\r\n*3\r\n:-1\r\n:1\r\n" NODE("1\r\nh", "7000"),
        "*1\r\n*3\r\n:0\r\n:16384\r\n" NODE("1\r\nh", "7000"),
        "*1\r\n*3\r\n+0\r\n:1\r\n" NODE("1\r\nh", "7000"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE("1\r\nh", "0"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE("1\r\nh", "65536"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE("1\r\n?", "7000"),
        "*1\r\n*3\r\n:0\r\n:1\r\n" NODE("3\r\na b", "7000"),
    };
    struct redis_slots *slots = malloc(sizeof(*slots));

    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++)
        assert_int_equal(ERR_FORMAT, read_map(replies[i], "", slots));
    free(slots);
}

static void primaries_have_a_bound(void **state)
{
    struct redis_slots *slots = calloc(1, sizeof(*slots));
    struct redis_node node = { .host = "h" };

    (void)state;
    for (node.port = 1; node.port <= REDIS_NODES_MAX; node.port++)
        assert_int_equal(0, redis_slots_move(slots, node.port, &node));
    assert_int_equal(ERR_LIMIT, redis_slots_move(slots, 5, &node));
    assert_int_equal(5, redis_slots_find(slots, 5)->port);
    node.port = 9;
    assert_int_equal(0, redis_slots_move(slots, 5, &node));
    assert_int_equal(9, redis_slots_find(slots, 5)->port);
    assert_int_equal(REDIS_NODES_MAX, slots->n_served);
    free(slots);
}

static void a_redirection_says_slot_and_place(void **state)
{
    struct redis_redirection to;

    (void)state;
    assert_true(redis_redirection_read(SPAN("MOVED 3999 127.0.0.1:6381"), "", &to));
    assert_false(to.ask);
    assert_int_equal(3999, to.slot);
    assert_string_equal("127.0.0.1", to.node.host);
    assert_int_equal(6381, to.node.port);
    assert_true(redis_redirection_read(SPAN("ASK 16383 2001:db8::1:6381"), "", &to));
    assert_true(to.ask);
    assert_string_equal("2001:db8::1", to.node.host);
    assert_true(redis_redirection_read(SPAN("MOVED 0 :6381"), "redis.internal", &to));
    assert_string_equal("redis.internal", to.node.host);
}

static void anything_else_is_no_redirection(void **state)
{
    static const char *const errors[] = {
        "",
        "ERR MOVED 1 h:1",
        "MOVED",
        "MOVED 1",
        "MOVED 1 ",
        "MOVED 1 h",
        "MOVED 1 h:",
        "MOVED 1 h:0",
        "MOVED 1 h:65536",
        "MOVED 16384 h:1",
        "MOVED x h:1",
        "MOVED -1 h:1",
        "MOVED 1 h:1 ",
        "MOVED 1 h/x:1",
        "MOVED 1 :1",
        "MOVED  1 h:1",
        "moved 1 h:1",
    };
    struct redis_redirection to;

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
        assert_false(redis_redirection_read(span_text(errors[i]), "", &to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_the_slot_that_redis_gives_it),
        cmocka_unit_test(a_tag_decides_alone),
        cmocka_unit_test(ranges_are_served_by_their_primaries),
        cmocka_unit_test(a_host_left_empty_is_that_of_whom_we_asked),
        cmocka_unit_test(a_map_that_cannot_be_is_refused),
        cmocka_unit_test(primaries_have_a_bound),
        cmocka_unit_test(a_redirection_says_slot_and_place),
        cmocka_unit_test(anything_else_is_no_redirection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
