/* SPDX-License-Identifier: MIT */
/*
 * The greeting of a Redis server. Says what is wrong in words of our own: an error's text is
 * foreign, and might repeat what we sent.
 */
#include "worker/redis_server.h"

#include <stdio.h>
#include <stdlib.h>

const char *redis_failure_text(enum redis_failure failure)
{
    static const char *const texts[] = {
#define REDIS_FAILURE_ROW(name, sentence) [name] = sentence,
#include "worker/redis_failure_table.h"
#undef REDIS_FAILURE_ROW
    };

    return texts[failure];
}

struct redis_error redis_error_of(struct span text)
{
    static const struct {
        const char *word;
        struct redis_error error;
    } rows[] = {
#define REDIS_ERROR_ROW(word, result, failure) { word, { result, failure } },
#include "worker/redis_error_table.h"
#undef REDIS_ERROR_ROW
    };
    struct span word = span_part(text, 0, span_find(text, ' '));

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (span_equal(word, span_text(rows[i].word)))
            return rows[i].error;
    }
    return (struct redis_error){ ERR_REFUSED, REDIS_OK };
}

/* The greeting, in its order. */
enum step { AUTH, SELECT, INFO, SLOTS, N_STEPS };

static bool is_said(const struct redis_url *url, enum step step)
{
    return (step != AUTH || url->auth) && (step != SELECT || url->db != 0);
}

static void put_auth(struct buffer *b, const struct redis_url *url)
{
    struct span words[3] = { SPAN("AUTH") };
    struct buffer user, password;
    size_t n = 1;

    buffer_init_secret(&user, 0);
    buffer_init_secret(&password, 0);
    redis_url_put_decoded(&user, url->user);
    redis_url_put_decoded(&password, url->password);
    if (url->user.len > 0)
        words[n++] = buffer_span(&user);
    words[n++] = buffer_span(&password);
    resp_put_command(b, words, n);
    if (buffer_error(&user) != 0 || buffer_error(&password) != 0)
        b->error = buffer_error(&user) != 0 ? buffer_error(&user) : buffer_error(&password);
    buffer_fini(&user);
    buffer_fini(&password);
}

size_t redis_greeting_put(struct buffer *b, const struct redis_url *url)
{
    const struct span info[] = { SPAN("INFO") }, slots[] = { SPAN("CLUSTER"), SPAN("SLOTS") };
    struct span select[2] = { SPAN("SELECT") };
    char number[sizeof("4294967295")];
    size_t n = 2;

    if (is_said(url, AUTH)) {
        put_auth(b, url);
        n++;
    }
    if (is_said(url, SELECT)) {
        snprintf(number, sizeof(number), "%u", url->db);
        select[1] = span_text(number);
        resp_put_command(b, select, 2);
        n++;
    }
    resp_put_command(b, info, 1);
    resp_put_command(b, slots, 2);
    return n;
}

static enum step step_of(const struct redis_url *url, size_t i)
{
    enum step step = AUTH;

    while (step < SLOTS && (!is_said(url, step) || i-- > 0))
        step++;
    return step;
}

/* The value of a line "name:value" of INFO. */
static struct span info_value(struct span info, struct span name)
{
    while (info.at != NULL) {
        struct span line = span_cut(&info, '\n');

        if (line.len > name.len && span_starts(line, name) && line.at[name.len] == ':') {
            line = span_from(line, name.len + 1);
            return span_ends(line, SPAN("\r")) ? span_part(line, 0, line.len - 1) : line;
        }
    }
    return SPAN_NONE;
}

static bool is_run_id(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.at[i] < '0' || text.at[i] > '9') && (text.at[i] < 'a' || text.at[i] > 'f'))
            return false;
    }
    return text.len == REDIS_RUN_ID_LEN;
}

static enum redis_failure read_info(const struct resp_value *reply, struct redis_server *server)
{
    struct span info = resp_text(reply), run_id = info_value(info, SPAN("run_id"));

    memset(server->run_id, '0', REDIS_RUN_ID_LEN);
    server->run_id[REDIS_RUN_ID_LEN] = '\0';
    if (resp_kind(reply) == RESP_ERROR)
        return redis_error_of(info).failure;
    if (resp_kind(reply) != RESP_BYTES)
        return REDIS_NOT_REDIS;
    server->says_run_id = is_run_id(run_id);
    if (server->says_run_id)
        memcpy(server->run_id, run_id.at, REDIS_RUN_ID_LEN);
    server->is_replica = span_equal(info_value(info, SPAN("role")), SPAN("slave"));
    server->is_cluster = span_equal(info_value(info, SPAN("cluster_enabled")), SPAN("1"));
    if (span_equal(info_value(info, SPAN("loading")), SPAN("1")))
        return REDIS_LOADING;
    return REDIS_OK;
}

/* A server that is of no cluster answers with an error. */
static enum redis_failure read_slots(const struct resp_value *reply, const char *own_host,
                                     struct redis_server *server)
{
    if (resp_kind(reply) == RESP_ERROR)
        return redis_error_of(resp_text(reply)).failure;
    server->is_cluster = true;
    server->slots = malloc(sizeof(*server->slots));
    if (server->slots == NULL)
        return REDIS_NO_MEMORY;
    if (redis_slots_read(reply, own_host, server->slots) == 0 && server->slots->n_served > 0)
        return REDIS_OK;
    return REDIS_NO_SLOTS;
}

/* An error that says nothing else is of this step; Redis before 6 has no word for a bad login. */
static enum redis_failure read_ok(const struct resp_value *reply, enum redis_failure own)
{
    enum redis_failure failure;

    if (resp_kind(reply) == RESP_STATUS)
        return REDIS_OK;
    if (resp_kind(reply) != RESP_ERROR)
        return REDIS_NOT_REDIS;
    failure = redis_error_of(resp_text(reply)).failure;
    return failure != REDIS_OK ? failure : own;
}

enum redis_failure redis_greeting_read(const struct redis_url *url, size_t i,
                                       const struct resp_value *reply, const char *own_host,
                                       struct redis_server *server)
{
    switch (step_of(url, i)) {
    case AUTH:
        return read_ok(reply, REDIS_LOGIN);
    case SELECT:
        return read_ok(reply, REDIS_DB);
    case INFO:
        return read_info(reply, server);
    default:
        return read_slots(reply, own_host, server);
    }
}

enum redis_failure redis_greeting_judge(const struct redis_server *server)
{
    if (server->is_cluster)
        return server->slots != NULL ? REDIS_OK : REDIS_NO_SLOTS;
    return server->is_replica ? REDIS_NOT_PRIMARY : REDIS_OK;
}
