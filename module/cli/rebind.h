/* SPDX-License-Identifier: MIT
 *
 * rebind.h: opens again what a daemon-reload has closed: a reload closes the sockets of a unit
 * whose addresses are others by then, opens none, and still calls it listening.
 */
#pragma once

#include "cli/run.h"

/* Before the first reload: which other socket units have sshd serve TCP, and really listen. */
void rebind_note(struct run *r);

/* After a reload: has each socket unit of sshd's on TCP, each that was noted, and each other one
 * on vsock, that is not listening where systemd says, listen anew. Goes on after a failure. 0, or
 * the first −errno. */
int rebind_lost(struct run *r, struct error *error) MUST_CHECK;
