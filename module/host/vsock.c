/* SPDX-License-Identifier: MIT
 *
 * vsock.c: see vsock.h. Makes connections, never listens, never reads or writes.
 */
#include "host/vsock.h"

#include "host/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

int vsock_local_cid(uint32_t *ret)
{
        AUTO_CLOSE int fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);
        unsigned cid;

        if (fd < 0)
                return -errno;
        if (ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) < 0)
                return -errno;
        *ret = cid;
        return 0;
}

bool vsock_supported(void)
{
        AUTO_CLOSE int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return fd >= 0 || errno != EAFNOSUPPORT;
}

static int finish_connect(int fd, uint64_t deadline)
{
        struct pollfd p = { .fd = fd, .events = POLLOUT };
        socklen_t len = sizeof(int);
        int error = 0, n;

        n = (int)TEMP_FAILURE_RETRY(poll(&p, 1, clock_poll_timeout(deadline)));
        if (n <= 0)
                return n < 0 ? -errno : -ETIMEDOUT;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
                return -errno;
        return -error;
}

/* Without a loopback transport the kernel hands a connection to CID 1 to the one that leads to the
 * host (af_vsock.c, vsock_assign_transport), where it is refused or, worse, vanishes. Only with one
 * is CID 1 an address of this machine: else EADDRNOTAVAIL. */
static int bind_to_loopback(int fd)
{
        struct sockaddr_vm from = { .svm_family = AF_VSOCK,
                                    .svm_cid = VSOCK_CID_LOOPBACK,
                                    .svm_port = VMADDR_PORT_ANY };

        return bind(fd, (const struct sockaddr *)&from, sizeof(from));
}

int vsock_connect(uint32_t cid, uint32_t port, uint64_t deadline, int *ret_fd)
{
        struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
        AUTO_CLOSE int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r;

        if (fd < 0)
                return -errno;
        if (cid == VSOCK_CID_LOOPBACK && bind_to_loopback(fd) < 0)
                return -errno;
        r = connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
        if (r == -EINPROGRESS || r == -EINTR)
                r = finish_connect(fd, deadline);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}
