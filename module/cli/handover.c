/* SPDX-License-Identifier: MIT
 *
 * handover.c: see handover.h. What listened on the port before is a way in that worked: whoever
 * takes it away has a better one, or puts it back.
 */
#include "cli/handover.h"

#include "cli/other-access.h"
#include "core/format/proc-text.h"
#include "core/plan/takeover.h"
#include "host/check/diagnose.h"

#include <string.h>

static bool is_touched(const struct run *r, const struct rival *v)
{
        return v->kind != RIVAL_ASIDE && plan_touches(&r->plan, v->name);
}

/* A restart, whatever state it is in: a reload may have closed what it still calls listening. A
 * socket can only be bound anew while the service that has its descriptors is down. */
static int listen_again(struct run *r, const struct rival *v, struct error *error)
{
        int rc = 0;

        if (v->serves)
                rc = systemd_job(r->systemd, JOB_STOP, v->service, JOB_SECONDS, error);
        return rc < 0 ? rc : systemd_job(r->systemd, JOB_RESTART, v->name, JOB_SECONDS, error);
}

/* Every unit that listened before. Goes on after a failure. */
static void give_back(struct run *r)
{
        for (size_t i = 0; i < r->facts.n_rivals; i++) {
                const struct rival *v = &r->facts.rivals[i];
                struct error error = { 0 };

                if (!is_touched(r, v) || !v->active)
                        continue;
                if (listen_again(r, v, &error) < 0)
                        log_error(&r->log, &error);
                else
                        log_line(&r->log, LOG_LEVEL_WARN, "rolled back: %s listens on vsock again",
                                 v->name);
        }
}

bool handover_is_due(const struct run *r, const char *unit)
{
        for (size_t i = 0; i < r->facts.n_rivals; i++)
                if (is_touched(r, &r->facts.rivals[i]) &&
                    (!unit || strcmp(r->facts.rivals[i].name, unit) == 0))
                        return true;
        return false;
}

/* Each step goes on after a failure of the one before. */
void handover_undo(struct run *r)
{
        struct error stop = { 0 }, undo = { 0 }, reload = { 0 };

        if (!handover_is_due(r, NULL))
                return;
        if (!r->units.socket.active &&
            systemd_job(r->systemd, JOB_STOP, UNIT_SOCKET, JOB_SECONDS, &stop) < 0)
                log_error(&r->log, &stop);
        if (apply_undo(&r->root, &r->plan, PHASE_OPEN, 0, &undo) < 0)
                log_error(&r->log, &undo);
        if (systemd_reload(r->systemd, &reload) < 0)
                log_error(&r->log, &reload);
        give_back(r);
}

bool handover_has_replaced(const struct run *r)
{
        const unsigned listener = ITEM_SOCKET | ITEM_HANDMADE;
        bool served = false;

        for (size_t i = 0; i < r->facts.n_rivals; i++)
                served =
                        served || (is_touched(r, &r->facts.rivals[i]) && r->facts.rivals[i].active);
        for (size_t k = 0; k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                if (op->changed && (op->item->flags & listener))
                        served = served || r->units.socket.active;
        }
        return served;
}

void handover_undo_files(struct run *r)
{
        struct error error = { 0 };

        if (apply_undo(&r->root, &r->plan, PHASE_OPEN, ITEM_RIVAL | ITEM_RECORD, &error) < 0)
                log_error(&r->log, &error);
}

/* What failed is said, and the rest is done all the same. */
static int done_or_said(struct run *r, int rc, struct error *error)
{
        if (rc < 0)
                log_error(&r->log, error);
        *error = (struct error){ 0 };
        return rc;
}

/* What stopped starts; what got another file may have another address. Its keys are in /run. */
static void bring_back(struct run *r, bool changed)
{
        const enum job job = changed ? JOB_RESTART : JOB_START;
        struct error error = { 0 };

        if (r->units.credential.active)
                (void)done_or_said(
                        r, systemd_job(r->systemd, JOB_START, UNIT_CREDENTIAL, JOB_SECONDS, &error),
                        &error);
        if (done_or_said(r, systemd_job(r->systemd, job, UNIT_SOCKET, JOB_SECONDS, &error),
                         &error) == 0)
                log_line(&r->log, LOG_LEVEL_WARN, "rolled back: %s restored", UNIT_SOCKET);
}

static bool has_changed(const struct run *r, unsigned flag)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].changed && (r->plan.ops[k].item->flags & flag))
                        return true;
        return false;
}

void handover_keep(struct run *r)
{
        const bool changed = has_changed(r, ITEM_SOCKET);
        struct error error = { 0 };

        for (size_t i = 0; i < r->facts.n_rivals; i++)
                if (r->facts.rivals[i].kind == RIVAL_WHOLE && is_touched(r, &r->facts.rivals[i]))
                        (void)done_or_said(r,
                                           systemd_job(r->systemd, JOB_STOP,
                                                       r->facts.rivals[i].name, JOB_SECONDS,
                                                       &error),
                                           &error);
        (void)done_or_said(r, apply_undo(&r->root, &r->plan, PHASE_CLOSE, 0, &error), &error);
        (void)done_or_said(r, systemd_reload(r->systemd, &error), &error);
        for (size_t i = 0; i < r->facts.n_rivals; i++)
                if (r->facts.rivals[i].kind == RIVAL_STREAM && is_touched(r, &r->facts.rivals[i]) &&
                    r->facts.rivals[i].active)
                        (void)done_or_said(r, listen_again(r, &r->facts.rivals[i], &error), &error);
        bring_back(r, changed);
}

/* sshd's own service, which its socket unit starts where drop-ins have turned that to vsock; any
 * other one's command is systemd's to know. */
static bool serves_as_one(const struct run *r, const char *service)
{
        struct service_command c = { 0 };
        struct error error = { 0 };
        bool sshd;

        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (strcmp(distro_tcp_units[i], service) == 0)
                        return facts_has_unit(&r->facts.tcp[i]);
        if (!r->systemd || systemd_service_command(r->systemd, service, &c, &error) < 0)
                return false;
        sshd = program_is_sshd(c.argv.list[0]);
        service_command_free(&c);
        return sshd;
}

/* Its template may be gone by now, and with --takeover it need not have been sshd's. */
static bool comes_back(const struct run *r, const struct rival *v)
{
        if (v->kind != RIVAL_WHOLE || !v->enabled || r->desired.port != 0)
                return false;
        return v->accepts ? takeover_starts_sshd(buf_str(&v->instance), v->instance.len)
                          : serves_as_one(r, v->service);
}

bool handover_gives_back(const struct run *r)
{
        for (size_t i = 0; i < r->facts.n_rivals; i++)
                if (comes_back(r, &r->facts.rivals[i]))
                        return true;
        return false;
}

/* No, with the cause, or whether it does, or that cannot be told here. */
static bool answers(struct run *r, const char *unit)
{
        struct unit_state s = { 0 };
        struct error error = { 0 };
        const char *at = NULL;
        struct verdict verdict;
        AUTO_WAITING waiting;

        if (systemd_unit(r->systemd, unit, &s, &error) == 0)
                at = strstr(s.listen, "vsock:");
        if (!at)
                return false;
        waiting_begin(&r->log, &waiting, "an answer of %s on vsock, for at most %u s", unit,
                      CONFIG_TIMEOUT_DEFAULT);
        at = memrchr(at, ':', strcspn(at, " "));
        diagnose_listener(r->systemd, unit, (uint32_t)strtoul(at + 1, NULL, 10),
                          CONFIG_TIMEOUT_DEFAULT, &verdict);
        if (verdict.cause == CAUSE_NONE || verdict.cause == CAUSE_NO_LOOPBACK)
                return true;
        log_line(&r->log, LOG_LEVEL_WARN, "%s does not answer: %s%s%s", unit,
                 causes[verdict.cause].what, verdict.detail[0] ? ": " : "", verdict.detail);
        return false;
}

bool handover_answers(struct run *r)
{
        for (size_t i = 0; i < r->facts.n_rivals; i++)
                if (comes_back(r, &r->facts.rivals[i]) && answers(r, r->facts.rivals[i].name))
                        return true;
        return other_access_gives_socket_back(r) && answers(r, UNIT_SOCKET);
}
