/* SPDX-License-Identifier: MIT
 *
 * lock.c: see lock.h. flock(2), so that a killed run holds nothing. The file goes with the run that
 * made it: who waited for it finds that it has no name any more, and takes the next one.
 */
#include "host/lock.h"

#include "host/clock.h"
#include "host/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define POLL_MILLISECONDS 50

static int open_file(const struct rootfs *root, int *ret)
{
        AUTO_CLOSE int dir = -1;
        const char *name;
        int r = rootfs_parent(root, LOCK_PATH, false, &dir, &name);
        struct stat st;

        if (r < 0)
                return r;
        *ret = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        if (*ret < 0 || fstat(*ret, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) && st.st_uid == 0 && !(st.st_mode & 077) ? 0 : -EPERM;
}

/* The name may lead to another file by now, or nowhere. */
static bool has_its_name(const struct rootfs *root, const struct stat *locked)
{
        struct stat st;

        return rootfs_stat(root, LOCK_PATH, &st) == 0 && st.st_dev == locked->st_dev &&
               st.st_ino == locked->st_ino;
}

int lock_try(const struct rootfs *root, struct lock *l)
{
        AUTO_CLOSE int fd = -1;
        struct stat st;
        int r = 0;

        if (root->image)
                fd = fcntl(root->fd, F_DUPFD_CLOEXEC, 0);
        else
                r = open_file(root, &fd);
        if (r < 0)
                return r;
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        l->device = st.st_dev;
        l->inode = st.st_ino;
        if (TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | LOCK_NB)) < 0)
                return -errno;
        if (!root->image && !has_its_name(root, &st))
                return -EWOULDBLOCK;
        l->fd = TAKE_FD(fd);
        l->root = root;
        return 0;
}

int lock_wait(const struct rootfs *root, unsigned seconds, struct lock *l)
{
        uint64_t deadline = clock_deadline(seconds);

        for (;;) {
                int r = lock_try(root, l);

                if (r != -EWOULDBLOCK)
                        return r;
                if (clock_now() >= deadline)
                        return -ETIMEDOUT;
                clock_pause(POLL_MILLISECONDS);
        }
}

void lock_holder(const struct lock *l, char *text, size_t size)
{
        char name[32];
        pid_t pid = proc_lock_holder(l->device, l->inode, name, sizeof(name));

        if (pid > 0)
                (void)snprintf(text, size, "process %d (%s)", (int)pid, name);
        else
                (void)snprintf(text, size, "a process that /proc/locks does not name");
}

void lock_release(struct lock *l)
{
        AUTO_CLOSE int dir = -1;
        const char *name;
        struct stat st;

        if (l->fd < 0)
                return;
        if (!l->root->image && fstat(l->fd, &st) == 0 && has_its_name(l->root, &st) &&
            rootfs_parent(l->root, LOCK_PATH, false, &dir, &name) == 0)
                (void)unlinkat(dir, name, 0);
        /* a child that hangs in a home may share what it is held by */
        (void)flock(l->fd, LOCK_UN);
        (void)close(l->fd);
        l->fd = -1;
}
