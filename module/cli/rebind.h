/* SPDX-License-Identifier: MIT
 *
 * rebind.h: opens again what a daemon-reload has closed: a reload closes the sockets of a unit
 * whose addresses are others by then, opens none, and still calls it listening.
 */
#pragma once

#include "cli/run.h"

/* After a reload: has each socket unit of sshd's on TCP, and each other one on vsock, that
 * is not listening where systemd says, listen anew. Goes on after a failure. 0, or the first
 * −errno. */
int rebind_lost(struct run *r, struct error *error) MUST_CHECK;
