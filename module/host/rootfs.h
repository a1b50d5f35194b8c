/* SPDX-License-Identifier: MIT
 *
 * rootfs.h: the system's files, be it this system or an image tree. The only opener of an image's
 * paths: all of them resolve inside the root, whatever symlinks the tree holds. What others open
 * by its path is on the running system alone: processes in /proc (proc.c), a directory in /run
 * (scratch.c), a file with its user's rights (user-file.c), devices. Reads, makes directories, and
 * takes away empty ones; it never writes a file.
 */
#pragma once

#include "core/plan/observed.h"
#include "core/util/error.h"

struct stat;

struct rootfs {
        int fd;           /* the root directory, O_RDONLY, so that it can be locked */
        bool image;       /* not the running system */
        bool plain;       /* no openat2(2) here: only allowed for "/" */
        bool near;        /* no path leads to another file system */
        bool usr_etc;     /* an OSTree: what is /etc once it is deployed is /usr/etc here */
        const char *path; /* as the user gave it; "" for "/", be it the running system or not */
};

#define ROOTFS_INIT                                                                                \
        {                                                                                          \
                .fd = -1                                                                           \
        }

/* `path` NULL or "/" is no image here, whatever its caller makes of it; it is kept, not copied.
 * Where the kernel or a sandbox has no openat2, an image is refused: without it a symlink of the
 * image could lead outside. */
int rootfs_open(const char *path, struct rootfs *ret, struct error *error) MUST_CHECK;
void rootfs_close(struct rootfs *r);

/* Whether the root directory is "/" itself, and not another mount of it. */
bool rootfs_is_top(const struct rootfs *r);

/* The directory that holds `path`, and the last component's name (points into `path`). With
 * `create` missing directories are made (0755, root) and synced. -ENOENT where there is none. */
int rootfs_parent(const struct rootfs *r, const char *path, bool create, int *ret_fd,
                  const char **ret_name) MUST_CHECK;

/* Takes away the directory that held `path` if nothing is left in it, as systemctl does with its
 * .wants directories; otherwise nothing happens. */
void rootfs_drop_if_empty(const struct rootfs *r, const char *path);

/* Bytes of a file of the system that is read as a whole: hosts, passwd, sshd_config. */
#define ROOTFS_FILE_MAX ((size_t)16 << 20)

/* What is at the path. Last component: a link is reported, not followed. Files are read up to
 * `max` bytes (larger ones are OBSERVED_OTHER). Never blocks on FIFOs, never opens devices.
 * Absence is a value, not an error. */
int rootfs_look(const struct rootfs *r, const char *path, size_t max,
                struct observed *ret) MUST_CHECK;

/* A regular file to read from, links followed inside the root; the caller closes it. Errors as
 * below. */
int rootfs_open_file(const struct rootfs *r, const char *path, int *ret_fd,
                     struct stat *ret_st) MUST_CHECK;

/* A regular file's bytes, links followed inside the root. *ret is NUL-terminated; the caller frees.
 * -ENOENT, -EISDIR and others as they are; -EFBIG beyond `max`; -EBADF for what is no file. ret_len
 * and ret_st, which tells whose file it was, may be NULL. */
int rootfs_read(const struct rootfs *r, const char *path, size_t max, char **ret, size_t *ret_len,
                struct stat *ret_st) MUST_CHECK;

/* Whether anything is at the path, a link that leads nowhere included. 1, or −errno: -ENOENT is no,
 * anything else is no answer. */
int rootfs_exists(const struct rootfs *r, const char *path) MUST_CHECK;

/* Whether nothing on the way to an image's path, nor what is there, is on another file system: what
 * is looked at there answers, as the image does. Says no of the running system, where users mount
 * what they like meanwhile. */
bool rootfs_is_near(const struct rootfs *r, const char *path) MUST_CHECK;

/* As lstat(2). */
int rootfs_stat(const struct rootfs *r, const char *path, struct stat *ret) MUST_CHECK;

/* Whether the path leads to a regular file, links followed inside the root. 1, 0 for what is none,
 * or −errno as above. */
int rootfs_is_file(const struct rootfs *r, const char *path, bool executable) MUST_CHECK;

/* The path without any link in it, as seen from inside the root; the caller frees. Needs /proc. */
int rootfs_real_path(const struct rootfs *r, const char *path, char **ret) MUST_CHECK;

/* Calls `each` with every name in the directory but . and ..; stops at the first non-zero. 0 too
 * when there is no such directory. */
int rootfs_list(const struct rootfs *r, const char *path,
                int (*each)(const char *name, void *userdata), void *userdata) MUST_CHECK;
