/* SPDX-License-Identifier: MIT
 *
 * survey-tcp.h: the part of the survey that asks the kernel: do the TCP units that run listen where
 * their configuration says? Live systems only; reads only.
 */
#pragma once

#include "core/plan/facts.h"

/* Fills stale and unbound of the TCP units; what cannot be told is left as it is. `confined`: there
 * are addresses of ours on disk. 0 or -ENOMEM. */
int survey_tcp(struct facts *f, bool confined) MUST_CHECK;

/* Whether the kernel knows nobody who listens on one of these stream addresses of a socket unit, by
 * blanks; what cannot be told is listened on. */
bool survey_is_closed(const char *streams);
