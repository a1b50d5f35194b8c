/* SPDX-License-Identifier: MIT
 *
 * waiting.c: see waiting.h. Forks a process, which writes one line at most; it ends with the pipe
 * that this process holds, so also with this process.
 */
#include "host/waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#define PATIENCE 1000 /* milliseconds */

static void say(const struct log *l, int fd, const char *what)
{
        struct pollfd p = { .fd = fd }; /* whose other end is closed when the wait is over */

        if (poll(&p, 1, PATIENCE) == 0)
                log_line(l, LOG_LEVEL_STEP, "waiting for %s", what);
}

/* A child of a child: no child of this process is in the way of who waits for its children, or ends
 * them all (orphans.h). */
static void start(const struct log *l, const int ends[2], const char *what)
{
        pid_t pid = fork();

        if (pid == 0) {
                (void)close(ends[1]);
                if (fork() == 0)
                        say(l, ends[0], what);
                _exit(0);
        }
        if (pid > 0)
                (void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
}

void waiting_begin(const struct log *l, struct waiting *ret, const char *fmt, ...)
{
        AUTO_FREE char *what = NULL;
        int ends[2];
        va_list ap;

        ret->fd = -1;
        va_start(ap, fmt);
        if (vasprintf(&what, fmt, ap) < 0)
                what = NULL;
        va_end(ap);
        if (!what || l->max < LOG_LEVEL_STEP || pipe2(ends, O_CLOEXEC) < 0)
                return;
        start(l, ends, what);
        (void)close(ends[0]);
        ret->fd = ends[1];
}

void waiting_end(struct waiting *w)
{
        if (w->fd >= 0)
                (void)close(w->fd);
        w->fd = -1;
}
