/* SPDX-License-Identifier: MIT */
/*
 * Frames every answer of unknown length over HTTP/1.1 in chunks, whatever its status: libh2o's own
 * encoder does so for 200 only and lets all others end with the connection, cut or not. An answer
 * that breaks off ends inside an announced chunk.
 */
#ifndef WORKER_CHUNKED_H
#define WORKER_CHUNKED_H

struct st_h2o_pathconf_t;

/* The first of a path's filters to be registered: libh2o's encoder, behind it, never acts. */
void chunked_register(struct st_h2o_pathconf_t *path);

#endif
