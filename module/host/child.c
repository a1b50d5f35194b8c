/* SPDX-License-Identifier: MIT
 *
 * child.c: see child.h.
 */
#include "host/child.h"

#include "host/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MAX_FDS 1024

/* One call where the kernel has it (5.9), else a thousand. */
static void close_range_of(int first, int last)
{
        if (first > last || syscall(__NR_close_range, first, last, 0) == 0)
                return;
        for (int fd = first; fd <= last; fd++)
                (void)close(fd);
}

void child_close_others(int keep, int to)
{
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        int low = keep < to ? keep : to, high = keep < to ? to : keep;

        for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
                (void)dup2(null, fd);
        close_range_of(null >= 0 ? STDERR_FILENO + 1 : 0, low - 1);
        close_range_of(low + 1, high - 1);
        close_range_of(high + 1, MAX_FDS - 1);
}

ssize_t child_read(int fd, void *data, size_t size, uint64_t deadline)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int ready = (int)TEMP_FAILURE_RETRY(poll(&p, 1, clock_poll_timeout(deadline)));
        ssize_t n = ready > 0 ? TEMP_FAILURE_RETRY(read(fd, data, size)) : 0;

        if (ready == 0)
                return -ETIMEDOUT;
        return ready < 0 || n < 0 ? -errno : n;
}

int child_wait(pid_t pid, uint64_t deadline, int *ret)
{
        pid_t got;

        while ((got = waitpid(pid, ret, WNOHANG)) == 0 && clock_now() < deadline)
                clock_pause(1);
        return got == pid ? 0 : -ETIMEDOUT;
}
