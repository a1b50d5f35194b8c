/* SPDX-License-Identifier: MIT
 *
 * spawn.c: see spawn.h. posix_spawn, so that no memory is copied and nothing of ours runs in
 * the child; every descriptor of ours is close-on-exec.
 */
#include "host/spawn.h"

#include "host/child.h"
#include "host/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define CAPTURE_MAX ((size_t)1 << 20)
#define HEAD_MAX    (CAPTURE_MAX / 2)
/* For one that was killed: a driver that hangs does not let go of modprobe. */
#define END_SECONDS 1

/* What main() ignores is inherited over an exec; a child gets it as programs expect it. */
static int defaults(posix_spawnattr_t *attributes)
{
        sigset_t ignored;
        int r;

        (void)sigemptyset(&ignored);
        (void)sigaddset(&ignored, SIGPIPE);
        (void)sigaddset(&ignored, SIGHUP);
        (void)sigaddset(&ignored, SIGXFSZ);
        r = posix_spawnattr_setsigdefault(attributes, &ignored);
        return r == 0 ? posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF) : r;
}

static int start(const char *const argv[], int in, int out, int err, pid_t *ret)
{
        static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                                   "LC_ALL=C.UTF-8", NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        pid_t pid;
        int r;

        r = posix_spawnattr_init(&attributes);
        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_init(&actions);
        if (r != 0) {
                (void)posix_spawnattr_destroy(&attributes);
                return -r;
        }
        r = defaults(&attributes);
        if (r == 0 && in < 0)
                r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        else if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, in, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, out, 1);
        if (r == 0 && err < 0)
                r = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
        else if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, err, 2);
        if (r == 0)
                r = posix_spawn(&pid, argv[0], &actions, &attributes,
                                (char *const *)(uintptr_t)argv,
                                (char *const *)(uintptr_t)environment);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)posix_spawnattr_destroy(&attributes);
        if (r != 0)
                return -r;
        *ret = pid;
        return 0;
}

static int exit_status(int status)
{
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* One that closed its outputs and goes on is ended at the deadline. */
static int reap_by(pid_t pid, uint64_t deadline)
{
        int status, r = child_wait(pid, deadline, &status);

        if (r == 0)
                return exit_status(status);
        spawn_end(pid);
        return r;
}

/* Beyond the limit the beginning and the end stay: reasons stand there, and results. A NUL would
 * end the text for who reads it. */
static void keep(struct buf *text, char *chunk, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (chunk[i] == '\0')
                        chunk[i] = ' ';
        if (text->len + len > CAPTURE_MAX) {
                size_t over = text->len + len - CAPTURE_MAX;

                text->len -= over;
                memmove(text->data + HEAD_MAX, text->data + HEAD_MAX + over, text->len - HEAD_MAX);
        }
        buf_add(text, chunk, len);
}

/* Until the child closed its end. */
static int capture(int fd, uint64_t deadline, struct buf *text)
{
        char chunk[4096];

        while (clock_now() < deadline) { /* one that prints without end has to end, too */
                ssize_t n = child_read(fd, chunk, sizeof(chunk), deadline);

                if (n <= 0)
                        return (int)n;
                if (text)
                        keep(text, chunk, (size_t)n);
        }
        return -ETIMEDOUT;
}

int spawn_wait(const char *const argv[], int in, int out, unsigned timeout, struct buf *text)
{
        uint64_t deadline = clock_deadline(timeout);
        AUTO_CLOSE int from = -1, to = -1;
        int ends[2], r;
        pid_t pid = -1;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        from = ends[0];
        to = ends[1];
        r = start(argv, in, out < 0 ? to : out, to, &pid);
        if (r < 0)
                return r;
        close_descriptor(&to);
        to = -1;
        r = capture(from, deadline, text);
        if (r == 0)
                return reap_by(pid, deadline);
        spawn_end(pid);
        return r;
}

int spawn_on(const char *const argv[], int fd, pid_t *ret)
{
        return start(argv, fd, fd, -1, ret);
}

void spawn_end(pid_t pid)
{
        int status;

        (void)kill(pid, SIGKILL);
        (void)!child_wait(pid, clock_deadline(END_SECONDS), &status);
}
