/* SPDX-License-Identifier: MIT
 *
 * port-owner.h: who listens on a vsock port. Changes nothing.
 */
#pragma once

#include "core/util/base.h"

enum port_owner {
        PORT_OWNER_NOBODY,
        PORT_OWNER_SYSTEMD, /* process 1, for whichever socket unit, and nobody else */
        PORT_OWNER_OTHER,   /* somebody else, alone or on another CID of the same port */
};

/* Looks at every socket that listens on the port, and writes "NAME, process ID" of that other
 * program, or of systemd, into `text`; it may be one that /proc does not show (another WSL
 * distribution). enum port_owner, or −errno where the kernel cannot be asked; -ESRCH in a PID
 * namespace that systemd is not in, -EACCES for who may not see systemd's sockets. */
int port_owner_find(uint32_t port, char *text, size_t size) MUST_CHECK;
