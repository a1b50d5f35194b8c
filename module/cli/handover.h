/* SPDX-License-Identifier: MIT
 *
 * handover.h: gives the port back to another unit that had it, where a run that took it failed; and
 * keeps ours, where that unit cannot have it again.
 */
#pragma once

#include "cli/run.h"

/* `apply`, before anything closes: where this run took the port from another unit, all that it did
 * is rolled back, but for TCP that it opened, and that unit listens again. */
void handover_undo(struct run *r);

/* The same where systemd has heard of nothing yet: that unit listens still. */
void handover_undo_files(struct run *r);

/* Whether what served vsock until this run was another listener, or another template than ours is
 * now. */
bool handover_has_replaced(const struct run *r);

/* The same of an earlier run, by what it kept or hides, where none need have looked since who gets
 * in: it worked on an image, or while the system booted. */
bool handover_had_replaced(const struct run *r);

/* Whether the plan has ours take the place of a listener that somebody else wrote, wherever its
 * units are; while the system boots: of one that the boot is still to start, too. */
bool handover_takes_place(const struct run *r, bool booting);

/* Whether the plan has to do with another unit that had the port; with that one (NULL: any). */
bool handover_is_due(const struct run *r, const char *unit);

/* `remove`, while ours goes: it stays instead, and no other unit gets the port again. */
void handover_keep(struct run *r);

/* Whether a unit that was masked for our port listens on it again once the plan is carried out, and
 * starts sshd. */
bool handover_gives_back(const struct run *r);

/* … whether one of them answers, now that it does, or an administrator's own unit of our socket's
 * name; or that cannot be told here. */
bool handover_answers(struct run *r);
