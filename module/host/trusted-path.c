/* SPDX-License-Identifier: MIT
 *
 * trusted-path.c: see trusted-path.h. Walks one component after the other, as the kernel does, for
 * a link in a directory of somebody else's is as good as a program of his. Reads only.
 */
#include "host/trusted-path.h"

#include "core/util/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 40 /* the kernel's own */

struct walk {
        const struct rootfs *root;
        uid_t owner;
        struct buf done; /* without links, and without a slash at its end */
        char *rest;      /* what is left to walk */
        unsigned links;
};

static void walk_done(struct walk *w)
{
        buf_free(&w->done);
        free(w->rest);
}

/* The group that may write counts too, and with it the mask of an access control list; root's own
 * group is root. */
static bool is_private(const struct walk *w, const struct stat *st)
{
        return (st->st_uid == 0 || st->st_uid == w->owner) && !(st->st_mode & S_IWOTH) &&
               (!(st->st_mode & S_IWGRP) || st->st_gid == 0);
}

static void cut(struct buf *path, size_t len)
{
        if (path->error < 0 || !path->data)
                return;
        path->len = len;
        path->data[len] = '\0';
}

static int follow(struct walk *w, const char *rest)
{
        struct observed link = { 0 };
        char *more = NULL;
        int r;

        if (++w->links > LINKS_MAX)
                return -ELOOP;
        r = rootfs_look(w->root, buf_str(&w->done), 0, &link);
        if (r == 0 && link.type != OBSERVED_LINK)
                r = -ESTALE;
        if (r == 0 && asprintf(&more, "%s/%s", link.data, rest) < 0)
                r = -ENOMEM;
        if (r == 0) {
                const char *slash = strrchr(buf_str(&w->done), '/');

                cut(&w->done, link.data[0] == '/' ? 0 : (size_t)(slash - buf_str(&w->done)));
                free(w->rest);
                w->rest = more;
        }
        observed_free(&link);
        return r;
}

static void go_up(struct buf *path)
{
        const char *slash = strrchr(buf_str(path), '/');

        cut(path, slash ? (size_t)(slash - buf_str(path)) : 0);
}

/* The next component: -EAGAIN to go on, otherwise the answer. */
static int step(struct walk *w)
{
        char *name = w->rest + strspn(w->rest, "/"), *rest;
        size_t n = strcspn(name, "/");
        struct stat st;
        int r;

        rest = name + n + strspn(name + n, "/");
        if (n == 0)
                return 0; /* a directory */
        if (n == 1 && name[0] == '.') {
                memmove(w->rest, rest, strlen(rest) + 1);
                return -EAGAIN;
        }
        if (n == 2 && strncmp(name, "..", 2) == 0) {
                go_up(&w->done);
                memmove(w->rest, rest, strlen(rest) + 1);
                return -EAGAIN;
        }
        buf_adds(&w->done, "/");
        buf_add(&w->done, name, n);
        if (w->done.error < 0)
                return w->done.error;
        r = rootfs_stat(w->root, buf_str(&w->done), &st);
        if (r < 0)
                return r;
        if (S_ISLNK(st.st_mode)) {
                r = follow(w, rest);
                return r < 0 ? r : -EAGAIN;
        }
        if (!is_private(w, &st))
                return 0;
        if (*rest == '\0')
                return S_ISREG(st.st_mode);
        memmove(w->rest, rest, strlen(rest) + 1);
        return -EAGAIN;
}

int trusted_path_is_file(const struct rootfs *r, const char *path)
{
        AUTO(walk_done) struct walk w = { .root = r, .rest = strdup(path) };
        struct stat st;
        int answer = rootfs_stat(r, "/", &st);

        if (!w.rest)
                return -ENOMEM;
        if (answer < 0)
                return answer;
        w.owner = r->image ? st.st_uid : 0;
        if (!is_private(&w, &st))
                return 0;
        do
                answer = step(&w);
        while (answer == -EAGAIN);
        return answer;
}
