/* SPDX-License-Identifier: MIT
 *
 * rebind.h: opens again what a daemon-reload has closed: a reload closes the sockets of a unit
 * whose addresses are others by then, opens none, and still calls it listening.
 */
#pragma once

#include "cli/run.h"

/* A socket unit that listens anew, whatever state it is in. It can only be bound while the service
 * that has its descriptors is down. 0 or −errno. */
int rebind_socket(struct systemd *m, const char *socket, struct error *error) MUST_CHECK;

/* After a reload: the same for each socket unit of sshd's on TCP, and each other one on vsock, that
 * is not listening where systemd says. Goes on after a failure. 0, or the first −errno. */
int rebind_lost(struct run *r, struct error *error) MUST_CHECK;
