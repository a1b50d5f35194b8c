/* SPDX-License-Identifier: MIT
 *
 * transaction.c: see transaction.h. Glue between the plan and the user's eyes; decides nothing.
 */
#include "cli/transaction.h"

#include "cli/rebind.h"

#include <errno.h>
#include <unistd.h>

static void tell_begin(void *userdata, const struct op *op)
{
        struct run *r = userdata;
        AUTO_BUF text = BUF_INIT;

        waiting_end(&r->waiting); /* of one that failed, and was told to nobody yet */
        op_describe(op, &text);
        waiting_begin(&r->log, &r->waiting, "%s", buf_str(&text));
}

static void tell_done(void *userdata, const struct op *op)
{
        struct run *r = userdata;
        AUTO_BUF text = BUF_INIT;

        waiting_end(&r->waiting);
        op_describe(op, &text);
        log_line(&r->log, LOG_LEVEL_STEP, "%s", buf_str(&text));
}

static void tell_skipped(void *userdata, const struct op *op, const struct error *error)
{
        struct run *r = userdata;

        waiting_end(&r->waiting);
        run_say_error(r, LOG_LEVEL_WARN, error);
        if (op->item && item_is_extra(op->item))
                buf_addf(&r->left, "%s%s%s", r->left.len ? ", " : "", r->root.path, op->name);
}

int transaction_run(struct run *r, enum phase phase)
{
        const struct apply_report report = { tell_begin, tell_done, tell_skipped, r };
        const unsigned reload = BIT(OP_RELOAD);
        struct error error = { 0 };
        bool reloaded;
        int rc, lost;

        if (r->systemd && PLAN_FIRST(&r->plan, .kinds = reload) &&
            !PLAN_FIRST(&r->plan, .kinds = reload, .tried = true))
                rebind_note(r);
        rc = apply_phase(&r->root, r->systemd, &r->plan, phase, &report, &r->error);
        waiting_end(&r->waiting);
        reloaded = PLAN_FIRST(&r->plan, .phases = BIT(phase), .kinds = reload, .tried = true);
        lost = reloaded ? rebind_lost(r, &error) : 0;
        if (lost < 0 && rc < 0)
                run_say_error(r, LOG_LEVEL_ERROR, &error);
        else if (lost < 0)
                r->error = error;
        return rc < 0 ? rc : lost;
}

void transaction_run_extras(struct run *r)
{
        struct error error = { 0 };
        const struct apply_report report = { tell_begin, tell_done, tell_skipped, r };

        if (apply_phase(&r->root, r->systemd, &r->plan, PHASE_EXTRAS, &report, &error) < 0)
                log_line(&r->log, LOG_LEVEL_WARN, "%s", error.text);
        waiting_end(&r->waiting);
}

static int lock(struct run *r)
{
        int rc = lock_try(&r->root, &r->lock);
        char holder[96];

        if (rc == -EWOULDBLOCK) {
                lock_holder(&r->lock, holder, sizeof(holder));
                log_line(&r->log, LOG_LEVEL_STEP, "waiting for another run of sshd-vsock: %s",
                         holder);
                rc = lock_wait(&r->root, LOCK_SECONDS, &r->lock);
        }
        if (rc == -ETIMEDOUT) {
                lock_holder(&r->lock, holder, sizeof(holder));
                error_fix(&r->error,
                          "see what it does, and end it if it hangs; nothing was touched");
                (void)error_say(&r->error, rc, "%s holds the lock of %s for more than %d s", holder,
                                r->root.image ? r->options.root : LOCK_PATH, LOCK_SECONDS);
                return run_fail(r);
        }
        if (rc < 0) {
                (void)error_set(&r->error, rc, "cannot lock %s%s",
                                r->root.image ? "the root directory " : LOCK_PATH,
                                r->root.image ? r->options.root : "");
                return run_fail(r);
        }
        return EXIT_DONE;
}

/* With a unit of the vsock listener masked, and nothing else in the way, this is a vsock listener
 * that does not answer.
 */
static int judge_conflicts(const struct run *r)
{
        for (size_t i = 0; i < r->plan.n_conflicts; i++)
                if (r->plan.conflicts[i].blocks == BLOCKS_LISTENER &&
                    (!r->plan.conflicts[i].masked || r->root.image))
                        return EXIT_WORLD;
        return EXIT_CLOSED_NOTHING;
}

/* What is in the way of closing is said when its turn comes: the vsock listener opens all the same.
 */
static int check_conflicts(struct run *r)
{
        if (plan_blocked(&r->plan) == BLOCKS_LISTENER)
                return run_report_conflicts(r) == EXIT_DONE ? EXIT_DONE : judge_conflicts(r);
        run_say_conflicts(r, BLOCKS_NOTHING);
        return EXIT_DONE;
}

/* The run of a boot that waited while `remove` was at work: its unit runs on without a file.
 * Whoever ran `apply` by hand wants it. */
static int look_for_unit(struct run *r)
{
        struct unit_state s = { 0 };
        int rc = 0;

        if (r->root.image || rootfs_exists(&r->root, SYSTEM_UNIT_DIR "/" UNIT_PROVISION) != -ENOENT)
                return EXIT_DONE;
        if (!r->systemd)
                rc = systemd_open(&r->systemd, &r->error);
        if (rc == 0)
                rc = systemd_loaded_unit(r->systemd, UNIT_PROVISION, &s, &r->error);
        if (rc < 0)
                return run_fail(r);
        r->removed = s.main_pid == (uint32_t)getpid();
        if (r->removed)
                log_line(&r->log, LOG_LEVEL_STEP,
                         "nothing to do: sshd-vsock was removed while this run waited");
        return EXIT_DONE;
}

int transaction_prepare(struct run *r, bool remove)
{
        int status = run_begin(r, true), rc;

        if (status == EXIT_DONE)
                status = lock(r);
        if (status == EXIT_DONE && !remove)
                status = look_for_unit(r);
        if (r->removed)
                return status;
        /* under the lock: whoever changes it while this run waits has the last word */
        if (status == EXIT_DONE && !remove)
                status = run_read_config(r);
        if (status == EXIT_DONE && !remove)
                run_say_overruled(r);
        if (status == EXIT_DONE)
                status = run_make_plan(r, remove);
        if (status == EXIT_DONE)
                status = check_conflicts(r);
        if (status != EXIT_DONE)
                return status;
        rc = apply_sweep(&r->root, &r->desired, r->observed);
        if (rc < 0) {
                (void)error_set(&r->error, rc, "cannot remove temporary files of an earlier run");
                return run_fail(r);
        }
        return EXIT_DONE;
}
