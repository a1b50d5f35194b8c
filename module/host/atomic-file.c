/* SPDX-License-Identifier: MIT
 *
 * atomic-file.c: see atomic-file.h. A named temporary file and rename(2), since O_TMPFILE cannot
 * replace. Temporary names start with a dot and end in no suffix that systemd or sshd would read
 * (systemd's hidden_or_backup_file(), sshd's glob(3) in servconf.c).
 */
#include "host/atomic-file.h"

#include "host/descriptor.h"
#include "host/label.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#define TEMP_PREFIX ".#sshd-vsock-"
#define TEMP_DIGITS 16
#define TEMP_SIZE   (sizeof(TEMP_PREFIX) + TEMP_DIGITS)

static void temp_name(char name[static TEMP_SIZE])
{
        uint64_t random;

        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random)) {
                struct timespec now; /* early boot: uniqueness is all that is asked for */

                (void)clock_gettime(CLOCK_MONOTONIC, &now);
                random = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec << 16 ^
                         (uint64_t)getpid();
        }
        (void)snprintf(name, TEMP_SIZE, TEMP_PREFIX "%016llx", (unsigned long long)random);
}

bool atomic_is_temporary(const char *name)
{
        return strlen(name) == TEMP_SIZE - 1 &&
               memcmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0 &&
               strspn(name + strlen(TEMP_PREFIX), "0123456789abcdef") == TEMP_DIGITS;
}

static int write_all(int fd, const char *data, size_t len)
{
        while (len > 0) {
                ssize_t n = TEMP_FAILURE_RETRY(write(fd, data, len));

                if (n < 0)
                        return -errno;
                data += n;
                len -= (size_t)n;
        }
        return 0;
}

/* What is replaced is a file, or somebody has put something else there: a device is not opened. */
static int open_old(int dir, const char *name)
{
        AUTO_CLOSE int probe = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        int fd;

        if (probe < 0 || fstat(probe, &st) < 0 || !S_ISREG(st.st_mode))
                return -ENOENT;
        fd = descriptor_read_from(probe);
        if (fd == -ENOSYS)
                fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        return fd;
}

/* Best effort: a file system without extended attributes has none to lose. False where there is no
 * such file yet. */
static bool copy_attributes(int dir, const char *name, int to)
{
        AUTO_CLOSE int from = open_old(dir, name);
        char names[4096], value[4096];
        ssize_t n = from < 0 ? 0 : flistxattr(from, names, sizeof(names));

        for (const char *p = names; n > 0 && p < names + n; p += strlen(p) + 1) {
                ssize_t size = fgetxattr(from, p, value, sizeof(value));

                if (size >= 0)
                        (void)fsetxattr(to, p, value, (size_t)size, 0);
        }
        return from >= 0;
}

int atomic_sync(int fd)
{
        return TEMP_FAILURE_RETRY(fsync(fd)) < 0 ? -errno : 0;
}

/* Owner and mode before fsync: what is durable is then complete. */
static int fill(int fd, const struct content *c)
{
        int r = write_all(fd, c->data, c->len);

        if (r < 0)
                return r;
        if (fchown(fd, c->uid, c->gid) < 0 || fchmod(fd, c->mode) < 0)
                return -errno;
        return atomic_sync(fd);
}

int atomic_write(int dir, const char *name, const struct content *c)
{
        char temp[TEMP_SIZE];
        AUTO_CLOSE int fd = -1;
        int r;

        temp_name(temp);
        fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (!copy_attributes(dir, name, fd) && !c->in_home)
                (void)!label_like_directory(dir, temp); /* as with attributes */
        r = fill(fd, c);
        if (r == 0 && renameat(dir, temp, dir, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(dir, temp, 0);
        return r;
}

int atomic_link(int dir, const char *name, const char *target)
{
        char temp[TEMP_SIZE];
        int r;

        temp_name(temp);
        if (symlinkat(target, dir, temp) < 0)
                return -errno;
        (void)!label_like_directory(dir, temp);
        if (renameat(dir, temp, dir, name) < 0) {
                r = -errno;
                (void)unlinkat(dir, temp, 0);
                return r;
        }
        return 0;
}

int atomic_mkdir(int dir, const char *name)
{
        if (mkdirat(dir, name, 0755) < 0)
                return errno == EEXIST ? 0 : -errno;
        (void)!label_like_directory(dir, name);
        return atomic_sync(dir);
}

int atomic_unlink(int dir, const char *name)
{
        return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}
