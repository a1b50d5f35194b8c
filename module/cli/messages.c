/* SPDX-License-Identifier: MIT
 *
 * messages.c: see messages.h. Words only: what was seen is in the run.
 */
#include "cli/messages.h"

#include "core/format/sshd-config.h"
#include "core/plan/causes.h"

void message_cause(const struct run *r, enum log_level level, enum cause cause, const char *detail)
{
        const struct cause_row *row = &causes[cause];
        AUTO_BUF fix = BUF_INIT;

        run_add_fix(r, cause == r->verdict.cause ? run_verdict_fix(r) : row->fix, &fix);
        log_line(&r->log, level, "%s%s%s%s; fix: %s", row->what, detail[0] ? " (" : "", detail,
                 detail[0] ? ")" : "", buf_str(&fix));
}

static int message_unverifiable(const struct run *r)
{
        const struct verdict *v = &r->verdict;

        log_event(&r->log, LOG_EVENT_FAILED, LOG_LEVEL_WARN, causes[CAUSE_NO_LOOPBACK].id,
                  "vsock port %u cannot be verified", r->config.port);
        message_cause(r, LOG_LEVEL_WARN, CAUSE_NO_LOOPBACK, v->detail);
        log_line(&r->log, LOG_LEVEL_WARN, "seen instead: %s is %s; sshd -i on a socket pair %s%s",
                 r->listener, run_is_listening(r) ? "listening" : "not listening",
                 v->sshd_answers ? "answers as " : "does not answer", v->ident);
        return EXIT_UNVERIFIABLE;
}

int message_verdict(const struct run *r)
{
        const struct verdict *v = &r->verdict;

        if (v->cause == CAUSE_NONE) {
                log_event(&r->log, LOG_EVENT_VERIFIED, LOG_LEVEL_STEP, NULL,
                          "verified: %s answers on vsock port %u and starts the key exchange",
                          v->ident, r->config.port);
                return EXIT_DONE;
        }
        if (r->unverifiable)
                return message_unverifiable(r);
        log_event(&r->log, LOG_EVENT_FAILED, LOG_LEVEL_ERROR, causes[v->cause].id,
                  "no SSH server answers on vsock port %u", r->config.port);
        message_cause(r, LOG_LEVEL_ERROR, v->cause, v->detail);
        return EXIT_CLOSED_NOTHING;
}

bool message_host_transport(const struct run *r, enum log_level otherwise)
{
        if (!r->host_transport.reachable) {
                log_line(&r->log, otherwise, "%s (%s); fix: %s", causes[CAUSE_NO_WAY_TO_HOST].what,
                         r->host_transport.reason, r->host_transport.fix);
                return false;
        }
        if (r->host_transport.assumed)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "that a host can connect is taken from \"host_transport: assume\" and was "
                         "not verified: %s",
                         r->host_transport.reason);
        if (r->host_transport.cid)
                log_line(&r->log, LOG_LEVEL_DETAIL, "the host reaches this machine as CID %u",
                         r->host_transport.cid);
        return true;
}

static void message_strays_of(const struct run *r, const struct op *op)
{
        AUTO(sshd_config_free) struct sshd_config c = { 0 };

        if (sshd_config_scan(op->before->data, op->before->len, &c) < 0)
                return;
        for (size_t i = 0; i < c.n; i++)
                if (c.items[i].kind == SSHD_CONFIG_LISTEN_ADDRESS && !c.items[i].ours)
                        log_line(&r->log, LOG_LEVEL_WARN,
                                 "%s:%u: \"ListenAddress %s\" would add to listen_address: it is "
                                 "commented out",
                                 op->name, c.items[i].line, c.items[i].argument);
}

void message_strays(const struct run *r)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].item && r->plan.ops[k].item->kind == ITEM_SSHD_CONFIG &&
                    r->plan.ops[k].phase == PHASE_CLOSE)
                        message_strays_of(r, &r->plan.ops[k]);
}
