/* SPDX-License-Identifier: MIT */
/*
 * What is said when a connection to a Redis server begins (AUTH, SELECT, INFO, CLUSTER SLOTS), and
 * what its answers tell about the server.
 */
#ifndef WORKER_REDIS_SERVER_H
#define WORKER_REDIS_SERVER_H

#include "common/redis_url.h"
#include "worker/redis_slots.h"
#include "worker/resp.h"

enum redis_failure {
#define REDIS_FAILURE_ROW(name, sentence) name,
#include "worker/redis_failure_table.h"
#undef REDIS_FAILURE_ROW
    N_REDIS_FAILURES
};
const char *redis_failure_text(enum redis_failure failure);

struct redis_error {
    int result;                 /* ERR_UNKNOWN: no such script; ERR_FULL, ERR_BUSY, ERR_REFUSED */
    enum redis_failure failure; /* REDIS_OK: the server itself is well */
};
/* What an error reply means. */
struct redis_error redis_error_of(struct span text);

enum { REDIS_RUN_ID_LEN = 40 };

struct redis_server {
    char run_id[REDIS_RUN_ID_LEN + 1]; /* zeros where INFO is refused */
    bool says_run_id;
    bool is_replica, is_cluster;
    struct redis_slots *slots; /* owned; NULL: no cluster */
};

/* Appends the commands; returns how many replies they bring. */
size_t redis_greeting_put(struct buffer *b, const struct redis_url *url);
/*
 * The i-th of those replies. Fills server (all zero before the first), whose slots are the
 * caller's to free. own_host stands for hosts that the server does not know of itself.
 */
enum redis_failure redis_greeting_read(const struct redis_url *url, size_t i,
                                       const struct resp_value *reply, const char *own_host,
                                       struct redis_server *server);
/* After the last of them: can the server be used, by itself or as one of a cluster? */
enum redis_failure redis_greeting_judge(const struct redis_server *server);

#endif
