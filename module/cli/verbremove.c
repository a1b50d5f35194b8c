/* SPDX-License-Identifier: MIT
 *
 * verbremove.c: takes out what apply put in: first every other door opens again, then ours goes;
 * and it does not go while it is the only one.
 */
#include "cli/steps.h"

#include "cli/wayin.h"
#include "host/clock.h"

#include <string.h>
#include <time.h>

#define OPEN_SECONDS 10 /* until an sshd that was started listens */
#define JOB_SECONDS  90

/* Whether the plan has anything to do with TCP before the door goes: then what comes of it counts.
 */
static bool opens_tcp(const struct run *r)
{
        for (size_t k = 0; k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                if (op->phase == PHASE_CLOSE)
                        continue;
                if (op->item && ((op->item->flags & (ITEM_SSHD | ITEM_TCP_SOCKET)) ||
                                 (op->before->type == OBJECT_LINK &&
                                  strcmp(op->before->data, "/dev/null") == 0)))
                        return true;
                /* what still listens as a run that was killed had it, too */
                if (!op->item && (op->kind == OP_START || op->kind == OP_REFRESH ||
                                  (op->kind == OP_RESTART && strcmp(op->name, UNIT_SOCKET) != 0)))
                        return true;
        }
        return false;
}

/* What is enabled and does not run, because of what was ours until now: it gets another start. A
 * unit that the administrator disabled gets none. */
static void start_enabled(struct run *r)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                const struct tcp_unit *t = &r->facts.tcp[i];
                struct unit_state s;
                struct why why = { 0 };

                if ((!t->vendor && !t->foreign) || !t->enabled ||
                    manager_unit(r->manager, layout_tcp_units[i], &s, &why) < 0 || s.masked ||
                    (s.active && !s.starting))
                        continue;
                if (manager_job(r->manager, JOB_START, layout_tcp_units[i], JOB_SECONDS, &why) < 0)
                        log_why(&r->log, &why);
                else
                        log_line(&r->log, LOG_LEVEL_STEP, "systemctl start %s",
                                 layout_tcp_units[i]);
        }
}

/* Waits for a way in to be there. */
static bool has_opened(struct run *r)
{
        const struct timespec pause = { .tv_nsec = 100000000 };
        uint64_t end = clock_deadline(OPEN_SECONDS);

        if (wayin_is_open(r))
                return true;
        start_enabled(r);
        while (!wayin_is_open(r)) {
                if (clock_now() >= end)
                        return false;
                (void)nanosleep(&pause, NULL);
        }
        return true;
}

static int refuse(struct run *r)
{
        AUTO_BUF fix = BUF_INIT;

        wayin_fix(r, &fix);
        why_fix(&r->why, "%s", buf_str(&fix));
        (void)why_say(&r->why, -1,
                      "%s on TCP where another machine could connect: this door is the only one, "
                      "it stays (--no-verify removes it all the same)",
                      r->root.image ? "the image starts no sshd" : "no sshd listens");
        (void)run_fail(r);
        return EXIT_CLOSED_NOTHING;
}

static bool say_unseen(struct run *r)
{
        AUTO_BUF unseen = BUF_INIT;

        run_add_unseen(r, &unseen);
        if (unseen.len > 0)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "out of reach; what sshd-vsock put there, if anything, stays: %s",
                         buf_str(&unseen));
        return unseen.len > 0;
}

/* What the door did without does not keep it in: the extras that stay are named. */
static void say_removed(struct run *r)
{
        bool unseen = say_unseen(r);

        for (size_t k = 0; k < r->plan.n_conflicts; k++)
                buf_addf(&r->left, "%s%s%s", r->left.len ? ", " : "", r->root.path,
                         r->plan.conflicts[k].path);
        if (r->left.len > 0)
                log_event(&r->log, LOG_EVENT_REMOVED, LOG_LEVEL_WARN, NULL,
                          "the door is out again; what sshd-vsock put into these stays: %s",
                          buf_str(&r->left));
        else
                log_event(&r->log, LOG_EVENT_REMOVED, LOG_LEVEL_STEP, NULL, "%s",
                          unseen ? "all else that sshd-vsock put in is out again"
                                 : "all that sshd-vsock put in is out again");
}

static int take_out(struct run *r, bool guarded)
{
        if (steps_run(r, PHASE_OPEN) < 0 || steps_run(r, PHASE_ACTIVATE) < 0)
                return run_fail(r);
        if (guarded && !r->root.image && !has_opened(r))
                return refuse(r);
        if (steps_run(r, PHASE_CLOSE) < 0)
                return run_fail(r);
        steps_run_extras(r);
        say_removed(r);
        return EXIT_DONE;
}

int verb_remove(struct run *r)
{
        int status = steps_prepare(r, true);
        bool guarded = !r->options.no_verify && plan_has(&r->plan, PHASE_CLOSE), open = true;

        if (status != EXIT_DONE)
                return status;
        if (r->plan.n == 0) {
                say_unseen(r);
                log_line(&r->log, LOG_LEVEL_STEP, "nothing to do");
                return EXIT_DONE;
        }
        if (guarded && r->root.image && wayin_will_open(r, &open) < 0)
                return run_fail(r);
        if (guarded && !r->root.image)
                open = opens_tcp(r) || wayin_is_open(r);
        return open ? take_out(r, guarded) : refuse(r);
}
