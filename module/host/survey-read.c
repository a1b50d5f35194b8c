/* SPDX-License-Identifier: MIT
 *
 * survey-read.c: see survey-read.h.
 */
#include "host/survey-read.h"

#include "host/trusted-path.h"

#include <errno.h>

/* Nothing there, or nothing that systemd or sshd could read either. */
static bool is_absence(int error)
{
        switch (error) {
        case -ENOENT:
        case -ENOTDIR:
        case -ELOOP:  /* a link in a circle */
        case -EISDIR: /* these three from rootfs_read() */
        case -EBADF:
        case -EFBIG:
                return true;
        }
        return false;
}

static int said(const struct survey *s, int r, const char *path)
{
        if (r >= 0)
                return r;
        return is_absence(r) ? 0 : error_set(s->error, r, "cannot read %s%s", s->root->path, path);
}

int survey_is_file(const struct survey *s, const char *path, bool executable)
{
        return said(s, rootfs_is_file(s->root, path, executable), path);
}

int survey_is_trusted(const struct survey *s, const char *path)
{
        return said(s, trusted_path_is_file(s->root, path), path);
}

int survey_exists(const struct survey *s, const char *path)
{
        return said(s, rootfs_exists(s->root, path), path);
}

int survey_read(const struct survey *s, const char *path, char **ret, size_t *ret_len)
{
        int r = rootfs_read(s->root, path, ROOTFS_FILE_MAX, ret, ret_len, NULL);

        return r < 0 ? said(s, r, path) : 1;
}

int survey_read_small(const struct survey *s, const char *path, char **ret, size_t *ret_len)
{
        int r = rootfs_read(s->root, path, SURVEY_SMALL_MAX, ret, ret_len, NULL);

        if (r == -EFBIG)
                return error_set(s->error, r, "cannot read %s%s", s->root->path, path);
        return r < 0 ? said(s, r, path) : 1;
}

int survey_look(const struct survey *s, const char *path, struct observed *ret)
{
        int r = rootfs_look(s->root, path, ROOTFS_FILE_MAX, ret);

        return r < 0 ? error_set(s->error, r, "cannot look at %s%s", s->root->path, path) : 0;
}

int survey_look_at_link(const struct survey *s, const char *path, struct observed *ret)
{
        int r = rootfs_look(s->root, path, 0, ret);

        return r < 0 ? error_set(s->error, r, "cannot look at %s%s", s->root->path, path) : 0;
}

int survey_is_mask(const struct survey *s, const char *path)
{
        AUTO_FREE char *text = NULL;
        struct observed o = { 0 };
        int r = survey_look_at_link(s, path, &o);

        r = r < 0 ? r : observed_is_mask(&o, path);
        if (r == 0 && o.type == OBSERVED_LINK) {
                int rc = rootfs_read(s->root, path, 0, &text, NULL, NULL);

                r = rc == -ENOMEM ? rc : rc == 0 || rc == -EBADF;
        }
        observed_free(&o);
        return r;
}

int survey_list(struct survey *s, const char *path, int (*each)(const char *name, void *userdata),
                void *userdata)
{
        return said(s, rootfs_list(s->root, path, each, userdata ? userdata : s), path);
}
