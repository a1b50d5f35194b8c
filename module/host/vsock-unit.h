/* SPDX-License-Identifier: MIT
 *
 * vsock-unit.h: which of systemd's socket units listens on a vsock port. Asks systemd; starts
 * nothing.
 */
#pragma once

#include "host/systemd.h"

/* The name of the active unit; "" where none listens there. 0 or −errno. */
int vsock_unit_find(struct systemd *m, uint32_t port, char *name, size_t size,
                    struct error *error) MUST_CHECK;
