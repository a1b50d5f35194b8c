/* SPDX-License-Identifier: MIT
 *
 * handover.c: see handover.h. What listened on the port before is a way in that worked: whoever
 * takes it away has a better one, or puts it back.
 */
#include "cli/handover.h"

#include "cli/other-access.h"
#include "core/format/proc-text.h"
#include "core/plan/takeover.h"
#include "host/apply-units.h"
#include "host/check/diagnose.h"

#include <string.h>

static bool is_touched(const struct run *r, const struct rival *v)
{
        return v->kind != RIVAL_ASIDE && plan_touches(&r->plan, v->name);
}

/* Whatever state it is in: a reload may have closed what it still calls listening. */
static int listen_again(struct run *r, const struct rival *v)
{
        struct error error = { 0 };

        return run_said(r, apply_rebind(r->systemd, v->name, &error), &error);
}

/* Every unit that listened before. Goes on after a failure. */
static void give_back(struct run *r)
{
        for (size_t i = 0; i < r->facts.n_rivals; i++) {
                const struct rival *v = &r->facts.rivals[i];

                if (is_touched(r, v) && v->active && listen_again(r, v) == 0)
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

/* Each step goes on after a failure of the one before. TCP that this run has opened stays: it locks
 * nobody out, and the record of a mask that came back would be gone. */
void handover_undo(struct run *r)
{
        struct error error = { 0 };

        if (!handover_is_due(r, NULL))
                return;
        if (!r->units.socket.active)
                (void)run_job(r, JOB_STOP, UNIT_SOCKET);
        (void)run_said(r, apply_undo_but(&r->root, &r->plan, PHASE_OPEN, ITEM_TCP, &error), &error);
        (void)run_said(r, systemd_reload(r->systemd, &error), &error);
        give_back(r);
}

static bool takes_port(const struct run *r, bool booting)
{
        for (size_t i = 0; i < r->facts.n_rivals; i++) {
                const struct rival *v = &r->facts.rivals[i];

                if (is_touched(r, v) && (v->active || (booting && v->enabled)))
                        return true;
        }
        return false;
}

static bool is_theirs(const struct observed *o)
{
        return o->type == OBSERVED_FILE && !distro_has_marker(o->data, o->len);
}

/* Whether it hides a unit of its name in another directory: what systemd has of the socket, or what
 * generators made of it, or a template. */
static bool hides_theirs(const struct run *r, const struct op *op, bool booting)
{
        const struct facts *f = &r->facts;
        const char *fragment = r->units.socket.fragment;

        if (op->before->type != OBSERVED_NONE && op->before->type != OBSERVED_NO_DIRECTORY)
                return false;
        if (!(op->item->flags & ITEM_SOCKET) && f->covered_template.text)
                return true;
        if (!fragment[0] || strcmp(fragment, SYSTEM_UNIT_DIR "/" UNIT_SOCKET) == 0)
                return false;
        return !booting || !f->covered_socket.text || f->covered_enabled;
}

bool handover_takes_place(const struct run *r, bool booting)
{
        const struct op_query q = { .flags = ITEM_HANDMADE };

        for (const struct op *op = NULL;
             (r->units.socket.active || booting) && (op = plan_find(&r->plan, op, &q));)
                if (is_theirs(op->before) || hides_theirs(r, op, booting))
                        return true;
        return takes_port(r, booting);
}

bool handover_has_replaced(const struct run *r)
{
        return (r->units.socket.active &&
                PLAN_FIRST(&r->plan, .changed = true, .flags = ITEM_SOCKET | ITEM_HANDMADE)) ||
               takes_port(r, false);
}

/* Closing TCP was such a look. */
static bool has_closed_tcp(const struct facts *f)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (f->tcp[i].ours && !rivals_mask(f, distro_tcp_units[i]))
                        return true;
        return false;
}

static bool is_kept(const struct rival *v)
{
        for (size_t i = 0; i < v->n_files; i++)
                if (v->files[i].saved)
                        return true;
        return v->recorded && v->masked;
}

bool handover_had_replaced(const struct run *r)
{
        bool kept = r->facts.covered_socket.text && r->facts.covered_enabled;

        for (size_t k = 0; k < r->desired.n; k++)
                kept = kept || (r->desired.items[k].kind == ITEM_SAVED &&
                                r->observed[k].type == OBSERVED_FILE);
        for (size_t i = 0; i < r->facts.n_rivals; i++)
                kept = kept || is_kept(&r->facts.rivals[i]);
        return kept && !has_closed_tcp(&r->facts);
}

void handover_undo_files(struct run *r)
{
        struct error error = { 0 };

        (void)run_said(r,
                       apply_undo(&r->root, &r->plan, PHASE_OPEN, ITEM_RIVAL | ITEM_RECORD, &error),
                       &error);
}

/* What stopped starts, with what it wants; what got another file may have another address. */
static void bring_back(struct run *r, bool changed)
{
        const enum job job = changed ? JOB_RESTART : JOB_START;

        if (run_job(r, job, UNIT_SOCKET) == 0)
                log_line(&r->log, LOG_LEVEL_WARN, "rolled back: %s restored", UNIT_SOCKET);
}

void handover_keep(struct run *r)
{
        const bool changed = PLAN_FIRST(&r->plan, .changed = true, .flags = ITEM_SOCKET);
        struct error error = { 0 };

        if (changed)
                (void)run_said(r, apply_release(r->systemd, UNIT_SOCKET, &error), &error);
        for (size_t i = 0; i < r->facts.n_rivals; i++)
                if (r->facts.rivals[i].kind == RIVAL_WHOLE && is_touched(r, &r->facts.rivals[i]))
                        (void)run_said(r,
                                       apply_release(r->systemd, r->facts.rivals[i].name, &error),
                                       &error);
        (void)run_said(r, apply_undo(&r->root, &r->plan, PHASE_CLOSE, 0, &error), &error);
        (void)run_said(r, systemd_reload(r->systemd, &error), &error);
        for (size_t i = 0; i < r->facts.n_rivals; i++)
                if (r->facts.rivals[i].kind == RIVAL_STREAM && is_touched(r, &r->facts.rivals[i]) &&
                    r->facts.rivals[i].active)
                        (void)listen_again(r, &r->facts.rivals[i]);
        bring_back(r, changed);
}

/* sshd's own service, which its socket unit starts where drop-ins have turned that to vsock; any
 * other one's command is systemd's to know. */
static bool serves_as_one(const struct run *r, const char *service)
{
        struct service_command c = { 0 };
        const size_t at = distro_tcp_unit(service);
        bool sshd;

        if (at < N_TCP_UNITS)
                return facts_has_unit(&r->facts.tcp[at]);
        if (!r->systemd || systemd_service_command(r->systemd, service, &c, NULL) < 0)
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
        const char *at = NULL;
        struct verdict verdict;
        AUTO_WAITING waiting = WAITING_INIT;

        if (systemd_unit(r->systemd, unit, &s, NULL) == 0)
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
