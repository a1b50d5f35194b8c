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

/* What TCP units that run need after their configuration changed. A socket can only be bound anew
 * while the service that has its descriptors is down; sessions are not touched by that. */
static int plan_pair(struct plan *p, const struct facts *f, const struct tcp_pair *pair,
                     bool config, bool rebind, enum phase phase)
{
        const char *service = distro_tcp_units[pair->service];
        bool runs = f->tcp[pair->service].active;
        int r = 0;

        if (f->tcp[pair->socket].active && rebind) {
                if (runs)
                        r = plan_unit(p, OP_STOP, phase, service);
                return r == 0 ? plan_unit(p, OP_RESTART, phase, distro_tcp_units[pair->socket]) : r;
        }
        return runs && config ? plan_unit(p, OP_REFRESH, phase, service) : 0;
}

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
        int r = 0;

        for (size_t k = 0; r == 0 && closes && k < f->own_tcp.n; k++)
                r = plan_add_obstacle(p, f->own_tcp.list[k], BLOCKS_CLOSE,
                                      "has " UNIT_SOCKET " listen on TCP, too; fix: take the TCP "
                                      "addresses out of it, %s",
                                      f->live ? "then \"systemctl daemon-reload && sshd-vsock "
                                                "apply\""
                                              : "and run this again");
        return r;
}

int plan_tcp(struct plan *p, const struct desired *d, const struct observed *observed,
             const struct facts *f, enum phase phase)
{
        enum phase written = phase == PHASE_ACTIVATE ? PHASE_OPEN : phase;
        bool finish = addresses_of(d, false) &&
                      phase == (addresses_of(d, true) ? PHASE_CLOSE : PHASE_ACTIVATE);
        int r = 0;

        for (size_t k = 0; r == 0 && k < N_TCP_PAIRS; k++) {
                const struct tcp_pair *pair = &distro_tcp_pairs[k];
                const struct tcp_unit *socket = &f->tcp[pair->socket];
                const char *name = distro_tcp_units[pair->socket];
                bool config = plan_changes(p, written, ITEM_SSHD);
                bool rebind = plan_changes(p, written, ITEM_TCP_SOCKET);
                bool other = finish && !rebind && has_other_dropin(d, socket, name);

                if (finish && !config && !socket->active)
                        config = service_is_stale(d, observed, f, &f->tcp[pair->service]);
                rebind = rebind || other || (finish && socket->active && socket->unbound);
                if (phase == PHASE_ACTIVATE && reloads(p, phase) && loses_socket(socket))
                        rebind = true;
                if (other && !reloads(p, phase))
                        r = plan_unit(p, OP_RELOAD, phase, "daemon-reload");
                if (r == 0)
                        r = plan_pair(p, f, pair, config, rebind, phase);
        }
        return r;
}
