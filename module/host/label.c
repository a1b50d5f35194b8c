/* SPDX-License-Identifier: MIT
 *
 * label.c: see label.h. restorecon compares types and leaves users and ranges alone, as it does for
 * everybody else who runs it (selinux_restorecon(3)).
 */
#include "host/label.h"

#include "core/util/words.h"
#include "host/spawn.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>

#define ATTRIBUTE       "security.selinux"
#define LABEL_MAX       512
#define RESTORECON      "/sbin/restorecon"
#define RESTORE_TIMEOUT 30 /* seconds; it reads all of file_contexts each time */

/* A label of the name itself, be it a link. Through /proc, since there is no getxattrat(2) before
 * Linux 6.13. */
static ssize_t get(int dir, const char *name, char *label)
{
        char path[64 + NAME_MAX];

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
        return lgetxattr(path, ATTRIBUTE, label, LABEL_MAX);
}

int label_like_directory(int dir, const char *name)
{
        char wanted[LABEL_MAX], now[LABEL_MAX], path[64 + NAME_MAX];
        ssize_t n = fgetxattr(dir, ATTRIBUTE, wanted, sizeof(wanted));

        if (n <= 0)
                return n == 0 || errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
        if (get(dir, name, now) == n && memcmp(now, wanted, (size_t)n) == 0)
                return 0;
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
        return lsetxattr(path, ATTRIBUTE, wanted, (size_t)n, 0) < 0 ? -errno : 0;
}

void label_like(const char *path, const char *model)
{
        char label[LABEL_MAX];
        ssize_t n = lgetxattr(model, ATTRIBUTE, label, sizeof(label));

        if (n > 0)
                (void)lsetxattr(path, ATTRIBUTE, label, (size_t)n, 0);
}

bool label_is_known(void)
{
        return access("/sys/fs/selinux/enforce", F_OK) == 0 && access(RESTORECON, X_OK) == 0;
}

/* *said is what it printed. */
static int run_restorecon(const char *option, const char *const paths[], size_t n, struct buf *said)
{
        AUTO_FREE const char **argv = calloc(n + 4, sizeof(*argv));

        if (!argv)
                return -ENOMEM;
        argv[0] = RESTORECON;
        argv[1] = option;
        argv[2] = "--";
        memcpy(argv + 3, paths, n * sizeof(*argv));
        return spawn_wait(argv, -1, -1, RESTORE_TIMEOUT, said);
}

int label_restore(const char *const paths[], size_t n, struct error *error)
{
        AUTO_BUF said = BUF_INIT;
        int r = n > 0 && label_is_known() ? run_restorecon("-i", paths, n, &said) : 0;

        if (r > 0) {
                error_fix(error, "run \"restorecon -v %s\" and correct what it says", paths[0]);
                return error_say(error, -EIO,
                                 "cannot label what was written: restorecon says: %.300s",
                                 said.len ? buf_str(&said) : "nothing");
        }
        return r < 0 ? error_set(error, r, "cannot label what was written, by restorecon") : 0;
}

/* "Would relabel PATH from LABEL to LABEL" (selinux_restorecon.c of libselinux) */
static bool names(const char *line, const char *path)
{
        static const char words[] = "Would relabel ";
        size_t n = strlen(path);

        return strncmp(line, words, strlen(words)) == 0 &&
               strncmp(line + strlen(words), path, n) == 0 &&
               strncmp(line + strlen(words) + n, " from ", 6) == 0;
}

int label_check(const char *const paths[], size_t n, bool wrong[])
{
        AUTO_BUF said = BUF_INIT;
        int r = n > 0 && label_is_known() ? run_restorecon("-inv", paths, n, &said) : 0;

        if (r == -ENOMEM || said.error < 0)
                return -ENOMEM;
        for (const char *line = buf_str(&said); line; line = strchr(line, '\n')) {
                line += *line == '\n';
                for (size_t k = 0; k < n; k++)
                        wrong[k] = wrong[k] || names(line, paths[k]);
        }
        return 0;
}

/* Whether a boot sets that mode (libselinux's selinux_config.c, selinux_getenforcemode()). */
static bool boots(const struct rootfs *root, const char *mode)
{
        AUTO_FREE char *text = NULL;
        const char *at;
        size_t len;

        if (rootfs_read(root, "/etc/selinux/config", ROOTFS_FILE_MAX, &text, &len, NULL) < 0)
                return false;
        at = text;
        for (struct word w; line_next(&at, text + len, &w);)
                if (w.len > 8 && strncmp(w.text, "SELINUX=", 8) == 0 &&
                    strncasecmp(w.text + 8 + strspn(w.text + 8, " \t"), mode, strlen(mode)) == 0)
                        return true;
        return false;
}

/* The kernel's command line goes before that file (load_policy.c, selinux_init_load_policy()). Who
 * says enforcing=0 there may have said it for one boot. */
bool label_lets_pass_for_now(const struct rootfs *root)
{
        AUTO_FREE char *now = NULL, *line = NULL;

        if (rootfs_read(root, "/sys/fs/selinux/enforce", LABEL_MAX, &now, NULL, NULL) < 0 ||
            now[0] != '0')
                return false;
        return boots(root, "enforcing") ||
               (rootfs_read(root, "/proc/cmdline", ROOTFS_FILE_MAX, &line, NULL, NULL) == 0 &&
                strstr(line, "enforcing=1"));
}

/* SELINUX=disabled, or no such file: no labels are needed. */
static bool has_policy(const struct rootfs *root)
{
        return boots(root, "enforcing") || boots(root, "permissive");
}

bool label_is_missing(const struct rootfs *root, const char *path)
{
        AUTO_CLOSE int dir = -1;
        char label[LABEL_MAX];
        const char *name;

        if (!has_policy(root) || rootfs_exists(root, "/.autorelabel") > 0)
                return false;
        return rootfs_parent(root, path, false, &dir, &name) == 0 && get(dir, name, label) < 0;
}
