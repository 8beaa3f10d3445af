/* SPDX-License-Identifier: MIT */
/* What may be said on the control socket: word, the words that follow it, what it does. */
#ifndef COMMAND_ROW
#error "define COMMAND_ROW(name, word, n_words, about) before including this table"
#endif

COMMAND_ROW(status, "status", 0, "how the relay, its workers and peers are")
COMMAND_ROW(reload, "reload", 0,
            "reads the settings anew; answers when they are in force, or why not")
COMMAND_ROW(drain, "drain", 0, "stops gracefully, as SIGTERM does")
COMMAND_ROW(stop, "stop", 0, "stops at once, as SIGQUIT does")
COMMAND_ROW(log_level, "log-level", 1, "of master and workers, until the next reload")
COMMAND_ROW(forget, "forget", 1, "drops the pairs with that peer")
