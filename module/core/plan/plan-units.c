/* SPDX-License-Identifier: MIT
 *
 * plan-units.c: derives the unit operations of a plan from what changes on disk and from what
 * systemd says runs. Decides only; asks and touches nothing.
 */
#include "core/plan/plan-units.h"

#include "core/plan/render.h"
#include "core/plan/takeover.h"
#include "core/util/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int plan_unit(struct plan *p, enum op_kind kind, enum phase phase, const char *unit)
{
        return plan_add(p, kind, phase, unit) ? 0 : -ENOMEM;
}

bool plan_changes(const struct plan *p, enum phase phase, unsigned flags)
{
        return PLAN_FIRST(p, .phases = BIT(phase), .flags = flags);
}

const struct item *plan_item_of(const struct desired *d, unsigned flags, bool wanted,
                                const char *name)
{
        for (const struct item *i = d->items; i < d->items + d->n; i++)
                if ((i->flags & flags) && (i->wanted || !wanted) &&
                    (!name || strcmp(basename(i->path), name) == 0))
                        return i;
        return NULL;
}

static const struct item *socket_item(const struct desired *d)
{
        return plan_item_of(d, ITEM_SOCKET, false, NULL);
}

static bool listener_wanted(const struct desired *d)
{
        const struct item *i = socket_item(d);

        return i && i->wanted;
}

static int plan_modules(struct plan *p, const struct facts *f)
{
        unsigned missing = modules_wanted(f) & ~f->loaded;

        for (size_t k = 0; k < N_MODULES; k++)
                if ((missing & (1u << k)) &&
                    !plan_add(p, OP_MODULE, PHASE_ACTIVATE, distro_transports[k].module))
                        return -ENOMEM;
        return 0;
}

/* Whether it was we who kept the unit shut, or had the port that it could not have. */
static bool is_down(const struct plan *p, const struct facts *f, size_t at)
{
        const char *unit = distro_tcp_units[at];

        return (f->tcp[at].recorded && !rivals_mask(f, unit)) ||
               (rivals_fail(f, unit) && (plan_touches(p, unit) || f->tcp[at].needs_reload));
}

/* A connection to a socket would start its service again; a service that runs keeps its socket from
 * starting. */
static const size_t sockets_first[] = { TCP_SSH_SOCKET, TCP_SSHD_SOCKET, TCP_SSH_SERVICE,
                                        TCP_SSHD_SERVICE };

static bool serves_already(const struct facts *f, size_t at)
{
        return (at == TCP_SSH_SOCKET && f->tcp[TCP_SSH_SERVICE].active) ||
               (at == TCP_SSHD_SOCKET && f->tcp[TCP_SSHD_SERVICE].active);
}

/* What we kept shut and is enabled runs again, also where an earlier run came no further than to
 * take the mask away, and what could not start beside ours; with new addresses to listen on only
 * once those are written, or it would listen on all of them for a while. What somebody else keeps
 * shut for this boot systemd would not start. */
static int plan_reopen(struct plan *p, const struct desired *d, const struct facts *f,
                       enum phase phase)
{
        bool later = plan_changes(p, PHASE_CLOSE, ITEM_TCP) || plan_blocked(p) >= BLOCKS_CLOSE;
        int r = 0;

        if (later != (phase == PHASE_CLOSE))
                return 0;
        for (size_t k = 0; r == 0 && k < ELEMENTSOF(sockets_first); k++) {
                const size_t t = sockets_first[k];

                if (is_down(p, f, t) && f->tcp[t].enabled && !f->tcp[t].active &&
                    !f->tcp[t].barred && !serves_already(f, t) &&
                    !plan_item_of(d, ITEM_MASK, true, distro_tcp_units[t]))
                        r = plan_unit(p, OP_START, phase, distro_tcp_units[t]);
        }
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

bool plan_moves_port(const struct plan *p)
{
        const struct op_query q = { .kinds = BIT(OP_WRITE), .flags = ITEM_SOCKET };

        for (const struct op *op = NULL; (op = plan_find(p, op, &q));) {
                size_t n = 0, old_n = 0;
                const struct observed *o = op->before;
                const char *old = o->type == OBSERVED_FILE ? stream_of(o->data, &old_n) : NULL;
                const char *stream = stream_of(op->content, &n);

                if (old && stream && (n != old_n || memcmp(old, stream, n) != 0))
                        return true;
        }
        return false;
}

/* With --takeover what listened until now may have been anything: one process for all, say. */
static bool replaces_another(const struct plan *p, const struct desired *d, const struct op *op)
{
        const struct observed *o = op->before;
        AUTO_BUF different = BUF_INIT;

        if (plan_covers_another(p, d, op->item, o, &different))
                return true;
        return d->takeover && o->type == OBSERVED_FILE && !plan_is_ours(o) &&
               takeover_is_alike(TAKEOVER_SOCKET, o->data, o->len, d->port, &different) <= 0;
}

/* Only another address needs a restart; all other directives come into force with a daemon-reload.
 * A port above 1023 is lost while the socket is down to whoever on the system binds it first. What
 * systemd has loaded tells of a run that was killed before it told systemd. */
static bool must_rebind(const struct plan *p, const struct desired *d, const struct unit_state *s)
{
        const struct item *i = socket_item(d);
        size_t n = 0, old_n = 0;
        const char *stream = i ? stream_of(i->content, &n) : NULL;

        if (!stream)
                return false;
        for (size_t k = 0; k < p->n; k++) {
                const struct op *op = &p->ops[k];
                const char *old;

                if (op->item != i)
                        continue;
                if (replaces_another(p, d, op))
                        return true;
                old = plan_is_ours(op->before) ? stream_of(op->before->data, &old_n) : NULL;
                if (!s->listen[0] || (old && (old_n != n || memcmp(old, stream, n) != 0)))
                        return true;
        }
        return s->listen[0] ? !word_is_in(s->listen, stream, n) : s->needs_reload;
}

/* Whether a reload would close the socket of a vsock listener that is still to stay for a while:
 * its file has another address, by a run that was killed. */
static bool loses_address(const struct desired *d, const struct observed *observed,
                          const struct unit_state *s)
{
        for (size_t k = 0; k < d->n; k++) {
                size_t n = 0;
                const char *stream;

                if (!(d->items[k].flags & ITEM_SOCKET) || observed[k].type != OBSERVED_FILE)
                        continue;
                stream = stream_of(observed[k].data, &n);
                return d->items[k].phase == PHASE_CLOSE && s->listen[0] && stream &&
                       !word_is_in(s->listen, stream, n);
        }
        return false;
}

/* Whether systemd has old addresses of a socket that is to open again. */
static bool opens_unread(const struct facts *f)
{
        for (size_t k = 0; k < N_TCP_UNITS; k++)
                if (f->tcp[k].recorded && !f->tcp[k].active && f->tcp[k].needs_reload)
                        return true;
        return false;
}

/* The socket wants it from its next start on; this boot may have seen that already. Behind the
 * socket: a reload that is followed by its restart leaves nobody else its port. */
static int plan_credential(struct plan *p, const struct facts *f, const struct units *u)
{
        if (!f->key_credential || u->credential.active)
                return 0;
        return plan_unit(p, OP_START, PHASE_ACTIVATE, UNIT_CREDENTIAL);
}

/* What somebody else's drop-in does to the socket no run corrects: it is named, and nothing is
 * started over and over. A file that changes may correct it, and so may one that systemd has not
 * read yet. 1: there is such a conflict. */
static int plan_spoilt(struct plan *p, const struct desired *d, const struct unit_state *s)
{
        const struct item *i = socket_item(d);
        size_t n = 0;
        const char *stream = i ? stream_of(i->content, &n) : NULL;
        int r;

        if (!i || s->needs_reload || plan_changes(p, PHASE_OPEN, ITEM_SOCKET))
                return 0;
        p->moved = !s->rejected && s->mover[0] && s->listen[0] && stream &&
                   !word_is_in(s->listen, stream, n);
        if (p->moved)
                r = plan_add_conflict(p, i,
                                      "is made to listen on %.160s by a drop-in; fix: take "
                                      "ListenStream= out of %s, then \"sshd-vsock apply\"; or set "
                                      "port: to what it names",
                                      s->listen, s->mover);
        else if (s->rejected)
                r = plan_add_conflict(
                        p, i,
                        "is refused by systemd%s%.300s; fix: correct what \"systemctl status "
                        "sshd-vsock.socket\" names, then \"systemctl daemon-reload && "
                        "sshd-vsock apply\"",
                        s->dropins[0] ? ", with " : "", s->dropins);
        else
                return 0;
        return r < 0 ? r : 1;
}

/* What has its descriptors keeps it from being bound anew. While systemd still knows the two. */
static int plan_release(struct plan *p, const struct units *u)
{
        int r = plan_unit(p, OP_STOP, PHASE_ACTIVATE, UNIT_SOCKET);

        return r < 0 ? r : plan_unit(p, OP_STOP, PHASE_ACTIVATE, u->server);
}

static bool must_reload(const struct plan *p, const struct desired *d, const struct facts *f,
                        const struct units *u)
{
        if (u->socket.needs_reload || u->keygen.needs_reload || u->hostkeys.needs_reload ||
            u->credential.needs_reload || u->provision.needs_reload)
                return true;
        if (plan_changes(p, PHASE_OPEN, ITEM_UNIT) || opens_unread(f))
                return true;
        if (d->port == 0 && plan_tcp_unread(f) && plan_changes(p, PHASE_CLOSE, ITEM_UNIT))
                return true;
        return listener_wanted(d) &&
               (plan_rivals_unread(f) || (!u->socket.loaded && !u->socket.rejected));
}

static int plan_activate(struct plan *p, const struct desired *d, const struct observed *observed,
                         const struct facts *f, const struct units *u)
{
        bool wanted = listener_wanted(d);
        bool socket_changes = plan_changes(p, PHASE_OPEN, ITEM_SOCKET);
        bool reload = must_reload(p, d, f, u);
        int spoilt = wanted ? plan_spoilt(p, d, &u->socket) : 0;
        bool rebind = u->socket.active && ((wanted && !spoilt && must_rebind(p, d, &u->socket)) ||
                                           (reload && loses_address(d, observed, &u->socket)));
        int r = spoilt < 0 ? spoilt : 0;

        if (r == 0 && wanted)
                r = plan_modules(p, f);
        if (r == 0 && wanted)
                r = plan_rivals_stop(p, f);
        if (r == 0 && !wanted && u->socket.active && socket_changes)
                r = plan_unit(p, OP_STOP, PHASE_ACTIVATE, UNIT_SOCKET);
        if (r == 0 && rebind && u->server[0])
                r = plan_release(p, u);
        if (r == 0 && reload)
                r = plan_unit(p, OP_RELOAD, PHASE_ACTIVATE, "daemon-reload");
        if (r == 0 && wanted)
                r = plan_rivals_release(p, f, u);
        if (r == 0 && wanted && f->n_host_keys == 0)
                r = plan_unit(p, OP_START, PHASE_ACTIVATE, UNIT_KEYGEN);
        if (r == 0 && rebind)
                r = plan_unit(p, OP_RESTART, PHASE_ACTIVATE, UNIT_SOCKET);
        else if (r == 0 && !spoilt && wanted && !u->socket.active)
                r = plan_unit(p, OP_START, PHASE_ACTIVATE, UNIT_SOCKET);
        if (r == 0 && wanted)
                r = plan_credential(p, f, u);
        return r;
}

/* The administrator's own socket unit comes back, and listens on. Only another address than ours
 * has, by its text, needs a restart. */
static int plan_give_back(struct plan *p, const char *ours, const char *text, size_t len)
{
        AUTO_BUF different = BUF_INIT;
        size_t n;
        const char *stream = stream_of(ours, &n);
        const char *port = stream ? strrchr(stream, ':') : NULL;
        int r = port ? takeover_is_alike(TAKEOVER_SOCKET, text, len,
                                         (unsigned)strtoul(port + 1, NULL, 10), &different)
                     : 0;

        if (r < 0 || plan_unit(p, OP_RELOAD, PHASE_CLOSE, "daemon-reload") < 0)
                return -ENOMEM;
        return r > 0 ? 0 : plan_unit(p, OP_RESTART, PHASE_CLOSE, UNIT_SOCKET);
}

/* Whether a `remove` that was killed left it listening, without its file: systemd has not read that
 * yet, or has, and knows no other. */
static bool is_left(const struct desired *d, const struct observed *observed,
                    const struct unit_state *s)
{
        const struct item *i = socket_item(d);

        if (d->port != 0 || !i || observed[i - d->items].type != OBSERVED_NONE || !s->active)
                return false;
        return s->loaded ? s->needs_reload && strcmp(s->fragment, i->path) == 0 : !s->masked;
}

/* The vsock listener goes: its socket stops while systemd still knows it, and what keeps a
 * credential's keys in /run; nothing else of ours stays active. Where TCP alone closes those keys
 * may be all that anybody has. One that ours went before, and that is enabled, has its place. */
static int plan_retire(struct plan *p, const struct desired *d, const struct observed *observed,
                       const struct facts *f, const struct units *u)
{
        const bool left = is_left(d, observed, &u->socket);
        const bool goes = left || plan_changes(p, PHASE_CLOSE, ITEM_SOCKET);
        const bool uncovers = goes && d->port == 0 && f->covered_socket.text && f->covered_enabled;
        /* the write that puts the administrator's own socket unit back */
        const struct op *back = PLAN_FIRST(p, .phases = BIT(PHASE_CLOSE), .kinds = BIT(OP_WRITE),
                                           .flags = ITEM_SOCKET);
        const bool removed = PLAN_FIRST(p, .phases = BIT(PHASE_CLOSE), .kinds = BIT(OP_UNLINK),
                                        .name = SYSTEM_UNIT_DIR "/" UNIT_CREDENTIAL);
        int r = 0;

        if (!plan_changes(p, PHASE_CLOSE, ITEM_UNIT) && !left)
                return 0;
        if (!back && !uncovers && goes && u->socket.active)
                r = plan_unit(p, OP_STOP, PHASE_CLOSE, UNIT_SOCKET);
        if (r == 0 && u->credential.active && removed)
                r = plan_unit(p, OP_STOP, PHASE_CLOSE, UNIT_CREDENTIAL);
        if (r == 0 && back)
                return plan_give_back(p, back->before->data, back->content, back->len);
        if (r == 0 && uncovers)
                return plan_give_back(
                        p, u->socket.active ? observed[socket_item(d) - d->items].data : NULL,
                        f->covered_socket.text, f->covered_socket.len);
        return r == 0 ? plan_unit(p, OP_RELOAD, PHASE_CLOSE, "daemon-reload") : r;
}

/* Before the reload, after which systemd knows nothing of a masked unit's KillMode=process:
 * sessions without pam_systemd are in ssh.service's own cgroup, and this run may be in one of them.
 */
static int plan_stop(struct plan *p, const struct desired *d, const struct facts *f)
{
        int r = 0;

        for (size_t k = 0; r == 0 && k < ELEMENTSOF(sockets_first); k++) {
                const size_t t = sockets_first[k];

                if (f->tcp[t].active && plan_item_of(d, ITEM_MASK, true, distro_tcp_units[t]))
                        r = plan_unit(p, OP_STOP, PHASE_CLOSE, distro_tcp_units[t]);
        }
        return r;
}

int plan_units(struct plan *p, const struct desired *d, const struct observed *observed,
               const struct facts *f, const struct units *u)
{
        int r = plan_activate(p, d, observed, f, u);

        if (r == 0)
                r = plan_reopen(p, d, f, PHASE_ACTIVATE);
        if (r == 0)
                r = plan_tcp(p, d, observed, f, PHASE_ACTIVATE);
        if (r == 0)
                r = plan_stop(p, d, f);
        if (r == 0)
                r = plan_retire(p, d, observed, f, u);
        if (r == 0 && d->port == 0)
                r = plan_rivals_return(p, f);
        if (r == 0)
                r = plan_tcp(p, d, observed, f, PHASE_CLOSE);
        return r == 0 ? plan_reopen(p, d, f, PHASE_CLOSE) : r;
}
