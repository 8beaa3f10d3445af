/* SPDX-License-Identifier: MIT */
/* Anything as the replies of a Redis server: to the greeting, and as redirections. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "worker/redis_server.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void look_at(const struct resp_value *value)
{
    struct redis_redirection to;
    struct redis_error error = redis_error_of(resp_text(value));

    must(error.result < 0 && error.failure < N_REDIS_FAILURES);
    if (redis_redirection_read(resp_text(value), "own", &to))
        must(to.slot < REDIS_SLOTS && to.node.port > 0 && to.node.host[0] != '\0');
    for (size_t i = 0; i < resp_n(value); i++)
        look_at(resp_at(value, i));
}

static void check_slots(const struct redis_slots *slots)
{
    size_t n_served = 0;

    for (size_t i = 0; i < REDIS_SLOTS; i++) {
        must(slots->served_by[i] <= slots->n_nodes);
        n_served += redis_slots_find(slots, (uint16_t)i) != NULL;
    }
    must(n_served == slots->n_served);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const texts[] = { "redis://h", "redis://u:p@h/1" };
    struct redis_url url;
    const char *why;
    struct redis_server server = { .slots = NULL };
    enum redis_failure failure = REDIS_OK;
    struct resp_reader *reader;
    struct resp_value *value;
    size_t n = 0, n_greeting;
    struct buffer b;

    if (size == 0 || redis_url_parse(span_text(texts[data[0] % 2]), &url, &why) < 0)
        return 0;
    buffer_init(&b, 0);
    n_greeting = redis_greeting_put(&b, &url);
    buffer_fini(&b);
    must(resp_reader_new(&reader) == 0);
    if (resp_feed(reader, span_of(data + 1, size - 1)) == 0) {
        while (resp_next(reader, &value) == 0 && value != NULL) {
            look_at(value);
            if (n < n_greeting && failure == REDIS_OK)
                failure = redis_greeting_read(&url, n++, value, "own", &server);
            resp_value_free(&value);
        }
    }
    if (failure == REDIS_OK && n == n_greeting && redis_greeting_judge(&server) == REDIS_OK) {
        must(strlen(server.run_id) == REDIS_RUN_ID_LEN);
        if (server.slots != NULL)
            check_slots(server.slots);
    }
    free(server.slots);
    resp_reader_free(&reader);
    return 0;
}
