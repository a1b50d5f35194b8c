/* SPDX-License-Identifier: MIT
 *
 * survey-read.c: see survey-read.h.
 */
#include "host/survey-read.h"

#include "core/util/words.h"
#include "host/clock.h"
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

static int said(struct survey *s, int r, const char *path)
{
        if (r >= 0)
                return r;
        return is_absence(r) ? 0 : error_set(s->error, r, "cannot read %s%s", s->root->path, path);
}

/* An image may be made to cost: forty links of 4 KiB in a path take the kernel a millisecond, and
 * any number of links may lead there. No system takes a tenth of a second of the processor's time;
 * a count of each thing that costs would be a bound for each. */
#define COST_MAX 3000000u

/* Below 0 once it is too much, and from then on. */
static int may_go_on(struct survey *s, const char *path)
{
        const uint64_t now = s->root->image ? clock_of(CLOCK_PROCESS_CPUTIME_ID) : 0;

        if (s->begun == 0)
                s->begun = now;
        if (now - s->begun <= COST_MAX)
                return 0;
        return error_say(s->error, -E2BIG, "%s%s: more files and links than can be looked through",
                         s->root->path, path);
}

int survey_is_file(struct survey *s, const char *path, bool executable)
{
        int r = may_go_on(s, path);

        return r < 0 ? r : said(s, rootfs_is_file(s->root, path, executable), path);
}

int survey_is_trusted(struct survey *s, const char *path)
{
        int r = may_go_on(s, path);

        return r < 0 ? r : said(s, trusted_path_is_file(s->root, path), path);
}

int survey_exists(struct survey *s, const char *path)
{
        int r = may_go_on(s, path);

        return r < 0 ? r : said(s, rootfs_exists(s->root, path), path);
}

int survey_read(struct survey *s, const char *path, char **ret, size_t *ret_len)
{
        int r = may_go_on(s, path);

        if (r == 0)
                r = rootfs_read(s->root, path, ROOTFS_FILE_MAX, ret, ret_len, NULL);
        return r < 0 ? said(s, r, path) : 1;
}

int survey_read_small(struct survey *s, const char *path, char **ret, size_t *ret_len)
{
        int r = may_go_on(s, path);

        if (r == 0)
                r = rootfs_read(s->root, path, SURVEY_SMALL_MAX, ret, ret_len, NULL);
        if (r == -EFBIG)
                return error_set(s->error, r, "cannot read %s%s", s->root->path, path);
        return r < 0 ? said(s, r, path) : 1;
}

static int look(struct survey *s, const char *path, size_t max, struct observed *ret)
{
        int r = may_go_on(s, path);

        if (r == 0)
                r = rootfs_look(s->root, path, max, ret);
        return r < 0 ? error_set(s->error, r, "cannot look at %s%s", s->root->path, path) : 0;
}

int survey_look(struct survey *s, const char *path, struct observed *ret)
{
        return look(s, path, ROOTFS_FILE_MAX, ret);
}

int survey_look_at_link(struct survey *s, const char *path, struct observed *ret)
{
        return look(s, path, 0, ret);
}

int survey_is_mask(struct survey *s, const char *path)
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

int survey_is_masked_want(struct survey *s, const char *path)
{
        struct observed o = { 0 };
        const char *type = strrchr(path, '.');
        int r = survey_look_at_link(s, path, &o);
        const bool link = o.type == OBSERVED_LINK;
        const bool leads = link && type && text_ends(o.data, type);

        observed_free(&o);
        if (r < 0 || leads)
                return r;
        return link ? survey_is_mask(s, path) : 1;
}

int survey_list(struct survey *s, const char *path, int (*each)(const char *name, void *userdata),
                void *userdata)
{
        int r = may_go_on(s, path);

        if (r == 0)
                r = rootfs_list(s->root, path, each, userdata ? userdata : s);
        return said(s, r, path);
}
