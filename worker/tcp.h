/* SPDX-License-Identifier: MIT */
/* What the kernel knows about a TCP connection. */
#ifndef WORKER_TCP_H
#define WORKER_TCP_H

#include <stdint.h>

/* Bytes that the other side has acknowledged so far; 0 where the kernel does not say. */
uint64_t tcp_acked(int fd);

#endif
