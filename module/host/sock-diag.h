/* SPDX-License-Identifier: MIT
 *
 * sock-diag.h: which sockets listen, asked of the kernel's socket diagnosis (netlink), as ss does.
 * Opens no AF_VSOCK; sees the network namespace it runs in.
 */
#pragma once

#include "core/util/base.h"

/* Calls `each` with the inode of every socket that listens on the vsock port, whatever its CID, and
 * no address; stops at the first non-zero. */
int sock_diag_vsock(uint32_t port, int (*each)(unsigned inode, const char *address, void *userdata),
                    void *userdata) MUST_CHECK;

/* Calls `each` with the inode and the "ADDRESS:PORT" of every TCP socket that listens, IPv4 and
 * IPv6; stops at the first non-zero. */
int sock_diag_tcp(int (*each)(unsigned inode, const char *address, void *userdata),
                  void *userdata) MUST_CHECK;
