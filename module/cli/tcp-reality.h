/* SPDX-License-Identifier: MIT
 *
 * tcp-reality.h: TCP as the kernel shows it beside what the configuration wants: before something
 * closes, after it, and at the end of every run. Looks, waits and says; writes nothing that
 * lasts.
 */
#pragma once

#include "cli/run.h"

/* What listens now, and of it what nobody wants, what is wanted and missing, and whether TCP is
 * down though it should listen: into run.tcp. */
void tcp_look(struct run *r);

/* Before closing: notes what listens. -EADDRNOTAVAIL, with run.error, where listen_address has none
 * of this machine's addresses. */
int tcp_note(struct run *r) MUST_CHECK;

/* After closing: waits until TCP is as wanted, or will not be. -EADDRNOTAVAIL, with run.error,
 * where nothing listens any more that should: to be rolled back. */
int tcp_expect(struct run *r) MUST_CHECK;

/* After closing was rolled back: whether all that listened before does again. Says what does not.
 */
bool tcp_is_back(struct run *r);

/* At the end of every run: says each listener that nobody wants, and what is missing. Exit status;
 * what was closed stays closed. */
int tcp_check(struct run *r);

/* The last line of a run that closed, no more than what was seen. */
void tcp_claim(const struct run *r, struct buf *out);

/* Listeners that nobody wants and that the plan is not about to end, and TCP that is down, each
 * with its fix: into run.tcp.drift. */
void tcp_find_drift(struct run *r);

/* What ends what is open beyond the wanted, as a command wherever there is one. (tcp-fix.c) */
void tcp_fix(struct run *r, const struct tcp_listener *l, struct buf *out);

/* Whether the path means itself to a shell, as one word. (tcp-fix.c) */
bool tcp_is_plain(const char *path);
