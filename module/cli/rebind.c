/* SPDX-License-Identifier: MIT
 *
 * rebind.c: see rebind.h. Which of them it will be no plan can tell in advance: generators make
 * files anew in the reload itself (Ubuntu's the addresses of ssh.socket, of sshd_config). Looks at
 * what listens now, and writes nothing.
 */
#include "cli/rebind.h"

#include "host/apply-units.h"
#include "host/survey-tcp.h"

#include <string.h>

static int look_at(struct run *r, const char *socket, struct error *error)
{
        struct unit_state s = { 0 };
        int rc = systemd_loaded_unit(r->systemd, socket, &s, error);

        if (rc < 0 || !s.active || !survey_is_closed(s.listen))
                return rc;
        log_line(&r->log, LOG_LEVEL_WARN,
                 "the daemon-reload gave %s other addresses, on which nothing listens: restarting "
                 "it",
                 socket);
        return apply_rebind(r->systemd, socket, error);
}

/* What nobody listened on before the reload either is for the plan to know. */
static bool is_known(const struct facts *f, const char *socket)
{
        const size_t at = distro_tcp_unit(socket);

        return at < N_TCP_UNITS && (!facts_has_unit(&f->tcp[at]) || f->tcp[at].unbound);
}

void rebind_note(struct run *r)
{
        AUTO(tcp_listeners_free) struct tcp_listeners now = { 0 };
        struct error unsaid = { 0 }; /* a kernel may not tell: nothing is lost by that as yet */
        int rc = tcp_listeners_find(r->systemd, &now, &unsaid);

        argv_free(&r->sockets);
        for (size_t i = 0; rc == 0 && i < now.n; i++)
                if (now.list[i].pid == 1 && !distro_is_tcp_unit(now.list[i].unit))
                        rc = argv_adds(&r->sockets, now.list[i].unit);
}

int rebind_lost(struct run *r, struct error *error)
{
        const char *const tcp[] = { distro_tcp_units[TCP_SSH_SOCKET],
                                    distro_tcp_units[TCP_SSHD_SOCKET] };
        const size_t n = ELEMENTSOF(tcp), m = n + r->facts.n_rivals;
        int first = 0;

        for (size_t k = 0; k < m + r->sockets.n; k++) {
                const char *name = k < n   ? tcp[k]
                                   : k < m ? r->facts.rivals[k - n].name
                                           : r->sockets.list[k - m];
                struct error next = { 0 };

                if (is_known(&r->facts, name))
                        continue;
                if (first == 0)
                        first = look_at(r, name, error);
                else
                        (void)run_said(r, look_at(r, name, &next), &next);
        }
        return first;
}
