/* SPDX-License-Identifier: MIT
 *
 * cmd-remove.c: removes what apply put in: first every other way in opens again, then ours goes;
 * and it does not go while it is the only one.
 */
#include "cli/transaction.h"

#include "cli/handover.h"
#include "cli/other-access.h"
#include "host/clock.h"

#include <errno.h>
#include <string.h>

#define OPEN_SECONDS 10 /* until an sshd that was started listens */

/* Whether the plan has anything to do with TCP before the vsock listener goes: then what comes of
 * it counts.
 */
static bool opens_tcp(const struct run *r)
{
        for (size_t k = 0; k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                if (op->phase == PHASE_CLOSE)
                        continue;
                if (op->item &&
                    ((op->item->flags & (ITEM_SSHD | ITEM_TCP_SOCKET)) ||
                     (op->item->kind == ITEM_LINK && observed_is_mask(op->before, op->name))))
                        return true;
                /* what still listens as a run that was killed had it, too */
                if (!op->item && (op->kind == OP_START || op->kind == OP_REFRESH ||
                                  (op->kind == OP_RESTART && strcmp(op->name, UNIT_SOCKET) != 0)))
                        return true;
        }
        return false;
}

/* Whether the vsock listener goes, and not only what is left of it. */
static bool takes_listener(const struct run *r)
{
        for (size_t k = 0; k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                if (op->phase == PHASE_CLOSE && (!op->item || (op->item->flags & ITEM_UNIT)))
                        return true;
        }
        return false;
}

/* A failure is said. */
static void start(struct run *r, const char *unit)
{
        if (run_job(r, JOB_START, unit) == 0)
                log_line(&r->log, LOG_LEVEL_STEP, "systemctl start %s", unit);
}

/* What is enabled and does not run, because of what was ours until now: it gets another start. A
 * unit that the administrator disabled gets none. */
static void start_enabled(struct run *r)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                const struct tcp_unit *t = &r->facts.tcp[i];
                struct unit_state s;

                if (!facts_has_unit(t) || !t->enabled ||
                    systemd_unit(r->systemd, distro_tcp_units[i], &s, NULL) < 0 || s.masked ||
                    (s.active && !s.starting))
                        continue;
                start(r, distro_tcp_units[i]);
        }
}

/* Waits for a way in to be there. */
static bool has_opened(struct run *r)
{
        uint64_t end = clock_deadline(OPEN_SECONDS);

        if (other_access_is_open(r))
                return true;
        start_enabled(r);
        while (!other_access_is_open(r)) {
                if (clock_now() >= end)
                        return false;
                clock_pause(100);
        }
        return true;
}

static int refuse(struct run *r)
{
        const char *what = "no sshd listens";
        AUTO_BUF fix = BUF_INIT;

        if (r->root.image)
                what = "the image starts no sshd";
        else if (other_access_lacks_network(r))
                what = "for want of a network card's address no sshd listens";
        else if (other_access_ends(r))
                what = "no sshd that the next boot starts listens";
        other_access_fix(r, &fix);
        error_fix(&r->error, "%s", buf_str(&fix));
        (void)error_say(&r->error, -1,
                        "%s on TCP where another machine could connect: the vsock listener is the "
                        "only way in and stays (--no-verify removes it all the same)",
                        what);
        (void)run_fail(r);
        return EXIT_CLOSED_NOTHING;
}

/* What leads in besides the vsock listener does so no more: what got the port back does not answer,
 * or what the last reload had systemd read closed it. */
static int keep(struct run *r)
{
        handover_keep(r);
        return refuse(r);
}

static bool message_unseen(struct run *r)
{
        AUTO_BUF unseen = BUF_INIT;

        run_add_unseen(r, &unseen);
        if (unseen.len > 0)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "out of reach; what sshd-vsock wrote there, if anything, stays: %s",
                         buf_str(&unseen));
        return unseen.len > 0;
}

/* What the vsock listener did without does not keep it in: the extras that stay are named. */
static void message_removed(struct run *r)
{
        bool unseen = message_unseen(r);

        for (size_t k = 0; k < r->plan.n_conflicts; k++)
                buf_addf(&r->left, "%s%s%s", r->left.len ? ", " : "", r->root.path,
                         r->plan.conflicts[k].path);
        if (r->left.len > 0)
                log_event(&r->log, LOG_EVENT_REMOVED, LOG_LEVEL_WARN, NULL,
                          "removed the vsock listener; these still hold what sshd-vsock wrote: %s",
                          buf_str(&r->left));
        else
                log_event(&r->log, LOG_EVENT_REMOVED, LOG_LEVEL_STEP, NULL, "%s",
                          unseen ? "removed everything else that sshd-vsock installed"
                                 : "removed everything sshd-vsock installed");
}

/* systemd's generator makes a listener of that name, too, which our file hid until now. */
static void start_generated(struct run *r)
{
        static const char link[] = GENERATOR_DIRECTORY "/sockets.target.wants/" UNIT_SOCKET;

        if (!r->root.image && takes_listener(r) &&
            rootfs_exists(&r->root, SYSTEM_UNIT_DIR "/" UNIT_SOCKET) == -ENOENT &&
            rootfs_exists(&r->root, link) > 0)
                start(r, UNIT_SOCKET);
}

/* Whose keys they are, and whether he has others, nobody can tell here. */
static void message_keys(struct run *r)
{
        if (r->facts.key_credential && takes_listener(r))
                log_line(&r->log, LOG_LEVEL_WARN,
                         "the keys that this machine was booted with (the "
                         "credential " CREDENTIAL_KEYS
                         ") count over the vsock listener only: whoever has no "
                         "other way to log in does not get in once it is removed");
}

static int take_out(struct run *r, bool guarded)
{
        bool only = guarded && !r->root.image;

        if (transaction_run(r, PHASE_OPEN) < 0 || transaction_run(r, PHASE_ACTIVATE) < 0)
                return run_fail(r);
        if (only && !has_opened(r))
                return refuse(r);
        message_keys(r);
        if (transaction_run(r, PHASE_CLOSE) < 0) {
                (void)run_fail(r);
                if (r->systemd &&
                    (handover_is_due(r, NULL) || (only && !other_access_is_open_now(r))))
                        handover_keep(r);
                return EXIT_WORLD;
        }
        if (only && !other_access_is_open_now(r) && !handover_answers(r))
                return keep(r);
        start_generated(r);
        transaction_run_extras(r);
        message_removed(r);
        return EXIT_DONE;
}

int cmd_remove(struct run *r)
{
        int status = transaction_prepare(r, true);
        bool guarded = false, open = true;

        if (status != EXIT_DONE)
                return status;
        /* where sshd is gone, with its package say, the listener lets nobody in either */
        guarded = !r->options.no_verify && r->facts.sshd && takes_listener(r);
        if (r->plan.n == 0) {
                message_unseen(r);
                log_line(&r->log, LOG_LEVEL_STEP, "nothing to do");
                return EXIT_DONE;
        }
        if (guarded && r->root.image && other_access_will_open(r, &open) < 0)
                return run_fail(r);
        if (guarded && !r->root.image)
                open = opens_tcp(r) || other_access_is_open(r);
        return open ? take_out(r, guarded) : refuse(r);
}
