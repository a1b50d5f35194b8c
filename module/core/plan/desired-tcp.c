/* SPDX-License-Identifier: MIT
 *
 * desired-tcp.c: where sshd listens on TCP, and the masks: what opens and what closes, by what
 * holds now and what is wanted. The order of the items is what keeps a run that is killed from
 * opening more than both. Reads nothing.
 */
#include "core/plan/desired-list.h"
#include "core/plan/render.h"

#include <stdio.h>
#include <string.h>

/* A file of sshd's configuration; the lines go into the main one where nothing includes our
 * drop-in. What is not below /etc is somebody else's: what strays there is in the way. */
static void add_sshd_file(struct maker *m, enum phase phase, const char *path)
{
        bool wanted = m->c && m->c->n_listen > 0;
        AUTO_BUF b = BUF_INIT;
        struct item *i;

        if (strncmp(path, "/etc/", 5) != 0 && !wanted)
                return;
        i = desired_add(m, ITEM_SSHD_CONFIG, phase, ITEM_SSHD, path);
        if (!wanted)
                return;
        if (!m->f->dropins && strcmp(path, PATH_SSHD_CONFIG) == 0)
                render_listen(m->c, &b);
        desired_want(m, i, &b);
}

/* One that is known to listen on no TCP port needs no confining, and gets no port. */
static bool listens_on_tcp(const struct tcp_unit *t)
{
        return t->streams.n_ports > 0 || t->streams.others.len == 0;
}

/* Sockets that systemd holds for sshd: ssh.socket on Ubuntu 22.10 and newer. */
static void add_socket_dropins(struct maker *m, enum phase phase)
{
        bool wanted = m->c && m->c->n_listen > 0;

        for (size_t k = 0; k < N_TCP_PAIRS; k++) {
                const size_t socket = distro_tcp_pairs[k].socket;
                const struct tcp_unit *t = &m->f->tcp[socket];
                AUTO_BUF b = BUF_INIT;
                char path[128];
                struct item *i;

                (void)snprintf(path, sizeof(path), SYSTEM_UNIT_DIR "/%s.d/" SOCKET_DROPIN,
                               distro_tcp_units[socket]);
                i = desired_add(m, ITEM_FILE, phase, ITEM_UNIT | ITEM_TCP_SOCKET | ITEM_DIRECTORY,
                                path);
                if (wanted && facts_has_unit(t) && (t->enabled || t->active) && listens_on_tcp(t)) {
                        render_socket_dropin(m->c, m->f, &t->streams, &b);
                        desired_want(m, i, &b);
                }
        }
}

/* Nobody comes in over TCP, now or after a boot, and it was we who closed it: to write where sshd
 * shall listen can lock nobody out. */
static bool tcp_is_closed(const struct facts *f)
{
        bool ours = false;

        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                const struct tcp_unit *t = &f->tcp[i];

                if (t->active || (t->enabled && !t->masked && !t->recorded))
                        return false;
                ours = ours || t->recorded;
        }
        return ours;
}

/* To confine what is open is closing, so after verification; what is closed may be told at once
 * where to listen, before it opens. */
static enum phase phase_of_listen(const struct maker *m)
{
        bool wanted = m->c && m->c->n_listen > 0;

        return wanted && !tcp_is_closed(m->f) ? PHASE_CLOSE : PHASE_OPEN;
}

static void add_our_listen(struct maker *m, enum phase phase)
{
        struct item *i = desired_add(m, ITEM_FILE, phase, ITEM_SSHD, PATH_SSHD_DROPIN);
        AUTO_BUF b = BUF_INIT;

        if (!m->c || m->c->n_listen == 0 || !m->f->dropins)
                return;
        render_listen_dropin(m->c, &b);
        desired_want(m, i, &b);
}

/* Ours before the strays go, and the other way round: with none at all sshd listens everywhere,
 * should it start in between. Ours may stand in the main file, which comes first. */
static void add_listen(struct maker *m)
{
        bool wanted = m->c && m->c->n_listen > 0;
        enum phase phase = phase_of_listen(m);
        const struct facts *f = m->f;

        if (wanted)
                add_our_listen(m, phase);
        for (size_t k = 0; k < f->sshd_files.n; k++)
                add_sshd_file(m, phase, f->sshd_files.list[wanted ? k : f->sshd_files.n - 1 - k]);
        if (wanted && !f->dropins && !desired_find(m, PATH_SSHD_CONFIG))
                add_sshd_file(m, phase, PATH_SSHD_CONFIG); /* nowhere to put it: a conflict */
        if (!wanted)
                add_our_listen(m, phase);
        /* no sshd reads these, so none has to be told */
        for (size_t k = 0; !wanted && k < f->sshd_left.n; k++)
                (void)desired_add(m, ITEM_SSHD_CONFIG, phase, 0, f->sshd_left.list[k]);
        add_socket_dropins(m, phase);
}

unsigned desired_masks(const struct facts *f)
{
        unsigned masks = 0;

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (facts_has_unit(&f->tcp[i]) && (!f->tcp[i].masked || f->tcp[i].ours) &&
                    !rivals_mask(f, distro_tcp_units[i]))
                        masks |= 1u << i;
        return masks;
}

bool desired_opens_late(const struct maker *m)
{
        return phase_of_listen(m) == PHASE_CLOSE;
}

/* Masks of ours, and only those, are taken away again: each has its record, which is there before
 * it, and goes only after what it kept shut runs again. */
static void add_mask(struct maker *m, size_t at, bool wanted)
{
        const struct tcp_unit *t = &m->f->tcp[at];
        const char *unit = distro_tcp_units[at];
        bool late = desired_opens_late(m);
        char path[sizeof(SYSTEM_UNIT_DIR) + 32];

        if (wanted)
                desired_add_record(m, t->ours ? PHASE_OPEN : PHASE_CLOSE, 0, unit, true);
        (void)snprintf(path, sizeof(path), "%s/%s", SYSTEM_UNIT_DIR, unit);
        if (wanted || t->ours)
                desired_add_link(m, wanted ? PHASE_CLOSE : phase_of_listen(m),
                                 ITEM_UNIT | ITEM_MASK, path, "/dev/null", wanted);
        if (!wanted && t->recorded)
                desired_add_record(m, late ? PHASE_CLOSE : PHASE_ACTIVATE, late ? ITEM_LATE : 0,
                                   unit, false);
}

static void add_masks(struct maker *m, unsigned masks)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (!rivals_mask(m->f, distro_tcp_units[i]))
                        add_mask(m, i, masks & (1u << i));
}

/* Where sshd listens stays as it is under the masks: whoever gives up closing, or undoes it, has
 * what was. */
void desired_add_closed(struct maker *m)
{
        add_masks(m, desired_masks(m->f));
}

/* Where sshd shall listen, before it may. */
void desired_add_open(struct maker *m)
{
        add_listen(m);
        add_masks(m, 0);
}
