/* SPDX-License-Identifier: MIT */
/* x-request-id: what is taken from others, and what is made here. */
#ifndef WORKER_REQUEST_ID_H
#define WORKER_REQUEST_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/span.h"

enum {
    REQUEST_ID_MAX = 128,    /* bytes of one that is taken */
    REQUEST_ID_MADE_LEN = 32 /* hexadecimal digits of one that is made */
};

/* [A-Za-z0-9._-]{1,128} */
bool request_id_ok(struct span id);

/* Of one process. Embedded. */
struct request_ids {
    uint8_t process[8]; /* random */
    uint64_t n_made;
};
/* ERR_CRYPTO, -errno. */
MUST_CHECK int request_ids_init(struct request_ids *ids);

/* Unlike every other; names, and is no secret: who has seen one can guess the next. */
void request_id_make(struct request_ids *ids, char text_r[static REQUEST_ID_MADE_LEN + 1]);

#endif
