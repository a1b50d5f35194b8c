/* SPDX-License-Identifier: MIT
 *
 * sock-diag.h: which sockets listen, asked of the kernel's socket diagnosis (netlink), as ss does.
 * Opens no AF_VSOCK; sees the network namespace it runs in.
 */
#pragma once

#include "core/util/base.h"

/* Calls `each` with the inode of every socket that listens on the vsock port, whatever its CID;
 * stops at the first non-zero. */
int sock_diag_vsock(uint32_t port, int (*each)(unsigned inode, void *userdata),
                    void *userdata) MUST_CHECK;

/* The TCP sockets that listen, IPv4 and IPv6, by inode. Anybody's process may have thousands. */
struct tcp_sockets {
        struct tcp_socket {
                unsigned inode;
                char address[64]; /* "ADDRESS:PORT" */
        } * list;
        size_t n;
};

/* Finds them; to be freed in any case. */
int sock_diag_tcp(struct tcp_sockets *ret) MUST_CHECK;
void tcp_sockets_free(struct tcp_sockets *s);

/* The address of the one that is that inode; NULL: none is. */
const char *tcp_sockets_address(const struct tcp_sockets *s, unsigned inode);
