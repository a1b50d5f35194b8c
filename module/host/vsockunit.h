/* SPDX-License-Identifier: MIT
 *
 * vsockunit.h: which of systemd's socket units listens on a vsock port. Asks systemd; starts
 * nothing.
 */
#pragma once

#include "host/manager.h"

/* The name of the active unit; "" where none listens there. 0 or −errno. */
int vsockunit_find(struct manager *m, uint32_t port, char *name, size_t size,
                   struct why *why) MUST_CHECK;
