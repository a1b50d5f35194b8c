/* SPDX-License-Identifier: MIT
 *
 * verbremove.c: takes out what apply put in: first every other door opens again, then ours goes;
 * and it does not go while it is the only one.
 */
#include "steps.h"

#include <string.h>

/* Whether TCP runs now, or would after the plan's OPEN and ACTIVATE phases. */
static bool tcp_planned(const struct run *r)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++)
                if (r->facts.tcp[i].active)
                        return true;
        for (size_t k = 0; k < r->plan.n; k++)
                for (size_t i = 0; i < N_TCP_UNITS; i++)
                        if (r->plan.ops[k].kind == OP_START &&
                            strcmp(r->plan.ops[k].name, layout_tcp_units[i]) == 0)
                                return true;
        return false;
}

static bool tcp_runs(struct run *r)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                struct unit_state s;

                if (manager_unit(r->manager, layout_tcp_units[i], &s, &r->why) == 0 && s.active)
                        return true;
        }
        return false;
}

/* In an image nothing runs; what counts is what its boot will start. */
static bool tcp_enabled(const struct run *r)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                const struct tcp_unit *t = &r->facts.tcp[i];

                if (t->enabled && (!t->masked || t->ours))
                        return true;
        }
        return false;
}

static int refuse(struct run *r)
{
        why_fix(&r->why, "enable and start ssh.service (or sshd.service) first; --no-verify "
                         "removes the door all the same");
        (void)why_say(&r->why, -1, "no sshd listens on TCP: this door is the only one, it stays");
        (void)run_fail(r);
        return EXIT_CLOSED_NOTHING;
}

int verb_remove(struct run *r)
{
        int status = steps_prepare(r, true);
        bool guarded = !r->options.no_verify && plan_has(&r->plan, PHASE_CLOSE);

        if (status != EXIT_DONE)
                return status;
        if (r->plan.n == 0) {
                log_line(&r->log, LOG_LEVEL_STEP, "nothing to do");
                return EXIT_DONE;
        }
        if (r->root.image && !tcp_enabled(r))
                log_line(&r->log, LOG_LEVEL_WARN, "the image starts no sshd on TCP either");
        if (r->manager && guarded && !tcp_planned(r))
                return refuse(r);
        if (steps_run(r, PHASE_OPEN) < 0 || steps_run(r, PHASE_ACTIVATE) < 0)
                return run_fail(r);
        if (r->manager && guarded && !tcp_runs(r))
                return refuse(r);
        if (steps_run(r, PHASE_CLOSE) < 0)
                return run_fail(r);
        log_event(&r->log, LOG_EVENT_REMOVED, LOG_LEVEL_STEP, NULL,
                  "all that sshd-vsock put in is out again");
        return EXIT_DONE;
}
