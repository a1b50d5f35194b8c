/* SPDX-License-Identifier: MIT
 *
 * handover.c: see handover.h. What listened on the port before is a way in that worked: whoever
 * takes it away has a better one, or puts it back.
 */
#include "cli/handover.h"

#include "cli/rebind.h"
#include "core/format/proc-text.h"
#include "core/plan/takeover.h"
#include "host/check/diagnose.h"

#include <string.h>

static bool is_touched(const struct run *r, const struct rival *v)
{
        return v->kind != RIVAL_ASIDE && plan_touches(&r->plan, v->name);
}

/* Whatever state it is in: a reload may have closed what it still calls listening. */
static int listen_again(struct run *r, const struct rival *v, struct error *error)
{
        return rebind_socket(r->systemd, v->name, error);
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

static bool any_touched(const struct run *r)
{
        for (size_t i = 0; i < r->facts.n_rivals; i++)
                if (is_touched(r, &r->facts.rivals[i]))
                        return true;
        return false;
}

/* Each step goes on after a failure of the one before. TCP that this run has opened stays: it locks
 * nobody out, and the record of a mask that came back would be gone. */
void handover_undo(struct run *r)
{
        struct error stop = { 0 }, undo = { 0 }, reload = { 0 };

        if (!any_touched(r))
                return;
        if (!r->units.socket.active &&
            systemd_job(r->systemd, JOB_STOP, UNIT_SOCKET, JOB_SECONDS, &stop) < 0)
                log_error(&r->log, &stop);
        if (apply_undo_but(&r->root, &r->plan, PHASE_OPEN, ITEM_TCP, &undo) < 0)
                log_error(&r->log, &undo);
        if (systemd_reload(r->systemd, &reload) < 0)
                log_error(&r->log, &reload);
        give_back(r);
}

static bool takes_port(const struct run *r)
{
        for (size_t i = 0; i < r->facts.n_rivals; i++)
                if (is_touched(r, &r->facts.rivals[i]) && r->facts.rivals[i].active)
                        return true;
        return false;
}

static bool is_theirs(const struct observed *o)
{
        return o->type == OBSERVED_FILE && !distro_has_marker(o->data, o->len);
}

bool handover_takes_place(const struct run *r)
{
        for (size_t k = 0; r->units.socket.active && k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                if (op->item && (op->item->flags & ITEM_HANDMADE) && is_theirs(op->before))
                        return true;
        }
        return takes_port(r);
}

bool handover_has_replaced(const struct run *r)
{
        const unsigned listener = ITEM_SOCKET | ITEM_HANDMADE;

        for (size_t k = 0; r->units.socket.active && k < r->plan.n; k++)
                if (r->plan.ops[k].changed && (r->plan.ops[k].item->flags & listener))
                        return true;
        return takes_port(r);
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
        bool kept = false;

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

void handover_keep(struct run *r)
{
        struct error error = { 0 };

        if (!any_touched(r))
                return;
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
        if (done_or_said(r, systemd_job(r->systemd, JOB_START, UNIT_SOCKET, JOB_SECONDS, &error),
                         &error) == 0)
                log_line(&r->log, LOG_LEVEL_WARN, "rolled back: %s restored", UNIT_SOCKET);
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

bool handover_answers(struct run *r)
{
        for (size_t i = 0; i < r->facts.n_rivals; i++) {
                const struct rival *v = &r->facts.rivals[i];
                struct unit_state s = { 0 };
                struct error error = { 0 };
                const char *at = NULL;
                struct verdict verdict;
                AUTO_WAITING waiting;

                if (comes_back(r, v) && systemd_unit(r->systemd, v->name, &s, &error) == 0)
                        at = strstr(s.listen, "vsock:");
                if (!at)
                        continue;
                waiting_begin(&r->log, &waiting, "an answer of %s on vsock, for at most %u s",
                              v->name, CONFIG_TIMEOUT_DEFAULT);
                at = memrchr(at, ':', strcspn(at, " "));
                diagnose_listener(r->systemd, v->name, (uint32_t)strtoul(at + 1, NULL, 10),
                                  CONFIG_TIMEOUT_DEFAULT, &verdict);
                if (verdict.cause == CAUSE_NONE || verdict.cause == CAUSE_NO_LOOPBACK)
                        return true;
                log_line(&r->log, LOG_LEVEL_WARN, "%s does not answer: %s%s%s", v->name,
                         causes[verdict.cause].what, verdict.detail[0] ? ": " : "", verdict.detail);
        }
        return false;
}
