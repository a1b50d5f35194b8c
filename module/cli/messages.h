/* SPDX-License-Identifier: MIT
 *
 * messages.h: verdicts and causes in words, the same words from every verb. Says what checks.h has
 * found and put into the run; looks at nothing.
 */
#pragma once

#include "cli/run.h"

/* One row of the table of causes, with what was seen. */
void message_cause(const struct run *r, enum log_level level, enum cause cause, const char *detail);

/* The run's verdict, and the exit status that it amounts to. */
int message_verdict(const struct run *r);

/* Who gets in. EXIT_CLOSED_NOTHING where it is not whom require_login asks for. With `closing`,
 * those who get in over TCP now and will not any more are named. (messages-logins.c) */
int message_logins(const struct run *r, bool closing);

/* Whether a host can come in, and how it calls this machine. */
bool message_host_transport(const struct run *r, enum log_level otherwise);

/* Names, with file and line, the ListenAddress of others that the plan comments out. */
void message_strays(const struct run *r);
