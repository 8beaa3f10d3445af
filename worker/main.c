/* SPDX-License-Identifier: MIT */
/* mte-api-relay-worker: started by mte-api-relayd with what common/inherit.h says. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/title.h"
#include "worker/worker.h"

int main(int argc, char **argv)
{
    struct inherit inherit;

    if (argc == 2 && strcmp(argv[1], INHERIT_CHECK) == 0)
        return worker_check();
    if (argc != 2 || inherit_parse(span_text(argv[1]), &inherit) != 0) {
        fputs("mte-api-relay-worker is started by mte-api-relayd, not by hand\n", stderr);
        return EX_USAGE;
    }
    if (title_open(argc, argv, environ) != 0)
        return EX_OSERR;
    return worker_run(&inherit);
}
