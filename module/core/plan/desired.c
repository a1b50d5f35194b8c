/* SPDX-License-Identifier: MIT
 *
 * desired.c: which paths, in which order. What stands in each file is render.c's business, whether
 * anything has to change is plan.c's. Reads nothing.
 */
#include "core/plan/desired-list.h"
#include "core/plan/render.h"

#define UNIT_PATH(name) SYSTEM_UNIT_DIR "/" name

static bool is_asked_for(const struct maker *m)
{
        return m->c != NULL;
}

/* Not where systemd's own generator provides a listener that works. */
static bool is_ours_to_listen(const struct maker *m)
{
        return m->c && !m->f->generated_listener;
}

static bool has_credential(const struct maker *m)
{
        return is_ours_to_listen(m) && render_has_credential(m->f);
}

static bool has_modules(const struct maker *m)
{
        return m->c && modules_wanted(m->f) != 0;
}

static bool has_hosts_entry(const struct maker *m)
{
        return m->c && m->c->hosts_address;
}

static void modules(const struct facts *f, struct buf *out)
{
        render_modules(modules_wanted(f), out);
}

static void hosts_entry(const struct config *c, const struct facts *f, struct buf *out)
{
        (void)f;
        buf_adds(out, c->hosts_address);
}

/* All but TCP and homes, in the order in which it comes; it goes the other way round. The template
 * is before its socket, which without it would make clients hang; a copy of the administrator's own
 * unit is there before ours takes its place, and after ours went. A link goes before its unit,
 * which tells whose the link is. */
static const struct row {
        enum item_kind kind;
        unsigned flags;
        const char *path;
        bool (*wanted)(const struct maker *m); /* NULL: never */
        /* of files, when wanted: by the facts alone, or by the configuration, too */
        void (*render)(const struct facts *f, struct buf *out);
        void (*render_both)(const struct config *c, const struct facts *f, struct buf *out);
        const char *target; /* of links */
} rows[] = {
        { ITEM_FILE, ITEM_UNIT, UNIT_PATH(UNIT_KEYGEN), is_asked_for, .render = render_keygen },
        { ITEM_FILE, ITEM_UNIT, UNIT_PATH(UNIT_HOSTKEYS), is_ours_to_listen,
          .render = render_hostkeys },
        { ITEM_FILE, 0, PATH_SSHD_VSOCK, has_credential, .render = render_sshd_vsock },
        { ITEM_FILE, ITEM_UNIT, UNIT_PATH(UNIT_CREDENTIAL), has_credential,
          .render = render_credential },
        { ITEM_SAVED, 0, UNIT_PATH(UNIT_TEMPLATE) SAVED_SUFFIX, .wanted = NULL },
        { ITEM_FILE, ITEM_UNIT | ITEM_HANDMADE, UNIT_PATH(UNIT_TEMPLATE), is_ours_to_listen,
          .render = render_template },
        { ITEM_SAVED, 0, UNIT_PATH(UNIT_SOCKET) SAVED_SUFFIX, .wanted = NULL },
        { ITEM_FILE, ITEM_UNIT | ITEM_SOCKET | ITEM_HANDMADE, UNIT_PATH(UNIT_SOCKET),
          is_ours_to_listen, .render_both = render_socket },
        { ITEM_LINK, ITEM_UNIT | ITEM_ALIAS | ITEM_DIRECTORY,
          UNIT_PATH("sockets.target.wants/" UNIT_SOCKET), is_ours_to_listen,
          .target = UNIT_PATH(UNIT_SOCKET) },
        { ITEM_FILE, ITEM_UNIT, UNIT_PATH(UNIT_PROVISION), is_asked_for,
          .render = render_provision },
        { ITEM_LINK, ITEM_UNIT | ITEM_ALIAS | ITEM_DIRECTORY,
          UNIT_PATH("multi-user.target.wants/" UNIT_PROVISION), is_asked_for,
          .target = UNIT_PATH(UNIT_PROVISION) },
        { ITEM_FILE, 0, PATH_MODULES_LOAD, has_modules, .render = modules },
        { ITEM_HOSTS, 0, PATH_HOSTS, has_hosts_entry, .render_both = hosts_entry },
};

static void add_row(struct maker *m, const struct row *row)
{
        const enum phase phase = m->c ? PHASE_OPEN : PHASE_CLOSE;
        bool wanted = row->wanted && row->wanted(m);
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        if (row->target) {
                desired_add_link(m, phase, row->flags, row->path, row->target, wanted);
                return;
        }
        i = desired_add(m, row->kind, phase, row->flags, row->path);
        if (!wanted)
                return;
        if (row->render)
                row->render(m->f, &b);
        else
                row->render_both(m->c, m->f, &b);
        desired_want(m, i, &b);
}

/* Whether it still records, as 0.1.0 wrote it, what is to be open: then it goes on doing so until
 * that runs again. A mask that stays has a record of its own by now. */
static bool is_record(const struct maker *m)
{
        unsigned kept = m->c && m->c->disable_tcp ? desired_masks(m->f) : 0;

        for (size_t k = 0; k < N_TCP_UNITS; k++)
                if (m->c && rivals_mask(m->f, distro_tcp_units[k]))
                        kept |= 1u << k;
        return m->f->joint_preset & ~kept;
}

static enum phase phase_of_preset(const struct maker *m)
{
        if (!is_record(m))
                return m->c ? PHASE_OPEN : PHASE_CLOSE;
        return desired_opens_late(m) ? PHASE_CLOSE : PHASE_ACTIVATE;
}

static void add_preset(struct maker *m)
{
        enum phase phase = phase_of_preset(m);
        struct item *i = desired_add(m, ITEM_FILE, phase, ITEM_DIRECTORY, PATH_PRESET);
        AUTO_BUF b = BUF_INIT;

        if (i && phase == PHASE_CLOSE)
                i->flags |= ITEM_LATE;
        if (!m->c)
                return;
        render_preset(&b);
        desired_want(m, i, &b);
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

        for (size_t k = 0; k < ELEMENTSOF(rows); k++)
                add_row(&m, &rows[k]);
        desired_add_homes(&m);
        if (c->disable_tcp)
                desired_add_closed(&m);
        else
                desired_add_open(&m);
        desired_add_rivals(&m, RIVAL_STREAM);
        desired_add_rivals(&m, RIVAL_WHOLE);
        add_preset(&m);
        return finish(&m, ret);
}

int desired_none(const struct facts *f, struct desired *ret)
{
        struct maker m = { .f = f };

        /* The other way round: first every other way in opens, then ours goes. */
        desired_add_open(&m);
        desired_add_homes(&m);
        add_preset(&m);
        desired_add_rivals(&m, RIVAL_WHOLE);
        desired_add_left_masks(&m);
        for (size_t k = ELEMENTSOF(rows); k-- > 0;)
                add_row(&m, &rows[k]);
        desired_add_rivals(&m, RIVAL_STREAM);
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
