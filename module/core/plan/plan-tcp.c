/* SPDX-License-Identifier: MIT
 *
 * plan-tcp.c: what TCP units that run need so that they listen where their files say: those that
 * this plan changes, and those that an earlier run changed before it failed or was killed. Decides
 * only; asks and touches nothing.
 */
#include "core/plan/plan-units.h"

#include "core/plan/sshd-listen.h"
#include "core/util/words.h"

#include <string.h>

/* Whether a file of ours with the flag is younger than the unit's last change of state: a run was
 * killed between writing it and telling the unit. Two seconds of grace, since the clock of a shared
 * file system need not be ours; one that is ahead of ours tells nothing. */
static bool missed(const struct desired *d, const struct observed *observed, const struct facts *f,
                   const struct tcp_unit *t)
{
        const uint64_t grace = 2000000;

        for (size_t k = 0; k < d->n; k++)
                if (d->items[k].kind == ITEM_FILE && d->items[k].wanted &&
                    (d->items[k].flags & ITEM_SSHD) && observed[k].type == OBSERVED_FILE &&
                    observed[k].mtime > t->changed + grace &&
                    (f->now == 0 || observed[k].mtime <= f->now + grace))
                        return true;
        return false;
}

static bool is_tcp(const char *address)
{
        return *address == '[' || (*address >= '0' && *address <= '9');
}

/* Whether all of the drop-in's addresses are among those that systemd has. Of what is not TCP it
 * may have another spelling. */
static bool is_loaded(const char *dropin, const char *listen)
{
        static const char key[] = "ListenStream=";

        for (const char *at = dropin; (at = strstr(at, key));) {
                size_t n;

                at += strlen(key);
                n = strcspn(at, "\n");
                if (n > 0 && is_tcp(at) && !word_is_in(listen, at, n))
                        return false;
        }
        return true;
}

static const struct item *dropin_of(const struct desired *d, const char *socket)
{
        for (size_t k = 0; k < d->n; k++)
                if ((d->items[k].flags & ITEM_TCP_SOCKET) && strstr(d->items[k].path, socket))
                        return &d->items[k];
        return NULL;
}

/* Whether systemd has another drop-in of ours than there is on disk. */
static bool has_other_dropin(const struct desired *d, const struct tcp_unit *t, const char *socket)
{
        const struct item *i = dropin_of(d, socket);

        if (!i || !t->active)
                return false;
        return i->wanted ? t->listen[0] && !is_loaded(i->content, t->listen) : t->dropin;
}

/* Where closing is wanted addresses are no matter: what is confined by chance shall not open. */
static const struct item *addresses_of(const struct desired *d, bool wanted)
{
        return plan_item_of(d, ITEM_SSHD | ITEM_TCP_SOCKET, wanted, NULL);
}

/* What the administrator has not reloaded yet is his affair; what is confined still was so by us.
 */
static bool service_is_stale(const struct desired *d, const struct observed *observed,
                             const struct facts *f, const struct tcp_unit *t)
{
        if (addresses_of(d, true))
                return t->stale != STALE_NOT || missed(d, observed, f, t);
        return t->stale == STALE_CONFINED;
}

/* The port of the list's next TCP address; 0: there is none. */
static unsigned next_port(const char **at)
{
        unsigned port;
        char host[64];

        for (struct word w; word_next(at, ' ', &w);)
                if (is_tcp(w.text) && listen_split(w.text, w.len, host, sizeof(host), &port) &&
                    port != 0)
                        return port;
        return 0;
}

static bool has_port(const struct unit_streams *s, unsigned port)
{
        for (size_t i = 0; i < s->n_ports; i++)
                if (s->ports[i] == port)
                        return true;
        return false;
}

/* Whether its files name other ports than systemd has. What a generator makes of sshd's Port is
 * made anew in the reload itself: until then systemd calls its files as read. So it does where the
 * directory of a drop-in is new (unit_need_daemon_reload() goes by what it has cached of them). */
static bool has_other_ports(const struct tcp_unit *t)
{
        struct unit_streams loaded = { 0 };
        unsigned port;

        if (t->dropin || t->streams.n_ports == 0)
                return false; /* ours has all addresses; or they are not known */
        for (const char *at = t->listen; (port = next_port(&at));) {
                if (!has_port(&t->streams, port))
                        return true;
                if (!has_port(&loaded, port))
                        loaded.ports[loaded.n_ports++] = (uint16_t)port;
        }
        return loaded.n_ports > 0 && loaded.n_ports != t->streams.n_ports;
}

/* Whoever has systemd read a changed address has its socket closed by that. */
static bool loses_socket(const struct tcp_unit *t)
{
        return t->active && (t->needs_reload || has_other_ports(t));
}

static bool reloads(const struct plan *p, enum phase phase)
{
        return PLAN_FIRST(p, .phases = BIT(phase), .kinds = BIT(OP_RELOAD));
}

bool plan_tcp_unread(const struct facts *f)
{
        for (size_t k = 0; k < N_TCP_PAIRS; k++)
                if (loses_socket(&f->tcp[distro_tcp_pairs[k].socket]))
                        return true;
        return false;
}

/* To stop or mask that one, as any other unit on TCP, is to take the way in that is to be left. */
int plan_own_tcp(struct plan *p, const struct desired *d, const struct facts *f)
{
        const bool closes = plan_item_of(d, ITEM_MASK, true, NULL);
        const char *then = f->live ? "then \"systemctl daemon-reload && sshd-vsock apply\""
                                   : "and run this again";
        int r = 0;

        for (size_t k = 0; r == 0 && closes && k < f->own_tcp.n; k++)
                r = plan_add_obstacle(p, f->own_tcp.list[k], BLOCKS_CLOSE,
                                      "has " UNIT_SOCKET " listen on TCP, too; fix: take the TCP "
                                      "addresses out of it, %s",
                                      then);
        return r;
}

/* What those of a pair need that run. A socket can only be bound anew while the service that has
 * its descriptors is down; sessions are not touched by that. */
static int plan_pair(struct plan *p, const struct desired *d, const struct observed *observed,
                     const struct facts *f, const struct tcp_pair *pair, enum phase phase)
{
        const enum phase written = phase == PHASE_ACTIVATE ? PHASE_OPEN : phase;
        const struct tcp_unit *service = &f->tcp[pair->service], *socket = &f->tcp[pair->socket];
        const char *unit = distro_tcp_units[pair->service], *name = distro_tcp_units[pair->socket];
        const bool moves = plan_changes(p, written, ITEM_TCP_SOCKET);
        /* what an earlier run began */
        const bool finish = addresses_of(d, false) &&
                            phase == (addresses_of(d, true) ? PHASE_CLOSE : PHASE_ACTIVATE);
        const bool unread = finish && !moves && has_other_dropin(d, socket, name);
        const bool loses = phase == PHASE_ACTIVATE && reloads(p, phase) && loses_socket(socket);
        const bool rebind =
                socket->active && (moves || unread || loses || (finish && socket->unbound));
        const bool refresh =
                plan_changes(p, written, ITEM_SSHD) ||
                (finish && !socket->active && service_is_stale(d, observed, f, service));
        int r = 0;

        if (unread && !reloads(p, phase))
                r = plan_unit(p, OP_RELOAD, phase, "daemon-reload");
        if (r == 0 && service->active && (rebind || refresh))
                r = plan_unit(p, rebind ? OP_STOP : OP_REFRESH, phase, unit);
        return r == 0 && rebind ? plan_unit(p, OP_RESTART, phase, name) : r;
}

int plan_tcp(struct plan *p, const struct desired *d, const struct observed *observed,
             const struct facts *f, enum phase phase)
{
        int r = 0;

        for (size_t k = 0; r == 0 && k < N_TCP_PAIRS; k++)
                r = plan_pair(p, d, observed, f, &distro_tcp_pairs[k], phase);
        return r;
}
