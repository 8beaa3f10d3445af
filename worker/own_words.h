/* SPDX-License-Identifier: MIT */
/*
 * What libh2o refuses by itself (a body that is too large, broken chunks, bad field values) is told
 * in our words too: as problem+json with its code, counted and logged.
 */
#ifndef WORKER_OWN_WORDS_H
#define WORKER_OWN_WORDS_H

struct st_h2o_pathconf_t;
struct braked_log;
struct metric_block;

void own_words_register(struct st_h2o_pathconf_t *path, struct metric_block *metrics,
                        struct braked_log *lines);

#endif
