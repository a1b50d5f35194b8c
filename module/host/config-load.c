/* SPDX-License-Identifier: MIT
 *
 * config-load.c: see config-load.h. Bounded reads only; what the bytes mean is config.c's business.
 */
#include "host/config-load.h"

#include "core/plan/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *config_load_name(const char *config)
{
        if (!config)
                return CONFIG_PATH_DEFAULT;
        return strcmp(config, "-") == 0 ? "<stdin>" : config;
}

/* What is wrong with the file, as whoever gave it can correct it; NULL: that is not what is wrong.
 */
static const char *words_for(int error)
{
        switch (error) {
        case -EMFILE:
        case -ENFILE:
        case -EIO:
        case -ENOMEM:
                return NULL;
        case -EISDIR:
                return "is a directory, not a file";
        case -EBADF:
                return "is not a regular file";
        case -EFBIG:
                return "is larger than 64 KiB";
        case -ENOENT:
                return "does not exist, or is a link that leads nowhere";
        case -ELOOP:
                return "leads through too many symbolic links, or through /proc, which is not "
                       "followed: --config=- reads standard input";
        }
        return strerror(-error);
}

static int fault(struct config_error *d, int error)
{
        const char *words = words_for(error);

        return words ? config_error_add(d, (struct mark){ 0 }, "%s", words) : error;
}

static int read_stdin(struct config_error *d, char **ret, size_t *ret_len)
{
        AUTO_BUF b = BUF_INIT;
        char chunk[4096];

        for (;;) {
                ssize_t n = TEMP_FAILURE_RETRY(read(STDIN_FILENO, chunk, sizeof(chunk)));

                if (n < 0)
                        return fault(d, -errno);
                if (n == 0)
                        return buf_take(&b, ret, ret_len);
                buf_add(&b, chunk, (size_t)n);
                if (b.len > CONFIG_SIZE_MAX)
                        return fault(d, -EFBIG);
        }
}

int config_load_path(const struct rootfs *root, const char *path, bool trusted,
                     struct config_error *d, char **ret, size_t *ret_len)
{
        struct stat st;
        int r = rootfs_read(root, path, CONFIG_SIZE_MAX, ret, ret_len, &st);

        if (r < 0)
                return fault(d, r);
        if (trusted && (st.st_uid != 0 || (st.st_mode & 022))) {
                free(*ret);
                *ret = NULL;
                return config_error_add(d, (struct mark){ 0 },
                                        "can be written by others than root (owner %u, mode %04o); "
                                        "chown root and chmod go-w it",
                                        st.st_uid, (unsigned)st.st_mode & 07777);
        }
        /* As files in /proc are: root's, and what is in them can be a process's of anybody
         * (task_dump_owner() in Linux's fs/proc/base.c). */
        if (trusted && st.st_size == 0 && *ret_len > 0) {
                free(*ret);
                *ret = NULL;
                return fault(d, -EBADF);
        }
        return 0;
}

/* A relative name is relative to where the user stands, not to the root directory. */
static int read_named(const char *name, bool trusted, struct config_error *d, char **ret,
                      size_t *ret_len)
{
        AUTO_FREE char *here = NULL, *path = NULL;
        AUTO(rootfs_close) struct rootfs host = ROOTFS_INIT;
        int r;

        if (name[0] != '/') {
                here = getcwd(NULL, 0);
                if (!here)
                        return fault(d, -errno);
        }
        if (asprintf(&path, "%s/%s", here ? here : "", name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = rootfs_open(NULL, &host, NULL);
        return r < 0 ? fault(d, r) : config_load_path(&host, path, trusted, d, ret, ret_len);
}

int config_load_read(const struct rootfs *root, const char *config, bool trusted,
                     struct config_error *d, char **ret, size_t *ret_len)
{
        int r;

        if (config && strcmp(config, "-") == 0)
                return read_stdin(d, ret, ret_len);
        if (config)
                return read_named(config, trusted, d, ret, ret_len);
        r = rootfs_exists(root, CONFIG_PATH_DEFAULT);
        if (r == -ENOENT) {
                *ret = strdup("");
                *ret_len = 0;
                return *ret ? 0 : -ENOMEM;
        }
        return r < 0 ? fault(d, r)
                     : config_load_path(root, CONFIG_PATH_DEFAULT, trusted, d, ret, ret_len);
}
