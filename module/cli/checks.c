/* SPDX-License-Identifier: MIT
 *
 * checks.c: see checks.h. Looks, with run.h and the checks of host/, and has messages.h say it.
 */
#include "cli/checks.h"

#include "cli/messages.h"
#include "core/plan/sshd-listen.h"
#include "core/util/ip-address.h"
#include "host/check/diagnose.h"

/* Where nothing can be connected to, sshd is tried on a socket pair. */
static bool is_unverifiable(struct run *r)
{
        if (!r->systemd || r->verdict.cause != CAUSE_NO_LOOPBACK ||
            systemd_unit(r->systemd, r->listener, &r->listener_state, &r->error) < 0)
                return false;
        if (r->facts.sshd)
                verify_sshd(r->facts.sshd, r->config.verify_timeout, &r->verdict);
        return true;
}

int check_verdict(struct run *r)
{
        r->verified = true;
        r->unverifiable = is_unverifiable(r);
        if (r->verdict.cause != CAUSE_NONE && !r->unverifiable)
                diagnose(r->systemd, &r->verdict);
        return message_verdict(r);
}

int check_listener(struct run *r)
{
        run_find_verdict(r, &r->verdict);
        return check_verdict(r);
}

bool check_host_transport(struct run *r, enum log_level otherwise)
{
        run_find_host_transport(r);
        return message_host_transport(r, otherwise);
}

bool tcp_leads_in_confined(struct run *r)
{
        if (r->config.disable_tcp || plan_has(&r->plan, PHASE_CLOSE))
                return false;
        if (!r->tcp.known)
                run_find_listeners(r);
        for (size_t i = 0; i < r->config.n_listen; i++)
                for (size_t k = 0; k < r->tcp.listeners.n; k++)
                        if (ip_is_outside(r->config.listen[i].address) &&
                            listen_heard(&r->config.listen[i],
                                         buf_str(&r->tcp.listeners.list[k].addresses)))
                                return true;
        return false;
}

int check_reachable(struct run *r)
{
        const bool closes =
                (r->config.disable_tcp || r->config.n_listen > 0) && !tcp_leads_in_confined(r);

        return check_host_transport(r, closes ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN) || !closes
                       ? EXIT_DONE
                       : EXIT_CLOSED_NOTHING;
}

int check_logins(struct run *r, bool closing)
{
        if (r->config.require != REQUIRE_UNCHECKED && !r->who.known &&
            run_find_logins(r, &r->error) < 0)
                return run_fail(r);
        return message_logins(r, closing);
}
