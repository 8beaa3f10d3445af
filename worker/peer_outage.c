/* SPDX-License-Identifier: MIT */
/* Lines about a peer. Owns nothing. */
#include "worker/peer_outage.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"

static void fail(struct peer_outage *outage, const char *peer, const char *what, const char *why,
                 const char *detail)
{
    outage->good_ms = 0;
    if (outage->since_ms != 0)
        return log_debug("still %s: %s peer=%s detail=\"%s\"", what, why, peer, detail);
    outage->since_ms = clock_mono_ms();
    log_warning("%s: %s peer=%s detail=\"%s\"", what, why, peer, detail);
}

void peer_outage_pairing_failed(struct peer_outage *outage, const char *peer, const char *why,
                                const char *detail)
{
    fail(outage, peer, "cannot pair with a peer", why, detail);
    outage->pairing = true;
}

void peer_outage_call_failed(struct peer_outage *outage, const char *peer, const char *why,
                             const char *detail)
{
    fail(outage, peer, "cannot send to a peer", why, detail);
    outage->last_ms = clock_mono_ms();
    outage->n_failed++;
}

void peer_outage_count(struct peer_outage *outage)
{
    if (outage->since_ms != 0)
        outage->n_failed++;
}

void peer_outage_answered(struct peer_outage *outage, const char *peer)
{
    uint64_t now_ms;

    if (outage->since_ms == 0)
        return;
    now_ms = clock_mono_ms();
    if (outage->good_ms == 0)
        outage->good_ms = now_ms;
    if (outage->pairing || (outage->last_ms != 0 && now_ms < outage->last_ms + PEER_OUTAGE_CALM_MS))
        return;
    log_info("a peer is back peer=%s after_ms=%" PRIu64 " requests_failed=%" PRIu64, peer,
             outage->good_ms - outage->since_ms, outage->n_failed);
    *outage = (struct peer_outage){ .since_ms = 0 };
}

void peer_outage_pairing_made(struct peer_outage *outage, const char *peer)
{
    outage->pairing = false;
    peer_outage_answered(outage, peer);
}
