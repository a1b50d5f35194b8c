/* SPDX-License-Identifier: MIT
 *
 * desired.c: which paths, in which order. What stands in each file is render.c's business, whether
 * anything has to change is plan.c's. Reads nothing.
 */
#include "desired.h"

#include "render.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct maker {
        const struct config *c; /* NULL: nothing is wanted */
        const struct facts *f;
        struct desired d;
        size_t cap;
        size_t *index;  /* of users' items by their paths: 1 + the item's number, 0 where free */
        size_t n_index; /* a power of two, more than twice the users */
        int error;      /* sticky */
};

static struct item *add(struct maker *m, enum item_kind kind, enum phase phase, unsigned flags,
                        const char *path)
{
        struct item *i;

        if (m->error < 0)
                return NULL;
        if (m->d.n == m->cap) {
                size_t cap = m->cap ? m->cap * 2 : 32;
                struct item *items = reallocarray(m->d.items, cap, sizeof(*items));

                if (!items) {
                        m->error = -ENOMEM;
                        return NULL;
                }
                m->d.items = items;
                m->cap = cap;
        }
        i = &m->d.items[m->d.n];
        *i = (struct item){ .kind = kind, .phase = phase, .flags = flags, .mode = 0644 };
        i->path = strdup(path);
        if (!i->path) {
                m->error = -ENOMEM;
                return NULL;
        }
        m->d.n++;
        return i;
}

/* Makes the item wanted, with the bytes of `b`, which is emptied. An item found, not added, may
 * come here after an error, which has to stay. */
static void want(struct maker *m, struct item *i, struct buf *b)
{
        if (!i || m->error < 0)
                return;
        m->error = buf_take(b, &i->content, &i->len);
        i->wanted = m->error == 0;
}

static void add_link(struct maker *m, enum phase phase, unsigned flags, const char *path,
                     const char *target, bool wanted)
{
        struct item *i = add(m, ITEM_LINK, phase, flags, path);
        AUTO_BUF b = BUF_INIT;

        /* The target is kept where the link is to go, too: it tells whether the link is ours. */
        buf_adds(&b, target);
        want(m, i, &b);
        if (i)
                i->wanted = wanted && m->error == 0;
}

/* Taking the door out is closing: it comes after every other door has opened again. */
static enum phase phase_of_door(const struct maker *m)
{
        return m->c ? PHASE_OPEN : PHASE_CLOSE;
}

/* The per-connection template and its keys, then the socket: a socket without its template would
 * make clients hang. */
static void add_door(struct maker *m)
{
        const struct facts *f = m->f;
        bool wanted = m->c && !f->generated_door;
        enum phase phase = phase_of_door(m);
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        i = add(m, ITEM_FILE, phase, ITEM_UNIT, SYSTEM_UNIT_DIR "/" UNIT_KEYGEN);
        if (m->c) {
                render_keygen(&b);
                want(m, i, &b);
        }
        i = add(m, ITEM_FILE, phase, ITEM_UNIT, SYSTEM_UNIT_DIR "/" UNIT_TEMPLATE);
        if (wanted) {
                render_template(f, &b);
                want(m, i, &b);
        }
        i = add(m, ITEM_FILE, phase, ITEM_UNIT | ITEM_SOCKET, SYSTEM_UNIT_DIR "/" UNIT_SOCKET);
        if (wanted) {
                render_socket(m->c, f, &b);
                want(m, i, &b);
        }
        add_link(m, phase, ITEM_UNIT | ITEM_ALIAS | ITEM_FOLDER,
                 SYSTEM_UNIT_DIR "/sockets.target.wants/" UNIT_SOCKET,
                 SYSTEM_UNIT_DIR "/" UNIT_SOCKET, wanted);
}

static void add_provision(struct maker *m)
{
        enum phase phase = phase_of_door(m);
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        i = add(m, ITEM_FILE, phase, ITEM_UNIT, SYSTEM_UNIT_DIR "/" UNIT_PROVISION);
        if (m->c) {
                render_provision(m->f, &b);
                want(m, i, &b);
        }
        add_link(m, phase, ITEM_UNIT | ITEM_ALIAS | ITEM_FOLDER,
                 SYSTEM_UNIT_DIR "/multi-user.target.wants/" UNIT_PROVISION,
                 SYSTEM_UNIT_DIR "/" UNIT_PROVISION, m->c != NULL);
}

static void add_preset(struct maker *m, enum phase phase, unsigned closed)
{
        struct item *i = add(m, ITEM_FILE, phase, ITEM_FOLDER, PATH_PRESET);
        AUTO_BUF b = BUF_INIT;

        if (!m->c)
                return;
        render_preset(closed, &b);
        want(m, i, &b);
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

static struct item *find(struct maker *m, const char *path)
{
        for (size_t i = 0; i < m->d.n; i++)
                if (strcmp(m->d.items[i].path, path) == 0)
                        return &m->d.items[i];
        return NULL;
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

static void add_user_hushlogin(struct maker *m, const struct user *u)
{
        AUTO_FREE char *path = NULL;
        AUTO_BUF b = BUF_INIT;
        struct item *i;
        size_t *place;

        if (asprintf(&path, "%s/.hushlogin", strcmp(u->home, "/") == 0 ? "" : u->home) < 0) {
                path = NULL;
                m->error = -ENOMEM;
                return;
        }
        place = find_user(m, path);
        i = *place ? &m->d.items[*place - 1] : add(m, ITEM_FLAG, PHASE_OPEN, 0, path);
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

/* One item for everybody, for whoever does not want it now may have had it from an earlier
 * configuration. */
static void add_hushlogins(struct maker *m)
{
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        i = add(m, ITEM_FLAG, PHASE_OPEN, 0, PATH_SKEL_HUSH);
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
                add_user_hushlogin(m, &m->f->users.list[u]);
        free(m->index);
}

/* A file of sshd's configuration; the lines go into the main one where nothing includes our
 * drop-in. Files under /usr are the vendor's: what strays there is only reported. */
static void add_sshd_file(struct maker *m, enum phase phase, const char *path)
{
        bool wanted = m->c && m->c->n_listen > 0;
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        if (strncmp(path, "/etc/", 5) != 0)
                return;
        i = add(m, ITEM_SSHD_CONFIG, phase, ITEM_SSHD, path);
        if (!wanted)
                return;
        if (!m->f->dropins && strcmp(path, PATH_SSHD_CONFIG) == 0)
                render_listen(m->c, &b);
        want(m, i, &b);
}

/* Sockets that systemd holds for sshd: ssh.socket on Ubuntu 22.10 and newer. */
static void add_socket_dropins(struct maker *m, enum phase phase)
{
        static const int sockets[] = { TCP_SSH_SOCKET, TCP_SSHD_SOCKET };
        bool wanted = m->c && m->c->n_listen > 0;

        for (size_t k = 0; k < ELEMENTSOF(sockets); k++) {
                const struct tcp_unit *t = &m->f->tcp[sockets[k]];
                AUTO_BUF b = BUF_INIT;
                char path[128];
                struct item *i;

                (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s.d/" SOCKET_DROPIN,
                               layout_tcp_units[sockets[k]]);
                i = add(m, ITEM_FILE, phase, ITEM_UNIT | ITEM_TCP_SOCKET | ITEM_FOLDER, path);
                if (wanted && t->vendor && (t->enabled || t->active)) {
                        render_socket_dropin(m->c, m->f, &b);
                        want(m, i, &b);
                }
        }
}

/* Wanted: closing, so after the proof. Not wanted: opening, so at once. Ours before the strays go,
 * and the other way round: with none at all sshd listens everywhere. */
static void add_listen(struct maker *m)
{
        bool wanted = m->c && m->c->n_listen > 0;
        enum phase phase = wanted ? PHASE_CLOSE : PHASE_OPEN;
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        i = add(m, ITEM_FILE, phase, ITEM_SSHD, PATH_SSHD_DROPIN);
        if (wanted && m->f->dropins) {
                render_listen_dropin(m->c, &b);
                want(m, i, &b);
        }
        for (size_t k = 0; k < m->f->n_sshd_files; k++)
                add_sshd_file(m, phase, m->f->sshd_files[k]);
        if (wanted && !m->f->dropins && !find(m, PATH_SSHD_CONFIG))
                add_sshd_file(m, phase, PATH_SSHD_CONFIG); /* nowhere to put it: a conflict */
        add_socket_dropins(m, phase);
}

/* The record of our masks goes only after what they kept shut runs again: a run that is killed
 * before that finds it, and goes on. */
static enum phase phase_of_opening(const struct facts *f)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (f->tcp[i].recorded)
                        return PHASE_ACTIVATE;
        return PHASE_OPEN;
}

unsigned desired_masks(const struct facts *f)
{
        unsigned masks = 0;

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if ((f->tcp[i].vendor || f->tcp[i].foreign) &&
                    (!f->tcp[i].masked || f->tcp[i].ours))
                        masks |= 1u << i;
        return masks;
}

/* The masks that are ours already. Their record stays whatever else changes: without it they would
 * be foreign from then on, and no later run would take them away. */
static unsigned masks_of_ours(const struct facts *f)
{
        unsigned masks = 0;

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (f->tcp[i].ours)
                        masks |= 1u << i;
        return masks;
}

/* Masks of ours, and only those, are taken away again: the preset is the record of them. */
static void add_masks(struct maker *m)
{
        bool close = m->c && m->c->disable_tcp;
        unsigned masks = close ? desired_masks(m->f) : 0;

        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                bool wanted = masks & (1u << i);
                char path[sizeof(SYSTEM_UNIT_DIR) + 32];

                if (!wanted && !m->f->tcp[i].ours)
                        continue;
                (void)snprintf(path, sizeof(path), "%s/%s", SYSTEM_UNIT_DIR, layout_tcp_units[i]);
                add_link(m, wanted ? PHASE_CLOSE : PHASE_OPEN, ITEM_UNIT, path, "/dev/null",
                         wanted);
        }
}

static int finish(struct maker *m, struct desired *ret)
{
        if (m->error < 0) {
                desired_free(&m->d);
                return m->error;
        }
        *ret = m->d;
        return 0;
}

int desired_make(const struct config *c, const struct facts *f, struct desired *ret)
{
        struct maker m = { .c = c, .f = f };
        unsigned masks = c->disable_tcp ? desired_masks(f) : 0;

        add_door(&m);
        add_provision(&m);
        add_modules(&m);
        add_hosts(&m);
        add_hushlogins(&m);
        if (!c->disable_tcp)
                add_masks(&m); /* unmasks; the record goes after what it records */
        add_preset(&m, c->disable_tcp ? PHASE_OPEN : phase_of_opening(f),
                   c->disable_tcp ? masks_of_ours(f) : 0);
        add_listen(&m);
        if (masks)
                add_preset(&m, PHASE_CLOSE, masks);
        if (c->disable_tcp)
                add_masks(&m);
        return finish(&m, ret);
}

int desired_none(const struct facts *f, struct desired *ret)
{
        struct maker m = { .f = f };

        /* The other way round: first every other door opens, then ours goes. */
        add_masks(&m);
        add_listen(&m);
        add_preset(&m, phase_of_opening(f), 0);
        add_hushlogins(&m);
        add_hosts(&m);
        add_modules(&m);
        add_provision(&m);
        add_door(&m);
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
