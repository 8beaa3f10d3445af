/* SPDX-License-Identifier: MIT */
/*
 * Those who are connected to the control socket: each says one line of words and gets one line of
 * JSON, then the connection ends. Nobody is waited for: who is slow loses his place.
 */
#ifndef MASTER_CONTROL_H
#define MASTER_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buffer.h"

enum {
    CONTROL_CLIENTS_MAX = 8, /* at once; others wait in the kernel */
    CONTROL_LINE_MAX = 4096,
    CONTROL_POLLS = 1 + CONTROL_CLIENTS_MAX,
};

/* Embedded in control; without a descriptor the place is free. */
struct control_client {
    int fd; /* owned */
    struct buffer in, out;
    uint64_t due_ms; /* until then, or he is gone */
    bool waits;      /* for control_answer_waiting() */
};

/*
 * A whole line has come, without its end: writes the answer, also a line, into out, and returns
 * true; or false where the answer comes later.
 */
typedef bool (*control_line_cb)(void *arg, struct span line, struct buffer *out);

/* Embedded. */
struct control {
    int listener; /* -1: there is no socket; the caller's */
    control_line_cb line;
    void *arg;
    struct control_client clients[CONTROL_CLIENTS_MAX];
};

void control_init(struct control *control, int listener, control_line_cb line, void *arg);
void control_close(struct control *control); /* all clients; answers that did not go are lost */

/* What to poll for; those that are not wanted have the descriptor -1. */
void control_prepare(const struct control *control, struct pollfd polls_r[static CONTROL_POLLS]);
/* After poll(2), with the same, and whenever the time has come. */
void control_take(struct control *control, const struct pollfd polls[static CONTROL_POLLS]);
uint64_t control_due_ms(const struct control *control); /* UINT64_MAX: never */

/* The answer for all who wait for one. */
void control_answer_waiting(struct control *control, struct span answer);

#endif
