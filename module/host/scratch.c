/* SPDX-License-Identifier: MIT
 *
 * scratch.c: see scratch.h. The name holds the process id, so that whose directory is left over can
 * be told. It touches nothing but such directories; only root can make names in /run.
 */
#include "host/scratch.h"

#include "host/directory.h"
#include "host/label.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "sshd-vsock.trial-"
/* Its label lets ssh-keygen write and sshd read; what an init script makes in /run lets neither. */
#define MODEL "/etc/ssh"

static void empty(const char *path)
{
        AUTO(close_directory) DIR *d = opendir(path);

        for (struct dirent *e; d && (e = readdir(d));)
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                        (void)unlinkat(dirfd(d), e->d_name, 0);
}

static void take_away(const char *path)
{
        empty(path);
        (void)rmdir(path);
}

/* Those whose process is gone. */
static void sweep(void)
{
        AUTO(close_directory) DIR *d = opendir("/run");

        for (struct dirent *e; d && (e = readdir(d));) {
                char path[64];
                long pid;

                if (sscanf(e->d_name, PREFIX "%ld", &pid) != 1 || pid <= 0 ||
                    kill((pid_t)pid, 0) == 0 || errno != ESRCH)
                        continue;
                (void)snprintf(path, sizeof(path), "/run/" PREFIX "%ld", pid);
                take_away(path);
        }
}

int scratch_make(struct scratch *ret, struct error *error)
{
        struct scratch s;

        sweep();
        (void)snprintf(s.path, sizeof(s.path), "/run/" PREFIX "%ld", (long)getpid());
        take_away(s.path);
        /* the mode explicitly: a strict umask would keep the user out, a lax one StrictModes */
        if (mkdir(s.path, 0755) < 0 || chmod(s.path, 0755) < 0)
                return error_set(error, -errno, "cannot make %s", s.path);
        label_like(s.path, MODEL);
        *ret = s;
        return 0;
}

int scratch_write(const struct scratch *s, const char *name, const char *text, size_t len)
{
        AUTO_CLOSE int fd = -1;
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", s->path, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0 || fchmod(fd, 0644) < 0)
                return -errno;
        label_like(path, MODEL);
        return write(fd, text, len) == (ssize_t)len ? 0 : -EIO;
}

int scratch_publish(const struct scratch *s, const char *name)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", s->path, name);
        return chmod(path, 0644) < 0 ? -errno : 0;
}

void scratch_end(struct scratch *s)
{
        if (s->path[0])
                take_away(s->path);
        s->path[0] = '\0';
}
