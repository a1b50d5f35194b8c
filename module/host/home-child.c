/* SPDX-License-Identifier: MIT
 *
 * home-child.c: see home-child.h. One child for all, and another one from the next on when that had
 * to be killed. It is a fork and executes nothing, so what it found is the same bytes here: static
 * words have the same address.
 */
#include "host/home-child.h"

#include "host/child.h"
#include "host/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define DEAD_HOMES 3
#define IMPATIENT  10u       /* ... so much less patience once so many did not answer */
#define WASTE      30000000u /* microseconds for all that do not: then the rest is given up */
#define END_MS     100       /* for a child that was killed */

struct helper {
        pid_t pid; /* 0: none runs */
        int fd;
};

static bool put(int fd, const void *data, size_t len)
{
        for (const char *at = data; len > 0;) {
                ssize_t n = TEMP_FAILURE_RETRY(write(fd, at, len));

                if (n <= 0)
                        return false;
                at += n;
                len -= (size_t)n;
        }
        return true;
}

/* What comes before its bytes. */
struct answer {
        int result;
        struct observed object;
};

static bool put_answer(int to, const struct answer *a, const struct error *error)
{
        const struct observed *o = &a->object;

        return put(to, a, sizeof(*a)) && put(to, o->data, o->data ? o->len : 0) &&
               put(to, error, a->result < 0 ? sizeof(*error) : 0);
}

static void child(const struct home_child *g, size_t from, int to)
{
        bool heard = true;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        child_close_others(g->keep, to);
        for (size_t k = from; heard && k < g->n; k++) {
                struct answer a = { 0 };
                struct error error = { 0 };

                a.result = g->work(g->userdata, k, &a.object, &error);
                heard = put_answer(to, &a, &error);
                observed_free(&a.object);
        }
        _exit(0);
}

static int start(const struct home_child *g, size_t from, struct helper *h)
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
        struct pollfd gone = { .fd = -1, .events = POLLIN };

        if (h->pid <= 0)
                return;
        (void)kill(h->pid, SIGKILL);
        gone.fd = (int)syscall(__NR_pidfd_open, h->pid, 0);
        (void)poll(&gone, 1, END_MS);
        (void)waitpid(h->pid, NULL, WNOHANG);
        close_descriptor(&gone.fd);
        (void)close(h->fd);
        h->pid = 0;
}

static bool get(int fd, void *data, size_t len, uint64_t deadline)
{
        for (char *at = data; len > 0;) {
                ssize_t n = child_read(fd, at, len, deadline);

                if (n <= 0)
                        return false;
                at += n;
                len -= (size_t)n;
        }
        return true;
}

/* 1, or 0 where there is no answer. The pointers that come along are the child's. */
static int receive(const struct helper *h, uint64_t patience, struct answer *ret,
                   struct error *error)
{
        uint64_t deadline = clock_now() + patience;
        struct answer a;

        if (!get(h->fd, &a, sizeof(a), deadline))
                return 0;
        a.object.path = NULL;
        if (a.object.data) {
                a.object.data = calloc(1, a.object.len + 1);
                if (!a.object.data)
                        return -ENOMEM;
        }
        if (!get(h->fd, a.object.data, a.object.data ? a.object.len : 0, deadline) ||
            !get(h->fd, error, a.result < 0 ? sizeof(*error) : 0, deadline)) {
                observed_free(&a.object);
                return 0;
        }
        *ret = a;
        return 1;
}

static bool can_all_answer(const struct home_child *g)
{
        for (size_t k = 0; k < g->n; k++)
                if (!g->near || !g->near(g->userdata, k))
                        return false;
        return true;
}

static int work_here(const struct home_child *g)
{
        for (size_t k = 0; k < g->n; k++) {
                struct observed object = { 0 };
                struct error error = { 0 };
                int r = g->work(g->userdata, k, &object, &error);

                if (r == -ENOMEM)
                        return r;
                if (g->take)
                        g->take(g->userdata, k, r, &object, &error);
        }
        return 0;
}

int home_child_each(const struct home_child *g)
{
        uint64_t patience = UINT64_C(1000000) * g->patience, wasted = 0;
        struct helper h = { 0 };
        unsigned dead = 0;
        int r = 0;

        if (can_all_answer(g))
                return work_here(g);
        for (size_t k = 0; r >= 0 && k < g->n; k++) {
                struct answer a = { .result = -ETIMEDOUT };
                struct error error = { 0 };
                uint64_t began = clock_now();

                r = wasted < WASTE && (h.pid > 0 || start(g, k, &h) == 0)
                            ? receive(&h, patience, &a, &error)
                            : 0;
                if (r == 0) {
                        stop(&h);
                        wasted += clock_now() - began;
                        if (++dead == DEAD_HOMES)
                                patience /= IMPATIENT;
                }
                if (r >= 0 && g->take)
                        g->take(g->userdata, k, a.result, &a.object, &error);
        }
        stop(&h);
        return r < 0 ? r : 0;
}
