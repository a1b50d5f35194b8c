/* SPDX-License-Identifier: MIT
 *
 * desired.c: which paths, in which order. What stands in each file is render.c's business, whether
 * anything has to change is plan.c's. Reads nothing.
 */
#include "core/plan/desired-tcp.h"

#include "core/plan/render.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Taking the vsock listener out is closing: it comes after every other way in has opened again. */
static enum phase phase_of_listener(const struct maker *m)
{
        return m->c ? PHASE_OPEN : PHASE_CLOSE;
}

static void add_listener_link(struct maker *m, bool wanted)
{
        add_link(m, phase_of_listener(m), ITEM_UNIT | ITEM_ALIAS | ITEM_DIRECTORY,
                 SYSTEM_UNIT_DIR "/sockets.target.wants/" UNIT_SOCKET,
                 SYSTEM_UNIT_DIR "/" UNIT_SOCKET, wanted);
}

/* Before the unit comes, and after it went. */
static void add_saved(struct maker *m, const char *path)
{
        (void)add(m, ITEM_SAVED, phase_of_listener(m), 0, path);
}

/* The per-connection template and its keys, then the socket: a socket without its template would
 * make clients hang. Where all goes, the link goes first: whose it was is told by its unit. */
static void add_listener(struct maker *m)
{
        const struct facts *f = m->f;
        bool wanted = m->c && !f->generated_listener;
        enum phase phase = phase_of_listener(m);
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        if (!m->c)
                add_listener_link(m, false);
        i = add(m, ITEM_FILE, phase, ITEM_UNIT, SYSTEM_UNIT_DIR "/" UNIT_KEYGEN);
        if (m->c) {
                render_keygen(m->f, &b);
                want(m, i, &b);
        }
        i = add(m, ITEM_FILE, phase, ITEM_UNIT, SYSTEM_UNIT_DIR "/" UNIT_HOSTKEYS);
        if (wanted) {
                render_hostkeys(f, &b);
                want(m, i, &b);
        }
        if (m->c)
                add_saved(m, SYSTEM_UNIT_DIR "/" UNIT_TEMPLATE SAVED_SUFFIX);
        i = add(m, ITEM_FILE, phase, ITEM_UNIT | ITEM_HANDMADE, SYSTEM_UNIT_DIR "/" UNIT_TEMPLATE);
        if (wanted) {
                render_template(f, &b);
                want(m, i, &b);
        }
        if (m->c)
                add_saved(m, SYSTEM_UNIT_DIR "/" UNIT_SOCKET SAVED_SUFFIX);
        i = add(m, ITEM_FILE, phase, ITEM_UNIT | ITEM_SOCKET | ITEM_HANDMADE,
                SYSTEM_UNIT_DIR "/" UNIT_SOCKET);
        if (wanted) {
                render_socket(m->c, f, &b);
                want(m, i, &b);
        }
        if (m->c) {
                add_listener_link(m, wanted);
                return;
        }
        add_saved(m, SYSTEM_UNIT_DIR "/" UNIT_TEMPLATE SAVED_SUFFIX);
        add_saved(m, SYSTEM_UNIT_DIR "/" UNIT_SOCKET SAVED_SUFFIX);
}

static void add_provision(struct maker *m)
{
        enum phase phase = phase_of_listener(m);
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        i = add(m, ITEM_FILE, phase, ITEM_UNIT, SYSTEM_UNIT_DIR "/" UNIT_PROVISION);
        if (m->c) {
                render_provision(m->f, &b);
                want(m, i, &b);
        }
        add_link(m, phase, ITEM_UNIT | ITEM_ALIAS | ITEM_DIRECTORY,
                 SYSTEM_UNIT_DIR "/multi-user.target.wants/" UNIT_PROVISION,
                 SYSTEM_UNIT_DIR "/" UNIT_PROVISION, m->c != NULL);
}

static void add_modules(struct maker *m)
{
        struct item *i = add(m, ITEM_FILE, PHASE_OPEN, 0, PATH_MODULES_LOAD);
        unsigned modules = modules_wanted(m->f);
        AUTO_BUF b = BUF_INIT;

        if (!m->c || modules == 0)
                return;
        render_modules(modules, &b);
        want(m, i, &b);
}

static void add_hosts(struct maker *m)
{
        struct item *i = add(m, ITEM_HOSTS, PHASE_OPEN, 0, PATH_HOSTS);
        AUTO_BUF b = BUF_INIT;

        if (!m->c || !m->c->hosts_address)
                return;
        buf_adds(&b, m->c->hosts_address);
        want(m, i, &b);
}

static bool hush_wanted(const struct config *c, const struct user *u)
{
        if (!c)
                return false;
        if (c->hushlogin == HUSHLOGIN_ALL)
                return user_can_login(u);
        for (size_t i = 0; c->hushlogin == HUSHLOGIN_USERS && i < c->n_users; i++)
                if (strcmp(c->users[i].name, u->name) == 0)
                        return true;
        return false;
}

/* FNV-1a */
static size_t hash(const char *text)
{
        uint64_t h = 14695981039346656037u;

        for (; *text; text++)
                h = (h ^ (unsigned char)*text) * 1099511628211u;
        return (size_t)(h ^ h >> 32);
}

/* Users may share a home: it is one path, and wanted if anyone of them wants it. Where the path is
 * new, this is its place in the index. */
static size_t *find_user(struct maker *m, const char *path)
{
        size_t at = hash(path) & (m->n_index - 1);

        while (m->index[at] != 0 && strcmp(m->d.items[m->index[at] - 1].path, path) != 0)
                at = (at + 1) & (m->n_index - 1);
        return &m->index[at];
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

static void add_user_hushlogin(struct maker *m, const struct user *u)
{
        AUTO_FREE char *path = hush_path(u->home);
        AUTO_BUF b = BUF_INIT;
        struct item *i;
        size_t *place;

        if (!path) {
                m->error = -ENOMEM;
                return;
        }
        place = find_user(m, path);
        i = *place ? &m->d.items[*place - 1] : add(m, ITEM_FLAG, PHASE_EXTRAS, 0, path);
        if (i)
                *place = (size_t)(i - m->d.items) + 1;
        if (!i || i->wanted)
                return;
        i->uid = u->uid;
        i->gid = u->gid;
        if (hush_wanted(m->c, u)) {
                render_hushlogin(&b);
                want(m, i, &b);
        }
}

static bool looks_at_home(const struct maker *m, const struct user *u)
{
        return m->f->homes == HOMES_ALL || (m->f->homes == HOMES_ASKED && hush_wanted(m->c, u));
}

/* One item for everybody, for whoever does not want it now may have had it from an earlier
 * configuration. */
static void add_hushlogins(struct maker *m)
{
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        i = add(m, ITEM_FLAG, PHASE_EXTRAS, 0, PATH_SKEL_HUSH);
        if (m->c && m->c->hushlogin == HUSHLOGIN_ALL) {
                render_hushlogin(&b);
                want(m, i, &b);
        }
        m->n_index = 16;
        while (m->n_index < 2 * m->f->users.n + 2)
                m->n_index *= 2;
        m->index = calloc(m->n_index, sizeof(*m->index));
        if (!m->index)
                m->error = -ENOMEM;
        else if (m->error == 0)
                *find_user(m, PATH_SKEL_HUSH) = m->d.n;
        for (size_t u = 0; m->error == 0 && u < m->f->users.n; u++)
                if (looks_at_home(m, &m->f->users.list[u]))
                        add_user_hushlogin(m, &m->f->users.list[u]);
        free(m->index);
}

static int finish(struct maker *m, struct desired *ret)
{
        if (m->error < 0) {
                desired_free(&m->d);
                return m->error;
        }
        *ret = m->d;
        ret->port = m->c ? m->c->port : 0;
        return 0;
}

int desired_make(const struct config *c, const struct facts *f, struct desired *ret)
{
        struct maker m = { .c = c, .f = f };

        add_listener(&m);
        add_provision(&m);
        add_modules(&m);
        add_hosts(&m);
        add_hushlogins(&m);
        if (c->disable_tcp)
                desired_closed(&m);
        else
                desired_open(&m);
        return finish(&m, ret);
}

int desired_none(const struct facts *f, struct desired *ret)
{
        struct maker m = { .f = f };

        /* The other way round: first every other way in opens, then ours goes. */
        desired_open(&m);
        add_hushlogins(&m);
        add_hosts(&m);
        add_modules(&m);
        add_provision(&m);
        add_listener(&m);
        return finish(&m, ret);
}

void desired_free(struct desired *d)
{
        for (size_t i = 0; i < d->n; i++) {
                free(d->items[i].path);
                free(d->items[i].content);
        }
        free(d->items);
        *d = (struct desired){ 0 };
}
