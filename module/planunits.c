/* SPDX-License-Identifier: MIT
 *
 * planunits.c: derives the unit operations of a plan from what changes on disk and from what
 * systemd says runs. Decides only; asks and touches nothing.
 */
#include "planunits.h"

#include "render.h"

#include <errno.h>
#include <string.h>

static int add_unit_op(struct plan *p, enum op_kind kind, enum phase phase, const char *unit)
{
        return plan_add(p, kind, phase, unit) ? 0 : -ENOMEM;
}

/* Whether a file operation of the phase has the flag. */
static bool changes(const struct plan *p, enum phase phase, unsigned flag)
{
        for (size_t k = 0; k < p->n; k++)
                if (p->ops[k].phase == phase && p->ops[k].item && (p->ops[k].item->flags & flag))
                        return true;
        return false;
}

static const struct item *socket_item(const struct desired *d)
{
        for (size_t k = 0; k < d->n; k++)
                if (d->items[k].flags & ITEM_SOCKET)
                        return &d->items[k];
        return NULL;
}

static bool door_wanted(const struct desired *d)
{
        const struct item *i = socket_item(d);

        return i && i->wanted;
}

static int plan_modules(struct plan *p, const struct facts *f)
{
        unsigned missing = modules_wanted(f) & ~f->loaded;

        for (size_t k = 0; k < N_MODULES; k++)
                if ((missing & (1u << k)) &&
                    !plan_add(p, OP_MODULE, PHASE_ACTIVATE, layout_transports[k].module))
                        return -ENOMEM;
        return 0;
}

/* Whether a file of ours with the flag is younger than the unit's last change of state: a run was
 * killed between writing it and telling the unit. Two seconds of grace, since the clock of a shared
 * file system need not be ours. */
static bool missed(const struct desired *d, const struct object *objects, unsigned flag,
                   const struct tcp_unit *t)
{
        const uint64_t grace = 2000000;

        for (size_t k = 0; k < d->n; k++)
                if (d->items[k].kind == ITEM_FILE && d->items[k].wanted &&
                    (d->items[k].flags & flag) && objects[k].type == OBJECT_FILE &&
                    objects[k].mtime > t->changed + grace)
                        return true;
        return false;
}

struct tcp_pair {
        int service, socket;
};

/* What TCP units that run need after their configuration changed. A socket can only be bound anew
 * while the service that has its descriptors is down; sessions are not touched by that. */
static int plan_pair(struct plan *p, const struct facts *f, const struct tcp_pair *pair,
                     bool config, bool rebind, enum phase phase)
{
        const char *service = layout_tcp_units[pair->service];
        bool runs = f->tcp[pair->service].active;
        int r = 0;

        if (f->tcp[pair->socket].active && rebind) {
                if (runs)
                        r = add_unit_op(p, OP_STOP, phase, service);
                return r == 0 ? add_unit_op(p, OP_RESTART, phase, layout_tcp_units[pair->socket])
                              : r;
        }
        return runs && config ? add_unit_op(p, OP_REFRESH, phase, service) : 0;
}

static const struct tcp_pair pairs[] = { { TCP_SSH_SERVICE, TCP_SSH_SOCKET },
                                         { TCP_SSHD_SERVICE, TCP_SSHD_SOCKET } };

static int plan_tcp(struct plan *p, const struct facts *f, enum phase changed, enum phase phase)
{
        int r = 0;

        for (size_t k = 0; r == 0 && k < ELEMENTSOF(pairs); k++)
                r = plan_pair(p, f, &pairs[k], changes(p, changed, ITEM_SSHD),
                              changes(p, changed, ITEM_TCP_SOCKET), phase);
        return r;
}

/* Where no file changes, what an earlier run did not come to. */
static int plan_missed(struct plan *p, const struct desired *d, const struct object *objects,
                       const struct facts *f)
{
        int r = 0;

        if (changes(p, PHASE_CLOSE, ITEM_SSHD | ITEM_TCP_SOCKET))
                return 0;
        for (size_t k = 0; r == 0 && k < ELEMENTSOF(pairs); k++) {
                const struct tcp_unit *socket = &f->tcp[pairs[k].socket];
                bool rebind = missed(d, objects, ITEM_TCP_SOCKET, socket);

                if (rebind && socket->active && socket->needs_reload)
                        r = add_unit_op(p, OP_RELOAD, PHASE_CLOSE, "daemon-reload");
                if (r == 0)
                        r = plan_pair(p, f, &pairs[k],
                                      missed(d, objects, ITEM_SSHD, &f->tcp[pairs[k].service]),
                                      rebind, PHASE_CLOSE);
        }
        return r;
}

static bool mask_wanted(const struct desired *d, const char *unit)
{
        for (size_t k = 0; k < d->n; k++)
                if ((d->items[k].flags & ITEM_MASK) && d->items[k].wanted &&
                    strcmp(basename(d->items[k].path), unit) == 0)
                        return true;
        return false;
}

/* What we kept shut and is enabled runs again, also where an earlier run came no further than to
 * take the mask away; with new addresses to listen on only once those are written, or it would
 * listen on all of them for a while. */
static int plan_reopen(struct plan *p, const struct desired *d, const struct facts *f,
                       enum phase phase)
{
        bool later = changes(p, PHASE_CLOSE, ITEM_TCP) || plan_blocked(p) >= BLOCKS_CLOSE;
        int r = 0;

        if (later != (phase == PHASE_CLOSE))
                return 0;
        for (size_t t = 0; r == 0 && t < N_TCP_UNITS; t++)
                if (f->tcp[t].recorded && f->tcp[t].enabled && !f->tcp[t].active &&
                    !mask_wanted(d, layout_tcp_units[t]))
                        r = add_unit_op(p, OP_START, phase, layout_tcp_units[t]);
        return r;
}

/* The value of the one ListenStream= of a socket unit of ours; NULL where it has none. */
static const char *stream_of(const char *text, size_t *ret_len)
{
        static const char key[] = "\nListenStream=";
        const char *at = text ? strstr(text, key) : NULL;

        if (!at)
                return NULL;
        at += strlen(key);
        *ret_len = strcspn(at, "\n");
        return at;
}

static bool has_word(const char *list, const char *word, size_t len)
{
        while (*list) {
                size_t n = strcspn(list, " ");

                if (n == len && memcmp(list, word, len) == 0)
                        return true;
                list += n + (list[n] == ' ');
        }
        return false;
}

/* Only another address needs a restart; all other directives come into force with a daemon-reload.
 * A port above 1023 is lost while the socket is down to whoever on the system binds it first. What
 * systemd has loaded tells of a run that was killed before it told systemd. */
static bool must_rebind(const struct plan *p, const struct desired *d, const struct unit_state *s)
{
        const struct item *i = socket_item(d);
        size_t n = 0, old_n = 0;
        const char *stream = stream_of(i->content, &n);

        for (size_t k = 0; k < p->n; k++) {
                const struct op *op = &p->ops[k];
                const char *old;

                if (op->item != i)
                        continue;
                old = op->before->type == OBJECT_FILE ? stream_of(op->before->data, &old_n) : NULL;
                if (!s->listen[0] || (old && (old_n != n || memcmp(old, stream, n) != 0)))
                        return true;
        }
        return s->listen[0] ? !has_word(s->listen, stream, n) : s->needs_reload;
}

static int plan_activate(struct plan *p, const struct desired *d, const struct facts *f,
                         const struct units *u)
{
        bool wanted = door_wanted(d);
        bool socket_changes = changes(p, PHASE_OPEN, ITEM_SOCKET);
        bool reload = changes(p, PHASE_OPEN, ITEM_UNIT) || u->socket.needs_reload ||
                      u->keygen.needs_reload || u->provision.needs_reload ||
                      (wanted && !u->socket.loaded);
        int r = 0;

        if (wanted)
                r = plan_modules(p, f);
        if (r == 0 && !wanted && u->socket.active && socket_changes)
                r = add_unit_op(p, OP_STOP, PHASE_ACTIVATE, UNIT_SOCKET);
        if (r == 0 && reload)
                r = add_unit_op(p, OP_RELOAD, PHASE_ACTIVATE, "daemon-reload");
        if (r == 0 && wanted && f->n_host_keys == 0)
                r = add_unit_op(p, OP_START, PHASE_ACTIVATE, UNIT_KEYGEN);
        if (r == 0 && wanted && u->socket.active && must_rebind(p, d, &u->socket))
                r = add_unit_op(p, OP_RESTART, PHASE_ACTIVATE, UNIT_SOCKET);
        else if (r == 0 && wanted && !u->socket.active)
                r = add_unit_op(p, OP_START, PHASE_ACTIVATE, UNIT_SOCKET);
        return r;
}

/* The door goes: its socket stops while systemd still knows it; nothing else of ours stays active.
 */
static int plan_retire(struct plan *p, const struct units *u)
{
        int r = 0;

        if (!changes(p, PHASE_CLOSE, ITEM_UNIT))
                return 0;
        if (u->socket.active && changes(p, PHASE_CLOSE, ITEM_SOCKET))
                r = add_unit_op(p, OP_STOP, PHASE_CLOSE, UNIT_SOCKET);
        return r == 0 ? add_unit_op(p, OP_RELOAD, PHASE_CLOSE, "daemon-reload") : r;
}

/* Stops sockets before services: a connection in between would start the service again. */
static int plan_stop(struct plan *p, const struct desired *d, const struct facts *f)
{
        static const int order[] = { TCP_SSH_SOCKET, TCP_SSHD_SOCKET, TCP_SSH_SERVICE,
                                     TCP_SSHD_SERVICE };
        int r = 0;

        for (size_t k = 0; r == 0 && k < ELEMENTSOF(order); k++) {
                const char *unit = layout_tcp_units[order[k]];

                if (f->tcp[order[k]].active && mask_wanted(d, unit))
                        r = add_unit_op(p, OP_STOP, PHASE_CLOSE, unit);
        }
        return r;
}

int plan_units(struct plan *p, const struct desired *d, const struct object *objects,
               const struct facts *f, const struct units *u)
{
        int r = plan_activate(p, d, f, u);

        if (r == 0)
                r = plan_reopen(p, d, f, PHASE_ACTIVATE);
        if (r == 0)
                r = plan_tcp(p, f, PHASE_OPEN, PHASE_ACTIVATE);
        if (r == 0)
                r = plan_retire(p, u);
        if (r == 0)
                r = plan_tcp(p, f, PHASE_CLOSE, PHASE_CLOSE);
        if (r == 0)
                r = plan_missed(p, d, objects, f);
        if (r == 0)
                r = plan_reopen(p, d, f, PHASE_CLOSE);
        return r == 0 ? plan_stop(p, d, f) : r;
}
