/* SPDX-License-Identifier: MIT */
/* The messages between master and worker: kind, how many numbers it has, its word, what it says. */
#ifndef MESSAGE_ROW
#error "define MESSAGE_ROW(kind, n_numbers, word, about) before including this table"
#endif

MESSAGE_ROW(MESSAGE_READY, 1, "ready",
            "worker: I accept connections. The generation of settings that I run")
MESSAGE_ROW(
    MESSAGE_LOG, 2, "log",
    "master: here is a log opened anew, as a descriptor. Which of enum inherit_fd it is, and "
    "of enum log_place: for who has its log in such a place")
MESSAGE_ROW(MESSAGE_LOG_LEVEL, 1, "log level", "master: log from this level on, of enum log_level")
MESSAGE_ROW(MESSAGE_FORGET, 1, "forget",
            "master: drop the pair with the peer of this url_hash(), if you have one")
MESSAGE_ROW(MESSAGE_DRAIN, 2, "drain",
            "master: finish what is in flight and leave. Milliseconds that you have for it; 1 "
            "where the whole relay stops, 0 where others serve on")
