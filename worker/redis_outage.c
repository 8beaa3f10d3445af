/* SPDX-License-Identifier: MIT */
/* Lines about a Redis server. Owns nothing, knows no password. */
#include "worker/redis_outage.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"

void redis_outage_note(struct redis_outage *outage, enum redis_failure failure, const char *detail)
{
    if (outage->since_ms == 0)
        outage->since_ms = clock_mono_ms();
    if ((outage->said & 1u << failure) != 0)
        return;
    outage->said |= 1u << failure;
    log_warning("redis cannot be used: %s place=%s detail=\"%s\"", redis_failure_text(failure),
                outage->place, detail != NULL ? detail : "");
}

void redis_outage_end(struct redis_outage *outage, const struct redis_server *server)
{
    if (outage->since_ms != 0)
        log_info("redis is back place=%s away_ms=%" PRIu64, outage->place,
                 clock_mono_ms() - outage->since_ms);
    else
        log_info("redis is there place=%s", outage->place);
    outage->since_ms = 0;
    outage->said = 0;
    if (!server->says_run_id && !outage->said_no_run_id)
        log_warning("redis does not say its run_id (may our user call INFO?): a failover to a "
                    "server that lost writes will not be noticed place=%s",
                    outage->place);
    outage->said_no_run_id = !server->says_run_id;
}
