/* SPDX-License-Identifier: MIT */
/* Counts who uses the keys of a pair, and wipes them when nobody does. */
#include "worker/session_ref.h"

#include <errno.h>
#include <stdlib.h>

#include "common/secret.h"

int session_ref_new(const struct session *session, const struct store_place *place,
                    struct session_ref **ref_r)
{
    struct session_ref *ref = calloc(1, sizeof(*ref));
    int r;

    if (ref == NULL)
        return -ENOMEM;
    ref->n_refs = 1;
    ref->session = *session;
    ref->place = *place;
    r = pair_keys_new(&session->secret, &ref->keys);
    secret_wipe(&ref->session.secret.key, sizeof(ref->session.secret.key));
    if (r < 0)
        session_ref_put(&ref);
    else
        *ref_r = ref;
    return r;
}

struct session_ref *session_ref_get(struct session_ref *ref)
{
    ref->n_refs++;
    return ref;
}

void session_ref_put(struct session_ref **ref)
{
    struct session_ref *gone = *ref;

    *ref = NULL;
    if (gone == NULL || --gone->n_refs > 0)
        return;
    pair_keys_free(&gone->keys);
    secret_wipe(gone, sizeof(*gone));
    free(gone);
}
