/* SPDX-License-Identifier: MIT */
/* What the settings say of TLS, judged and made ready: for both outward sides, Redis and the door.
 */
#ifndef WORKER_CERTIFICATES_H
#define WORKER_CERTIFICATES_H

#include "common/conf.h"
#include "common/metric.h"
#include "worker/tls.h"
#include "worker/tls_server.h"
#include "worker/upstream.h"

/* Embedded, zeroed before. Whoever takes a trust leaves NULL. */
struct certificates {
    struct tls_trust *trust[N_UPSTREAM_SIDES];
    struct tls_trust *redis;
    struct tls_server *door; /* NULL: the door is plain */
};

/* Every mistake is logged under its setting's name: ERR_FORMAT. ERR_CRYPTO, -ENOMEM. */
MUST_CHECK int certificates_read(struct certificates *certificates, const struct conf *conf);
void certificates_fini(struct certificates *certificates);

/*
 * A line for each that ends soon or has ended. That stops nothing: refusing to start would end the
 * service for those, too, who do not look.
 */
void certificates_tell_ends(const struct certificates *certificates, int64_t now_s);

/* The same for the metrics, of this process. */
void certificates_count_ends(const struct certificates *certificates, struct metric_block *metrics);

#endif
