/* SPDX-License-Identifier: MIT */
/* The messages between master and worker: kind, how many numbers it has, its word, what it says. */
#ifndef MESSAGE_ROW
#error "define MESSAGE_ROW(kind, n_numbers, word, about) before including this table"
#endif

MESSAGE_ROW(MESSAGE_READY, 1, "ready",
            "worker: I accept connections. The generation of settings that I run")
MESSAGE_ROW(MESSAGE_DRAIN, 1, "drain",
            "master: finish what is in flight and leave. Milliseconds that you have for it")
MESSAGE_ROW(
    MESSAGE_LOG, 2, "log",
    "master: here is a log opened anew, as a descriptor. Which of enum inherit_fd it is, and "
    "of enum log_place: for who has its log in such a place")
