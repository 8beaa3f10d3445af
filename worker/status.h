/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STATUS_H
#define WORKER_STATUS_H

/* The reason phrase that RFC 9110 knows for a status; "" for any other, which HTTP/1.1 allows. */
const char *status_reason(unsigned status);

#endif
