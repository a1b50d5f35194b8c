/* SPDX-License-Identifier: MIT
 *
 * proc.c: see proc.h. All is read through the open directory of a process, so that an id which is
 * given to another one meanwhile mixes nothing up.
 */
#include "host/proc.h"

#include "host/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

int proc_each(int (*each)(int process, pid_t pid, void *userdata), void *userdata)
{
        AUTO(close_directory) DIR *proc = opendir("/proc");
        int r = 0;

        if (!proc)
                return -errno;
        for (struct dirent *e; r == 0 && (e = readdir(proc));) {
                AUTO_CLOSE int process = -1;

                if (e->d_name[0] < '0' || e->d_name[0] > '9')
                        continue;
                process = openat(dirfd(proc), e->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (process >= 0)
                        r = each(process, (pid_t)strtol(e->d_name, NULL, 10), userdata);
        }
        return r;
}

int proc_open(pid_t pid)
{
        char path[32];
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int proc_each_socket(int process, int (*each)(unsigned inode, void *userdata), void *userdata)
{
        AUTO_CLOSE int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        AUTO(close_directory) DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        int r = 0;

        if (!directory)
                return errno == EACCES ? -EACCES : 0;
        (void)TAKE_FD(fd);
        for (struct dirent *e; r == 0 && (e = readdir(directory));) {
                char target[32];
                ssize_t n = readlinkat(dirfd(directory), e->d_name, target, sizeof(target) - 1);
                unsigned inode;

                target[n > 0 ? n : 0] = '\0';
                if (sscanf(target, "socket:[%u]", &inode) == 1)
                        r = each(inode, userdata);
        }
        return r;
}

void proc_read(int process, const char *file, char *text, size_t size)
{
        AUTO_CLOSE int fd = openat(process, file, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

        text[n > 0 ? n : 0] = '\0';
}

void proc_exe(int process, char *path, size_t size)
{
        ssize_t n = readlinkat(process, "exe", path, size - 1);

        path[n > 0 ? n : 0] = '\0';
}

/* A line of /proc/locks (fs/locks.c, lock_get_status()): "1: FLOCK  ADVISORY  WRITE 77 00:1a:123 0
 * EOF"; one that waits has "->" behind its number. */
static pid_t lock_owner_in(const char *line, uint64_t device, uint64_t inode)
{
        unsigned long long number;
        unsigned high, low;
        int pid;

        if (sscanf(line, "%*u: FLOCK ADVISORY %*s %d %x:%x:%llu", &pid, &high, &low, &number) != 4)
                return 0;
        return number == inode && makedev(high, low) == device ? pid : 0;
}

static void close_file(FILE **f)
{
        if (*f)
                (void)fclose(*f);
}

pid_t proc_lock_holder(uint64_t device, uint64_t inode, char *name, size_t size)
{
        AUTO(close_file) FILE *locks = fopen("/proc/locks", "re");
        AUTO_CLOSE int process = -1;
        char line[256];
        pid_t pid = 0;

        while (locks && pid <= 0 && fgets(line, sizeof(line), locks))
                pid = lock_owner_in(line, device, inode);
        if (pid <= 0)
                return 0;
        process = proc_open(pid);
        (void)snprintf(name, size, "?");
        if (process >= 0)
                proc_read(process, "comm", name, size);
        name[strcspn(name, "\n")] = '\0';
        return pid;
}
