/* SPDX-License-Identifier: MIT */
/* The words that mte-api-relayd is called with. */
#ifndef MASTER_OPTIONS_H
#define MASTER_OPTIONS_H

#include <stdbool.h>

/* Views of argv. */
struct options {
    const char *conf_path; /* NULL: the default */
    const char *worker_path;
    const char *pid_path; /* NULL: none */
    const char *binary;   /* this program, and what takes its place at an upgrade */
    int take_over;        /* what the binary before us left; -1: nothing */
    bool check, print, daemon, health;
};

/* Exits where the options say so, or are wrong. */
void options_parse(int argc, char **argv, struct options *options_r);

#endif
