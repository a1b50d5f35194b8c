/* SPDX-License-Identifier: MIT
 *
 * orphans.h: ends what a program that we ran leaves running: a user's shell that hangs at a login,
 * what its startup files put into the background. Ends only descendants of this process.
 */
#pragma once

/* From here on orphans of our children become ours (PR_SET_CHILD_SUBREAPER). Call it while no
 * child of ours runs that is to go on. */
void orphans_adopt(void);

/* Ends all of them, sshd's own processes a little later than others, so that they can close the
 * session, and gives up adopting. At most two seconds. */
void orphans_end(void);
