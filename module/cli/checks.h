/* SPDX-License-Identifier: MIT
 *
 * checks.h: what has to hold before anything closes, looked at, kept in the run, and said: that the
 * vsock listener answers, that a host can reach it, and that somebody gets in.
 */
#pragma once

#include "cli/run.h"

/* Verifies the vsock listener, and says it. Exit status. */
int check_listener(struct run *r);

/* The same with a verdict that the run has already: diagnoses what is not a pass, and says it. */
int check_verdict(struct run *r);

/* Whether a host can come in; says why not. */
bool check_host_transport(struct run *r, enum log_level otherwise);

/* The same, as exit status: where TCP is to be closed nobody comes in without it, though the
 * listener answers here; but not where it is confined, and listens where others can connect. */
int check_reachable(struct run *r);

/* Whether sshd is confined to addresses already, and listens on one where others can connect. */
bool tcp_leads_in_confined(struct run *r);

/* Who gets in; see message_logins(). EXIT_WORLD where that cannot be found out. */
int check_logins(struct run *r, bool closing);
