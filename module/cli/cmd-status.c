/* SPDX-License-Identifier: MIT
 *
 * cmd-status.c: `status` looks at all there is to see: the vsock listener, its verification, TCP,
 * the hosts entry, hushlogin, and what drifted from the configuration. Writes nothing
 * that lasts.
 */
#include "cli/status-text.h"

#include "cli/checks.h"
#include "cli/drop-ins.h"
#include "cli/tcp-reality.h"
#include "core/plan/sshd-listen.h"
#include "host/sshd-query.h"

static void look_at_listener(struct run *r)
{
        run_find_verdict(r, &r->verdict);
        r->verified = true;
        run_find_host_transport(r);
        if (!r->facts.anybody && r->verdict.cause == CAUSE_NONE &&
            r->config.require != REQUIRE_UNCHECKED && run_find_logins(r, &r->who.error) < 0)
                r->who.known = false;
}

static void look_at_tcp(struct run *r)
{
        AUTO_BUF effective = BUF_INIT;
        struct error error = { 0 };

        if (r->facts.anybody)
                return;
        if (r->facts.sshd && sshd_effective_untouched(r->facts.sshd, &r->facts.sshd_options,
                                                      &effective, &error) == 0)
                listen_addresses(buf_str(&effective), &r->tcp.configured);
        else
                buf_adds(&r->tcp.configured, error.text);
        tcp_look(r);
        tcp_find_drift(r);
}

/* Nobody gets in over vsock any more, and TCP is closed: as for `verify`. */
static bool shuts_out(struct run *r)
{
        return r->who.known && !r->who.enough &&
               (r->config.disable_tcp || r->config.n_listen > 0) && !tcp_leads_in_confined(r);
}

int cmd_status(struct run *r)
{
        int status = run_begin(r, false);

        r->as_it_is = true;
        r->quietly = true;
        r->homes = HOMES_ASKED;
        if (status == EXIT_DONE)
                status = run_compare(r);
        if (status != EXIT_DONE)
                return status;

        if (r->root.image && run_report_program(r) < 0)
                return run_fail(r);
        if (r->systemd)
                look_at_listener(r);
        if (drop_ins_find(r) < 0)
                return run_fail(r);
        if (r->systemd)
                look_at_tcp(r);
        run_find_hosts(r);
        status_drift(r, &r->drift.lines);
        r->drift.known = true;
        status_text(r, &r->text);
        run_report_hidden(r);
        if ((r->config_differs && !r->options.config) || run_has_changes(r) ||
            status_lacks_hushlogin(r) || r->plan.n_conflicts > 0 || r->tcp.drift.len > 0)
                return EXIT_CHANGES;
        if (shuts_out(r))
                return EXIT_CLOSED_NOTHING;
        return !r->verified || r->verdict.cause == CAUSE_NONE ||
                               r->verdict.cause == CAUSE_NO_LOOPBACK
                       ? EXIT_DONE
                       : EXIT_CLOSED_NOTHING;
}
