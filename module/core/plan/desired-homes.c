/* SPDX-License-Identifier: MIT
 *
 * desired-homes.c: who shall have a .hushlogin, one item for each home. Looks at no home.
 */
#include "core/plan/desired-list.h"
#include "core/plan/render.h"

#include <errno.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* FNV-1a */
static size_t hash(const char *text)
{
        uint64_t h = 14695981039346656037u;

        for (; *text; text++)
                h = (h ^ (unsigned char)*text) * 1099511628211u;
        return (size_t)(h ^ h >> 32);
}

/* Items by their paths: thousands of users are looked through once. */
struct home_index {
        struct maker *m;
        size_t *index;      /* 1 + the item's number, 0 where free */
        size_t size;        /* a power of two, more than twice the users */
        const char **names; /* those of config.users, sorted */
};

static int sort_names(struct home_index *h)
{
        const struct config *c = h->m->c;
        size_t n = c ? c->n_users : 0;

        h->names = calloc(n + 1, sizeof(char *));
        for (size_t i = 0; h->names && i < n; i++)
                h->names[i] = c->users[i].name;
        if (h->names)
                qsort(h->names, n, sizeof(char *), by_text);
        return h->names ? 0 : -ENOMEM;
}

static bool hush_wanted(const struct home_index *h, const struct user *u)
{
        const struct config *c = h->m->c;

        if (!c)
                return false;
        if (c->hushlogin == HUSHLOGIN_ALL)
                return user_can_login(u);
        return c->hushlogin == HUSHLOGIN_USERS &&
               bsearch(&u->name, h->names, c->n_users, sizeof(char *), by_text) != NULL;
}

/* Users may share a home: it is one path, and wanted if anyone of them wants it. Where the path is
 * new, this is its place in the index. */
static size_t *find_home(struct home_index *h, const char *path)
{
        size_t at = hash(path) & (h->size - 1);

        while (h->index[at] != 0 && strcmp(h->m->d.items[h->index[at] - 1].path, path) != 0)
                at = (at + 1) & (h->size - 1);
        return &h->index[at];
}

/* /home//a/. is /home/a: one file has one item. */
static char *hush_path(const char *home)
{
        AUTO_BUF path = BUF_INIT;
        char *ret = NULL;

        for (size_t n; *home; home += n) {
                home += strspn(home, "/");
                n = strcspn(home, "/");
                if (n > 0 && !(n == 1 && home[0] == '.')) {
                        buf_adds(&path, "/");
                        buf_add(&path, home, n);
                }
        }
        buf_adds(&path, "/.hushlogin");
        return buf_take(&path, &ret, NULL) == 0 ? ret : NULL;
}

static void add_home(struct home_index *h, const struct user *u)
{
        struct maker *m = h->m;
        AUTO_FREE char *path = hush_path(u->home);
        AUTO_BUF b = BUF_INIT;
        struct item *i;
        size_t *place;

        if (!path) {
                m->error = -ENOMEM;
                return;
        }
        place = find_home(h, path);
        i = *place ? &m->d.items[*place - 1] : desired_add(m, ITEM_FLAG, PHASE_EXTRAS, 0, path);
        if (i)
                *place = (size_t)(i - m->d.items) + 1;
        if (!i || i->wanted)
                return;
        i->uid = u->uid;
        i->gid = u->gid;
        if (hush_wanted(h, u)) {
                render_hushlogin(&b);
                desired_want(m, i, &b);
        }
}

static bool looks_at_home(const struct home_index *h, const struct user *u)
{
        enum homes homes = h->m->f->homes;

        return u->home[0] && (homes == HOMES_ALL || (homes == HOMES_ASKED && hush_wanted(h, u)));
}

/* One item for everybody, for whoever does not want it now may have had it from an earlier
 * configuration. */
void desired_add_homes(struct maker *m)
{
        struct home_index h = { .m = m, .size = 16 };
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        i = desired_add(m, ITEM_FLAG, PHASE_EXTRAS, 0, PATH_SKEL_HUSH);
        if (m->c && m->c->hushlogin == HUSHLOGIN_ALL) {
                render_hushlogin(&b);
                desired_want(m, i, &b);
        }
        while (h.size < 2 * m->f->users.n + 2)
                h.size *= 2;
        h.index = calloc(h.size, sizeof(*h.index));
        if (!h.index || sort_names(&h) < 0)
                m->error = -ENOMEM;
        else if (m->error == 0)
                *find_home(&h, PATH_SKEL_HUSH) = m->d.n;
        for (size_t u = 0; m->error == 0 && u < m->f->users.n; u++)
                if (looks_at_home(&h, &m->f->users.list[u]))
                        add_home(&h, &m->f->users.list[u]);
        free(h.index);
        free(h.names);
}
