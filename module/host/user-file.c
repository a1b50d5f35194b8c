/* SPDX-License-Identifier: MIT
 *
 * user-file.c: see user-file.h. fork, since posix_spawn knows no setuid; the child reads one file
 * and executes nothing. sshd takes on the same ids before it opens a key file (uidswap.c,
 * temporarily_use_uid).
 */
#include "host/user-file.h"

#include "core/util/buf.h"
#include "host/child.h"
#include "host/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int become(const struct user *u)
{
        if (u->uid == 0)
                return 0;
        if (initgroups(u->name, u->gid) < 0 || setresgid(u->gid, u->gid, u->gid) < 0 ||
            setresuid(u->uid, u->uid, u->uid) < 0)
                return -errno;
        return 0;
}

/* O_NONBLOCK: of no use on a dead file system, but a FIFO does not wait for a writer. */
static int copy_out(const char *path, int to)
{
        AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        char chunk[4096];
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADF;
        for (;;) {
                ssize_t n = read(fd, chunk, sizeof(chunk));

                if (n <= 0)
                        return n < 0 ? -errno : 0;
                if (write(to, chunk, (size_t)n) != n)
                        return -EIO;
        }
}

/* Errors of a file are small numbers: they fit into an exit status. */
static void child(const struct user *u, const char *path, int to)
{
        int r;

        child_close_others(to, to);
        r = become(u);
        /* the kernel forgot both with the ids (cred.c, commit_creds()): by then fs.suid_dumpable
         * decides who may have this memory, which is a copy of root's */
        (void)prctl(PR_SET_DUMPABLE, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (r == 0)
                r = copy_out(path, to);
        _exit(-r & 0xff);
}

static int collect(int fd, uint64_t deadline, size_t max, struct buf *out)
{
        char chunk[4096];

        for (;;) {
                ssize_t n = child_read(fd, chunk, sizeof(chunk), deadline);

                if (n <= 0)
                        return (int)n;
                buf_add(out, chunk, (size_t)n);
                if (out->error < 0 || out->len > max)
                        return out->error < 0 ? out->error : -EFBIG;
        }
}

/* A child that a dead file system does not let go of is left to the kernel: the deadline is ours.
 */
static int reap(pid_t pid, uint64_t deadline)
{
        int status = 0, r = child_wait(pid, deadline, &status);

        if (r < 0)
                return r;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

int user_file_read(const struct user *u, const char *path, unsigned timeout, size_t max, char **ret,
                   size_t *ret_len)
{
        uint64_t deadline = clock_deadline(timeout);
        AUTO_CLOSE int from = -1, to = -1;
        AUTO_BUF out = BUF_INIT;
        int ends[2], r, status;
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        from = ends[0];
        to = ends[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child(u, path, to);
        close_descriptor(&to);
        to = -1;
        r = collect(from, deadline, max, &out);
        if (r < 0)
                (void)kill(pid, SIGKILL);
        status = reap(pid, r < 0 ? clock_deadline(1) : deadline);
        if (r == 0)
                r = status;
        return r < 0 ? r : buf_take(&out, ret, ret_len);
}
