/* SPDX-License-Identifier: MIT
 *
 * orphans.h: ends what a program that we ran leaves running: a user's shell that hangs at a login,
 * what its startup files put into the background. Ends only descendants of this process.
 */
#pragma once

#include "core/util/base.h"

/* From here on orphans of our children become ours (PR_SET_CHILD_SUBREAPER). Call it while no
 * child of ours runs that is to go on. */
void orphans_adopt(void);

/* Ends all of them, sshd's own processes a little later than others, so that they can close the
 * session, and gives up adopting. At most two seconds. How many are left, with the id and the name
 * of one of them in `left`: what starts others faster than they can be ended, or hangs in the
 * kernel. */
unsigned orphans_end(char *left, size_t size) MUST_CHECK;
