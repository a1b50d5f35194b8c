/* SPDX-License-Identifier: MIT
 *
 * proxy.c: see proxy.h. One byte goes with the descriptor (OpenSSH, monitor_fdpass.c). It reads and
 * writes nothing of the connection.
 */
#include "host/check/proxy.h"

#include "host/clock.h"
#include "host/vsock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_SECONDS 10

static int pass(int fd)
{
        union {
                struct cmsghdr head;
                char space[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        char byte = 0;
        struct iovec data = { &byte, 1 };
        struct msghdr msg = { .msg_iov = &data,
                              .msg_iovlen = 1,
                              .msg_control = control.space,
                              .msg_controllen = sizeof(control.space) };
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(fd));
        return sendmsg(STDOUT_FILENO, &msg, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

int proxy_pass(uint32_t port, struct error *error)
{
        AUTO_CLOSE int fd = -1;
        int r = vsock_connect(VSOCK_CID_LOOPBACK, port, clock_deadline(CONNECT_SECONDS), &fd);

        if (r < 0)
                return error_set(error, r, "cannot connect to vsock CID 1 port %u", port);
        r = pass(fd);
        return r < 0 ? error_set(error, r, "cannot pass the connection on") : 0;
}
