/* SPDX-License-Identifier: MIT
 *
 * rootfs.c: see rootfs.h. Every open of a path goes through open_in(), every directory is opened
 * O_RDONLY and not O_PATH, since fsync() refuses the latter. There is no fallback walker for
 * kernels without openat2 (5.6): such a walker is where the bugs of this trade live.
 */
#include "host/rootfs.h"

#include "core/util/buf.h"
#include "host/atomic-file.h"
#include "host/descriptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Never blocks on a FIFO, never becomes the owner of a terminal. */
#define READ_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

/* Paths come as absolute ones from inside the root; relative to its descriptor they have no
 * leading slash. */
static const char *relative(const char *path)
{
        while (*path == '/')
                path++;
        return *path ? path : ".";
}

/* The kernel's ENOMEM is about that one file: not the end of our own memory, which ends a run. */
static int failure(void)
{
        return errno == ENOMEM ? -ENOBUFS : -errno;
}

static bool is_etc(const char *path)
{
        return strncmp(path, "/etc", 4) == 0 && (path[4] == '/' || path[4] == '\0');
}

static int open_in(const struct rootfs *r, const char *path, int flags)
{
        char moved[4096];
        struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC),
                                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS |
                                           (r->near ? RESOLVE_NO_XDEV : 0) };
        int fd, tries = 1000;

        if (r->usr_etc && is_etc(path)) {
                fd = snprintf(moved, sizeof(moved), "/usr%s", path);
                if (fd < 0 || (size_t)fd >= sizeof(moved))
                        return -ENAMETOOLONG;
                path = moved;
        }
        if (r->plain)
                fd = openat(r->fd, relative(path), flags | O_CLOEXEC);
        else
                do /* EAGAIN: a rename raced with a ".."; openat2(2) says to try again */
                        fd = (int)syscall(__NR_openat2, r->fd, relative(path), &how, sizeof(how));
                while (fd < 0 && errno == EAGAIN && tries-- > 0);
        return fd < 0 ? failure() : fd;
}

static int is_something(const char *name, void *userdata)
{
        (void)name, (void)userdata;
        return 1;
}

/* libostree makes /etc of /usr/etc when it deploys a tree, and takes none that has both. */
static bool has_usr_etc(const struct rootfs *r)
{
        AUTO_CLOSE int fd = open_in(r, "/usr/etc", O_PATH | O_DIRECTORY);

        return fd >= 0 && rootfs_list(r, "/etc", is_something, NULL) == 0;
}

int rootfs_open(const char *path, struct rootfs *ret, struct error *error)
{
        struct rootfs r = { .fd = -1, .path = "" };
        struct stat st, host;
        AUTO_CLOSE int probe = -1;

        path = path ? path : "/";
        r.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r.fd < 0)
                return error_set(error, failure(), "cannot open the root directory %s", path);
        if (fstat(r.fd, &st) < 0 || stat("/", &host) < 0) {
                probe = failure();
                rootfs_close(&r);
                return error_set(error, probe, "cannot look at the root directory %s", path);
        }
        if (st.st_dev != host.st_dev || st.st_ino != host.st_ino) {
                r.image = true;
                r.path = path;
        }

        probe = open_in(&r, ".", O_RDONLY | O_DIRECTORY);
        if (probe < 0 && !r.image) {
                r.plain = true;
        } else if (probe < 0) {
                rootfs_close(&r);
                error_fix(error,
                          "run on Linux 5.6 or newer, outside of sandboxes that forbid openat2");
                return error_set(error, probe, "cannot work on an image without openat2(2)");
        }
        r.usr_etc = r.image && has_usr_etc(&r);
        *ret = r;
        return 0;
}

void rootfs_close(struct rootfs *r)
{
        if (r->fd >= 0)
                (void)close(r->fd);
        r->fd = -1;
}

/* Makes the directory `path` with the directories above it. Each step starts from the root again,
 * so that links on the way are resolved inside it. */
static int make_directories(const struct rootfs *r, const char *path)
{
        AUTO_CLOSE int parent = -1;
        const char *name;
        int rc = rootfs_parent(r, path, true, &parent, &name);

        if (rc < 0)
                return rc;
        return atomic_mkdir(parent, name);
}

int rootfs_parent(const struct rootfs *r, const char *path, bool create, int *ret_fd,
                  const char **ret_name)
{
        const char *slash = strrchr(path, '/');
        AUTO_FREE char *directory = NULL;
        int fd;

        if (!slash || !slash[1])
                return -EINVAL;
        directory = strndup(path, (size_t)(slash - path));
        if (!directory)
                return -ENOMEM;

        fd = open_in(r, directory, O_RDONLY | O_DIRECTORY);
        if (fd == -ENOENT && create && directory[0]) {
                fd = make_directories(r, directory);
                if (fd == 0)
                        fd = open_in(r, directory, O_RDONLY | O_DIRECTORY);
        }
        if (fd < 0)
                return fd;
        *ret_fd = fd;
        *ret_name = slash + 1;
        return 0;
}

void rootfs_drop_if_empty(const struct rootfs *r, const char *path)
{
        AUTO_FREE char *directory = strndup(path, (size_t)(strrchr(path, '/') - path));
        AUTO_CLOSE int parent = -1;
        const char *name;

        if (directory && rootfs_parent(r, directory, false, &parent, &name) == 0 &&
            unlinkat(parent, name, AT_REMOVEDIR) == 0)
                (void)fsync(parent);
}

/* `size`: what the file had when it was looked at; then no read(2) more is needed to see its end,
 * and none where that is too much: links may lead to such a file a million times. */
static int read_bytes(int fd, off_t size, size_t max, char **ret, size_t *ret_len)
{
        AUTO_BUF data = BUF_INIT;
        char chunk[16384];

        if (size > 0 && (uint64_t)size > max)
                return -EFBIG;
        for (;;) {
                ssize_t n = TEMP_FAILURE_RETRY(read(fd, chunk, sizeof(chunk)));

                if (n < 0)
                        return failure();
                buf_add(&data, chunk, (size_t)n);
                if (data.error < 0 || data.len > max)
                        return data.error < 0 ? data.error : -EFBIG;
                if (n == 0 || (size > 0 && data.len == (size_t)size))
                        return buf_take(&data, ret, ret_len);
        }
}

static int read_link(int probe, struct observed *o)
{
        char target[4096];
        ssize_t n = readlinkat(probe, "", target, sizeof(target));

        if (n < 0)
                return failure();
        if ((size_t)n == sizeof(target))
                return -ENAMETOOLONG;
        o->data = strndup(target, (size_t)n);
        if (!o->data)
                return -ENOMEM;
        o->len = (size_t)n;
        o->type = OBSERVED_LINK;
        return 0;
}

/* Without /proc what was looked at is opened by its name, and must still be that same one. */
static int check_same(int fd, const struct stat *seen)
{
        struct stat now;

        if (fd < 0 || fstat(fd, &now) < 0)
                return failure();
        return now.st_ino == seen->st_ino && now.st_dev == seen->st_dev ? 0 : -ESTALE;
}

static int read_file(int probe, int dir, const char *name, const struct stat *st, size_t max,
                     struct observed *o)
{
        AUTO_CLOSE int fd = descriptor_read_from(probe);
        int r = fd == -ENOMEM ? -ENOBUFS : fd < 0 ? fd : 0;

        if (fd == -ENOSYS) {
                fd = openat(dir, name, READ_FLAGS | O_NOFOLLOW | O_CLOEXEC);
                r = check_same(fd, st);
        }
        if (r == 0)
                r = read_bytes(fd, st->st_size, max, &o->data, &o->len);
        o->type = r == -EFBIG ? OBSERVED_OTHER : OBSERVED_FILE;
        o->what = "too large a file";
        return r == -EFBIG ? 0 : r;
}

int rootfs_look(const struct rootfs *r, const char *path, size_t max, struct observed *ret)
{
        struct observed o = { .type = OBSERVED_NONE };
        AUTO_CLOSE int dir = -1, probe = -1;
        const char *name;
        struct stat st;
        int rc;

        rc = rootfs_parent(r, path, false, &dir, &name);
        *ret = (struct observed){ .type = rc < 0 ? OBSERVED_NO_DIRECTORY : OBSERVED_NONE };
        if (rc < 0)
                return rc == -ENOENT || rc == -ENOTDIR ? 0 : rc;
        probe = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (probe < 0 || fstatat(probe, "", &st, AT_EMPTY_PATH) < 0)
                return errno == ENOENT ? 0 : failure();
        o.mode = st.st_mode & 07777;
        o.uid = st.st_uid;
        o.device = st.st_dev;
        o.inode = st.st_ino;
        o.gid = st.st_gid;
        o.mtime = (uint64_t)st.st_mtim.tv_sec * 1000000u;
        if (S_ISLNK(st.st_mode)) {
                rc = read_link(probe, &o);
        } else if (S_ISREG(st.st_mode)) {
                rc = read_file(probe, dir, name, &st, max, &o);
        } else {
                o.type = OBSERVED_OTHER;
                o.what = observed_kind(st.st_mode);
        }
        if (rc < 0) {
                observed_free(&o);
                return rc;
        }
        *ret = o;
        return 0;
}

int rootfs_open_file(const struct rootfs *r, const char *path, int *ret_fd, struct stat *ret_st)
{
        AUTO_CLOSE int probe = open_in(r, path, O_PATH);
        int fd, rc;

        if (probe < 0)
                return probe;
        if (fstat(probe, ret_st) < 0)
                return failure();
        if (!S_ISREG(ret_st->st_mode))
                return S_ISDIR(ret_st->st_mode) ? -EISDIR : -EBADF;
        fd = descriptor_read_from(probe);
        rc = fd == -ENOMEM ? -ENOBUFS : fd < 0 ? fd : 0;
        if (fd == -ENOSYS) {
                fd = open_in(r, path, READ_FLAGS);
                rc = fd < 0 ? fd : check_same(fd, ret_st);
        }
        if (rc < 0)
                close_descriptor(&fd);
        else
                *ret_fd = fd;
        return rc;
}

int rootfs_read(const struct rootfs *r, const char *path, size_t max, char **ret, size_t *ret_len,
                struct stat *ret_st)
{
        AUTO_CLOSE int fd = -1;
        struct stat own, *st = ret_st ? ret_st : &own;
        int rc = rootfs_open_file(r, path, &fd, st);

        return rc < 0 ? rc : read_bytes(fd, st->st_size, max, ret, ret_len);
}

int rootfs_exists(const struct rootfs *r, const char *path)
{
        AUTO_CLOSE int fd = open_in(r, path, O_PATH | O_NOFOLLOW);

        return fd < 0 ? fd : 1;
}

bool rootfs_is_near(const struct rootfs *r, const char *path)
{
        const struct rootfs near = { .fd = r->fd, .usr_etc = r->usr_etc, .near = true };
        int rc = r->image ? rootfs_exists(&near, path) : -EXDEV;

        return rc > 0 || rc == -ENOENT || rc == -ENOTDIR;
}

int rootfs_stat(const struct rootfs *r, const char *path, struct stat *ret)
{
        AUTO_CLOSE int fd = open_in(r, path, O_PATH | O_NOFOLLOW);

        return fd < 0 ? fd : fstat(fd, ret) < 0 ? failure() : 0;
}

int rootfs_is_file(const struct rootfs *r, const char *path, bool executable)
{
        AUTO_CLOSE int fd = open_in(r, path, O_PATH);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return fd < 0 ? fd : failure();
        return S_ISREG(st.st_mode) && (!executable || (st.st_mode & 0111));
}

/* Below an image's root, the root's own path is taken off its front. */
int rootfs_real_path(const struct rootfs *r, const char *path, char **ret)
{
        AUTO_CLOSE int fd = open_in(r, path, O_PATH);
        char root[4096] = "", real[4096] = "";
        size_t n;
        int rc;

        if (fd < 0)
                return fd;
        rc = descriptor_path(r->fd, root, sizeof(root));
        if (rc == 0)
                rc = descriptor_path(fd, real, sizeof(real));
        if (rc < 0)
                return rc;
        n = strcmp(root, "/") == 0 ? 0 : strlen(root);
        if (strncmp(real, root, n) != 0 || real[n] != '/')
                return -EXDEV;
        if (r->usr_etc && strncmp(real + n, "/usr/etc/", 9) == 0)
                n += strlen("/usr");
        *ret = strdup(real + n);
        return *ret ? 0 : -ENOMEM;
}

bool rootfs_is_top(const struct rootfs *r)
{
        char path[4096];

        return descriptor_path(r->fd, path, sizeof(path)) < 0 || strcmp(path, "/") == 0;
}

int rootfs_list(const struct rootfs *r, const char *path,
                int (*each)(const char *name, void *userdata), void *userdata)
{
        AUTO_CLOSE int fd = open_in(r, path, O_RDONLY | O_DIRECTORY);
        char entries[8192] __attribute__((aligned(8)));
        const struct dirent64 *e;
        int rc = 0;

        if (fd < 0)
                return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
        for (;;) {
                ssize_t n = getdents64(fd, entries, sizeof(entries));

                if (n <= 0)
                        return n == 0 || errno == ENOENT ? 0 : failure();
                for (ssize_t at = 0; at < n; at += e->d_reclen) {
                        e = (const struct dirent64 *)(const void *)(entries + at);
                        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                                rc = each(e->d_name, userdata);
                        if (rc != 0)
                                return rc;
                }
        }
}
