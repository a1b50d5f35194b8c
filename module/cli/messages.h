/* SPDX-License-Identifier: MIT
 *
 * messages.h: verdicts and causes in words, the same words from every verb.
 */
#pragma once

#include "cli/run.h"
#include "host/check/verify.h"

/* One row of the table of causes, with what was seen. */
void message_cause(struct run *r, enum log_level level, enum cause cause, const char *detail);

/* Diagnoses a verdict that is not a pass, says it, and gives the exit status it amounts to. */
int message_verdict(struct run *r, struct verdict *v);

/* Verifies the vsock listener, keeps the verdict in the run, and says it. Exit status. */
int message_verification(struct run *r);

/* Looks who gets in, and says it. EXIT_CLOSED_NOTHING where it is not whom require_login asks for.
 * With `closing`, those who get in over TCP now and will not any more are named.
 * (messages-logins.c) */
int message_logins(struct run *r, bool closing);

/* Whether a host can come in, and how it calls this machine. */
bool message_host_transport(struct run *r, enum log_level otherwise);

/* Puts what the unit whose job failed said since then (realtime, in microseconds) into run.error.
 */
void message_last_words(struct run *r, const char *unit, uint64_t since);

/* Names, with file and line, the ListenAddress of others that the plan comments out. */
void message_strays(struct run *r);
