/* SPDX-License-Identifier: MIT
 *
 * descriptor.c: see descriptor.h. A link in /proc/self/fd is no path that is walked: it leads to
 * the very file (fs/proc/base.c, proc_pid_get_link()), which may have no name any more.
 */
#include "host/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define LINK_SIZE 32

static const char *link_of(int fd, char link[static LINK_SIZE])
{
        (void)snprintf(link, LINK_SIZE, "/proc/self/fd/%d", fd);
        return link;
}

int descriptor_path(int fd, char *buffer, size_t size)
{
        char link[LINK_SIZE];
        ssize_t n = readlink(link_of(fd, link), buffer, size);

        if (n < 0)
                return -errno;
        if ((size_t)n >= size)
                return -ENAMETOOLONG;
        buffer[n] = '\0';
        return 0;
}

int descriptor_read_from(int probe)
{
        char link[LINK_SIZE];
        int fd = openat(AT_FDCWD, link_of(probe, link),
                        O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? -ENOSYS : -errno;
        return fd;
}
