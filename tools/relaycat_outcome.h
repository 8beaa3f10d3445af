/* SPDX-License-Identifier: MIT */
/* How a run of relaycat ends: its exit status, and the sentence that goes with one that is not 0.
 */
#ifndef TOOLS_RELAYCAT_OUTCOME_H
#define TOOLS_RELAYCAT_OUTCOME_H

enum outcome {
    OUTCOME_ANSWERED = 0,
    OUTCOME_FAILED_HERE = 1, /* usage, files, memory: nothing is known of the relay */
    OUTCOME_NOT_CONNECTED = 2,
    OUTCOME_REFUSED = 3,     /* by an ERR frame that was verified */
    OUTCOME_VIOLATION = 4,   /* of HTTP or of the protocol, or an answer that broke off */
    OUTCOME_BAD_STATUS = 22, /* with -f: 400 or more, as curl has it */
};

/* Says why on standard error; returns the outcome. */
enum outcome outcome_tell(enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
