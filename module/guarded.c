/* SPDX-License-Identifier: MIT
 *
 * guarded.c: see guarded.h. One child for all, and another one from the next on when that had to be
 * killed. It is a fork and executes nothing, so what it found is the same bytes here: static words
 * have the same address. Changes nothing.
 */
#include "guarded.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define PATIENT    2000000u /* microseconds for one home */
#define IMPATIENT  200000u  /* ... once so many did not answer: */
#define DEAD_HOMES 3
#define MAX_FDS    1024

struct helper {
        pid_t pid; /* 0: none runs */
        int fd;
};

static bool put(int fd, const void *data, size_t len)
{
        for (const char *at = data; len > 0;) {
                ssize_t n = write(fd, at, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                at += n;
                len -= (size_t)n;
        }
        return true;
}

/* A child that the kernel does not let go of must not keep the lock, nor the reader of a pipe. */
static void close_others(int keep, int to)
{
        for (int fd = 0; fd < MAX_FDS; fd++)
                if (fd != keep && fd != to)
                        (void)close(fd);
}

static void child(const struct guarded *g, size_t from, int to)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        close_others(g->keep, to);
        for (size_t k = from; k < g->n; k++) {
                struct object o = { 0 };

                g->look(g->userdata, k, &o);
                if (!put(to, &o, sizeof(o)) || !put(to, o.data, o.data ? o.len : 0))
                        break;
                object_free(&o);
        }
        _exit(0);
}

static int start(const struct guarded *g, size_t from, struct helper *h)
{
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        h->pid = fork();
        if (h->pid == 0)
                child(g, from, ends[1]);
        (void)close(ends[1]);
        h->fd = ends[0];
        if (h->pid > 0)
                return 0;
        (void)close(h->fd);
        h->pid = 0;
        return -EAGAIN;
}

/* A child that a dead file system does not let go of is left to the kernel. */
static void stop(struct helper *h)
{
        const struct timespec pause = { .tv_nsec = 1000000 };

        if (h->pid <= 0)
                return;
        (void)kill(h->pid, SIGKILL);
        for (int tries = 0; tries < 100 && waitpid(h->pid, NULL, WNOHANG) == 0; tries++)
                (void)nanosleep(&pause, NULL);
        (void)close(h->fd);
        h->pid = 0;
}

static bool get(int fd, void *data, size_t len, uint64_t deadline)
{
        for (char *at = data; len > 0;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                int ready = poll(&p, 1, clock_poll_timeout(deadline));
                ssize_t n;

                if (ready < 0 && errno == EINTR)
                        continue;
                if (ready <= 0)
                        return false;
                n = read(fd, at, len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                at += n;
                len -= (size_t)n;
        }
        return true;
}

/* 1, or 0 where there is no answer. The pointers that come along are the child's. */
static int receive(const struct helper *h, unsigned patience, struct object *ret)
{
        uint64_t deadline = clock_now() + patience;
        struct object o;

        if (!get(h->fd, &o, sizeof(o), deadline))
                return 0;
        o.path = NULL;
        if (o.data) {
                o.data = calloc(1, o.len + 1);
                if (!o.data)
                        return -ENOMEM;
                if (!get(h->fd, o.data, o.len, deadline)) {
                        free(o.data);
                        return 0;
                }
        }
        *ret = o;
        return 1;
}

int guarded_each(const struct guarded *g)
{
        struct helper h = { 0 };
        unsigned dead = 0;
        int r = 0;

        for (size_t k = 0; r >= 0 && k < g->n; k++) {
                struct object o = { 0 };

                r = h.pid > 0 || start(g, k, &h) == 0
                            ? receive(&h, dead < DEAD_HOMES ? PATIENT : IMPATIENT, &o)
                            : 0;
                if (r == 0) {
                        stop(&h);
                        dead++;
                }
                if (r >= 0)
                        g->take(g->userdata, k, r > 0 ? &o : NULL);
        }
        stop(&h);
        return r < 0 ? r : 0;
}
