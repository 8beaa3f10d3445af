/* SPDX-License-Identifier: MIT */
/* Somebody who asks the session store, and notes what is answered. */
#ifndef TESTS_UNIT_STORE_ASKED_H
#define TESTS_UNIT_STORE_ASKED_H

#include "worker/session_store.h"

struct asked {
    struct store_wait wait;
    struct session_ref *ref; /* of a get */
    unsigned n_done;
    int result;
};

static inline void asked_note(struct store_wait *wait, int result)
{
    struct asked *asked = wait->arg;

    asked->n_done++;
    asked->result = result;
}

static inline struct asked *asked_begin(struct asked *asked)
{
    *asked = (struct asked){ .wait = { .done = asked_note, .arg = asked } };
    return asked;
}

#endif
