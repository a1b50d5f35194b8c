/* SPDX-License-Identifier: MIT
 *
 * cmd-apply.c: the order of work: open, activate, verify, close, verify again; and what happens
 * when a step fails. Every step leaves a system that can be got into.
 */
#include "cli/cmd-apply-close.h"

#include "cli/checks.h"
#include "cli/handover.h"
#include "cli/other-access.h"
#include "cli/rebind.h"
#include "cli/tcp-reality.h"
#include "host/apply-units.h"
#include "host/clock.h"
#include "host/journal.h"
#include "host/label.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A socket that was listening before and is not good any more after a change goes back to what it
 * was, with its template: where TCP is closed already it is the only way in. */
static void put_socket_back(struct run *r)
{
        const bool down =
                apply_tried(r, OP_RESTART, UNIT_SOCKET) || apply_tried(r, OP_STOP, UNIT_SOCKET);
        const unsigned listener = ITEM_SOCKET | ITEM_HANDMADE;
        struct error error = { 0 }, lost = { 0 };

        if (!r->units.socket.active || !PLAN_FIRST(&r->plan, .changed = true, .flags = listener))
                return;
        if (apply_undo(&r->root, &r->plan, PHASE_OPEN, listener, &error) < 0 ||
            systemd_reload(r->systemd, &error) < 0 ||
            (down ? apply_rebind(r->systemd, UNIT_SOCKET, &error)
                  : systemd_job(r->systemd, JOB_START, UNIT_SOCKET, JOB_SECONDS, &error)) < 0)
                run_say_error(r, LOG_LEVEL_ERROR, &error);
        else
                log_line(&r->log, LOG_LEVEL_WARN, "rolled back: %s restored", UNIT_SOCKET);
        if (rebind_lost(r, &lost) < 0)
                run_say_error(r, LOG_LEVEL_ERROR, &lost);
}

static void roll_back(struct run *r)
{
        put_socket_back(r);
        handover_undo(r);
}

/* However a run ends: where nothing else leads in, and nobody was shown to get in through what took
 * the place of another listener, that one has it again. TCP that stays as it was may be none. Where
 * nothing can ever be verified a change of ours counts, or none would ever be made. */
static void roll_back_only_way(struct run *r, int status)
{
        const bool shown = r->who.enough && status != EXIT_CLOSED_NOTHING;
        const bool replaced = status == EXIT_UNVERIFIABLE ? handover_takes_place(r, false)
                                                          : handover_has_replaced(r);

        if (status != EXIT_DONE && !shown && replaced && !other_access_than_ours(r))
                roll_back(r);
}

static const struct op *failed_op(const struct run *r, enum phase phase)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].phase == phase && !r->plan.ops[k].done &&
                    r->plan.ops[k].kind != OP_MODULE)
                        return &r->plan.ops[k];
        return NULL;
}

/* Puts what the unit whose job failed said since then (realtime, in microseconds) into run.error.
 */
static void add_last_words(struct run *r, const char *unit, uint64_t since)
{
        size_t len = strlen(r->error.text);
        char words[256];

        journal_last_words(unit, since, words, sizeof(words));
        if (words[0])
                (void)snprintf(r->error.text + len, sizeof(r->error.text) - len,
                               " (the journal: %s)", words);
}

/* A start of the socket that failed is as good as a vsock listener that does not answer, and gets
 * the same diagnosis; any other unit has its own words. */
static int activate(struct run *r)
{
        uint64_t began = clock_realtime();
        int rc = transaction_run(r, PHASE_ACTIVATE);
        const struct op *op = rc == -EIO ? failed_op(r, PHASE_ACTIVATE) : NULL;

        if (rc == 0)
                return EXIT_DONE;
        if (op && strcmp(op->name, UNIT_SOCKET) == 0) {
                int status;

                log_line(&r->log, LOG_LEVEL_ERROR, "%s", r->error.text);
                r->verdict =
                        (struct verdict){ .port = r->config.port, .cause = CAUSE_SOCKET_FAILED };
                status = check_verdict(r);
                roll_back(r);
                return status;
        }
        if (op)
                add_last_words(r, op->name, began);
        (void)run_fail(r);
        roll_back(r);
        return EXIT_WORLD;
}

static int message_closed(struct run *r)
{
        AUTO_BUF text = BUF_INIT;

        tcp_claim(r, &text);
        log_event(&r->log, LOG_EVENT_TCP_CLOSED, LOG_LEVEL_STEP, NULL, "%s", buf_str(&text));
        return EXIT_DONE;
}

/* Whether a listener that is there moves to another port, and the unit of this boot is as it is to
 * be. */
static bool only_moves(const struct run *r)
{
        return !PLAN_FIRST(&r->plan, .name = SYSTEM_UNIT_DIR "/" UNIT_PROVISION) &&
               plan_moves_port(&r->plan);
}

/* A port that somebody has by the end of the boot is found out by who waits for the answer: while
 * the system boots the old one stays. */
static int leave_to_boot(struct run *r)
{
        systemd_never_wait(r->systemd);
        if (systemd_job(r->systemd, JOB_START, UNIT_PROVISION, 0, &r->error) < 0)
                return run_fail(r);
        log_line(&r->log, LOG_LEVEL_STEP,
                 "the system is still booting: another port is left to " UNIT_PROVISION
                 " of this boot");
        return EXIT_DONE;
}

/* Run from cloud-init's bootcmd and the like. What is enqueued runs later in this same boot, and
 * ends with the provision unit, which does the rest. */
static int apply_early(struct run *r)
{
        int status;

        systemd_never_wait(r->systemd);
        if (transaction_run(r, PHASE_ACTIVATE) < 0 ||
            systemd_job(r->systemd, JOB_START, UNIT_PROVISION, 0, &r->error) < 0)
                return run_fail(r);
        log_line(&r->log, LOG_LEVEL_STEP,
                 "the system is still booting: verifying, and what comes after, is left "
                 "to " UNIT_PROVISION " of this boot");
        if (!r->options.no_verify || !apply_wants_to_close(r))
                return EXIT_DONE;
        log_line(&r->log, LOG_LEVEL_WARN, "closing TCP without verification (--no-verify)");
        status = apply_close(r);
        return status == EXIT_DONE ? message_closed(r) : status;
}

/* After a daemon-reload with another port, systemd holds no descriptor any more and still calls the
 * socket listening: a run that was killed between that and its restart left it so, and no file
 * tells. Where this plan has not just started it, that is corrected here. */
static void revive_socket(struct run *r)
{
        if (r->verdict.cause != CAUSE_NO_LISTENER || !r->units.socket.active ||
            apply_tried(r, OP_START, UNIT_SOCKET) || apply_tried(r, OP_RESTART, UNIT_SOCKET))
                return;
        log_line(&r->log, LOG_LEVEL_WARN,
                 "systemd reports %s as listening, but nothing listens: restarting it",
                 UNIT_SOCKET);
        if (run_job(r, JOB_RESTART, UNIT_SOCKET) == 0)
                run_find_verdict(r, &r->verdict);
}

/* An sshd that listens on TCP as well may let nobody in: whoever is refused by what took another's
 * place had that one. Who has neither key nor password was refused by both, but where --takeover
 * put ours in the place of one that has keys of its own. Where nothing can be tried, TCP counts. */
static int check_beside_tcp(struct run *r, bool closes)
{
        const bool looks = r->config.require != REQUIRE_UNCHECKED;
        struct error error = { 0 };

        if (looks && run_said(r, run_find_logins(r, &error), &error) < 0)
                return EXIT_DONE;
        if (looks && logins_refused(&r->who.logins, r->options.takeover))
                return check_logins(r, closes);
        if (looks && !closes && !r->who.enough)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "nobody was shown to log in over vsock, where another listener had the "
                         "port; see \"sshd-vsock verify\"");
        return EXIT_DONE;
}

/* What took the place of another vsock listener has to let somebody in, too. What comes before
 * closing looks at that anyway. What an earlier run replaced is not given back: it may have let
 * people in for years, and a trial login have failed today. */
static int check_only_way(struct run *r)
{
        const bool closes = apply_wants_to_close(r) && plan_blocked(&r->plan) != BLOCKS_CLOSE;

        if (handover_takes_place(r, false) && other_access_than_ours(r))
                return check_beside_tcp(r, closes);
        if (closes || !(handover_has_replaced(r) || handover_had_replaced(r)) ||
            other_access_than_ours(r))
                return EXIT_DONE;
        return check_logins(r, false);
}

static int verify_live(struct run *r)
{
        int status;

        if (r->options.no_verify) {
                log_line(&r->log, LOG_LEVEL_WARN, "not verified (--no-verify)");
                return EXIT_DONE;
        }
        run_find_verdict(r, &r->verdict);
        revive_socket(r);
        status = check_verdict(r);
        if (status == EXIT_DONE)
                status = check_only_way(r);
        if (status == EXIT_CLOSED_NOTHING)
                roll_back(r);
        else
                roll_back_only_way(r, status);
        return status;
}

/* The vsock listener is verified and there is nothing to close: what holds is looked at all the
 * same. */
static int check_closed(struct run *r)
{
        if (r->config.n_listen > 0 && apply_check_listen(r) < 0)
                return run_fail(r);
        return EXIT_DONE;
}

static int apply_booted(struct run *r)
{
        bool closes = apply_wants_to_close(r);
        int status = activate(r);

        if (status == EXIT_DONE)
                status = verify_live(r);
        if (status != EXIT_DONE) {
                run_say_conflicts(r, BLOCKS_CLOSE);
                if (closes)
                        apply_say_kept(r, LOG_LEVEL_WARN);
                return status;
        }
        status = closes ? apply_close(r) : check_closed(r);
        roll_back_only_way(r, status);
        if (status == EXIT_DONE)
                status = tcp_check(r);
        /* an image may come to a machine that no host reaches: no reason to roll anything back */
        if (status == EXIT_DONE && !closes && !r->options.no_verify)
                status = check_reachable(r);
        return status == EXIT_DONE && closes ? message_closed(r) : status;
}

/* All that comes before anything is started. Another port that is on the disk, and not in force,
 * comes into force with anybody's next daemon-reload, and then nothing listens; so does the loss of
 * one. */
static int open_files(struct run *r)
{
        int rc = apply_check_before_open(r);

        if (rc < 0)
                return run_fail(r);
        rc = transaction_run(r, PHASE_OPEN);
        if (rc == 0)
                rc = apply_check_opened(r);
        if (rc == 0)
                return EXIT_DONE;
        (void)run_fail(r);
        if (r->systemd) {
                handover_undo_files(r);
                put_socket_back(r);
        }
        return EXIT_WORLD;
}

/* What is the only way in, and works, stays where nothing could show that ours does. Looked at with
 * what listens now, before anything is written; while the system boots that tells nothing yet. */
static int check_place(struct run *r, bool booting)
{
        const char *takeover = r->options.takeover ? " --takeover" : "";
        struct verdict v;

        if (r->options.no_verify || !handover_takes_place(r, booting) ||
            (!booting && other_access_than_ours(r)))
                return EXIT_DONE;
        run_find_verdict(r, &v);
        if (v.cause != CAUSE_NO_LOOPBACK)
                return EXIT_DONE;
        error_fix(
                &r->error,
                booting ? "run it when the system has booted; or \"sshd-vsock apply%s --no-verify\""
                        : "have sshd listen on TCP meanwhile; or \"sshd-vsock apply%s "
                          "--no-verify\"",
                takeover);
        (void)error_say(&r->error, -EOPNOTSUPP,
                        "cannot take the place of the vsock listener that is there: %s, and this "
                        "kernel has no vsock loopback to verify ours with; nothing was touched",
                        booting ? "the system is still booting, when nobody knows what else leads "
                                  "in"
                                : "nothing else leads in");
        return run_fail(r);
}

static int apply_live(struct run *r)
{
        bool booting;
        int status;

        if (systemd_is_booting(r->systemd, &booting, &r->error) < 0)
                return run_fail(r);
        if (booting && only_moves(r))
                return leave_to_boot(r);
        status = check_place(r, booting);
        if (status == EXIT_DONE)
                status = open_files(r);
        if (status != EXIT_DONE)
                return status;
        status = booting ? apply_early(r) : apply_booted(r);
        transaction_run_extras(r);
        return status;
}

static int apply_opened_image(struct run *r)
{
        if (run_report_program(r) < 0)
                return run_fail(r);
        if (label_is_missing(&r->root, SYSTEM_UNIT_DIR "/" UNIT_PROVISION))
                log_line(&r->log, LOG_LEVEL_WARN,
                         "the image has a policy of SELinux, and no label for what was written; "
                         "fix: relabel it before it boots, or \"touch %s/.autorelabel\"",
                         r->root.path);
        if (transaction_run(r, PHASE_ACTIVATE) < 0)
                return run_fail(r);
        if (plan_blocked(&r->plan) == BLOCKS_CLOSE)
                return apply_refuse_to_close(r);
        if (!plan_has(&r->plan, PHASE_CLOSE))
                return EXIT_DONE;
        if (run_check_listen(r) < 0)
                return run_fail(r);
        if (!r->options.no_verify) {
                log_line(&r->log, LOG_LEVEL_STEP,
                         "left to the first boot, after verification there: closing TCP");
                return EXIT_DONE;
        }
        log_line(&r->log, LOG_LEVEL_WARN, "closing TCP without verification (--no-verify)");
        return transaction_run(r, PHASE_CLOSE) < 0 ? run_fail(r) : EXIT_DONE;
}

/* af_vsock.c, LAST_RESERVED_PORT: ports below 1024 need CAP_NET_BIND_SERVICE, all others are
 * whoever's asks first. */
static void warn_of_port(const struct run *r)
{
        if (r->config.disable_tcp && r->config.port >= 1024)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "disable_tcp with vsock port %u: any local user may listen on it whenever "
                         "%s does not, and then nobody can log in; only root can listen on ports "
                         "below 1024",
                         r->config.port, UNIT_SOCKET);
}

static int apply_image(struct run *r)
{
        int status = open_files(r);

        if (status != EXIT_DONE)
                return status;
        status = apply_opened_image(r);
        transaction_run_extras(r);
        return status;
}

int cmd_apply(struct run *r)
{
        int status = transaction_prepare(r, false);

        if (status != EXIT_DONE || r->removed)
                return status;
        run_report_skipped(r);
        warn_of_port(r);
        if (r->facts.generated_listener)
                log_line(&r->log, LOG_LEVEL_STEP,
                         "%s from systemd's generator answers and is left as it is", r->listener);
        if (r->plan.n == 0)
                log_line(&r->log, LOG_LEVEL_STEP, "nothing to do");
        status = r->root.image ? apply_image(r) : apply_live(r);
        return status;
}
