/* SPDX-License-Identifier: MIT
 *
 * verbapply.c: the order of work: open, activate, verify, close, verify again; and what happens
 * when a step fails. Every step leaves a system that can be got into (design §4).
 */
#include "steps.h"

#include "clock.h"
#include "diagnose.h"
#include "listen.h"
#include "render.h"
#include "say.h"
#include "sshd.h"
#include "tcp.h"

#include <errno.h>
#include <string.h>

#define JOB_SECONDS 90 /* systemd's own DefaultTimeoutStartSec */

static bool tried(const struct run *r, enum op_kind kind, const char *unit)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].tried && r->plan.ops[k].kind == kind &&
                    strcmp(r->plan.ops[k].name, unit) == 0)
                        return true;
        return false;
}

/* A socket that was listening before and is not good any more after a change goes back to what it
 * was: where TCP is closed already it is the only door. */
static void put_socket_back(struct run *r)
{
        enum job job = tried(r, OP_RESTART, UNIT_SOCKET) ? JOB_RESTART : JOB_START;
        struct why why = { 0 };

        if (!r->units.socket.active)
                return;
        for (size_t k = 0; k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                if (!op->done || !op->item || !(op->item->flags & ITEM_SOCKET))
                        continue;
                if (apply_undo(&r->root, &r->plan, PHASE_OPEN, ITEM_SOCKET, &why) < 0 ||
                    manager_reload(r->manager, &why) < 0 ||
                    manager_job(r->manager, job, UNIT_SOCKET, JOB_SECONDS, &why) < 0)
                        log_why(&r->log, &why);
                else
                        log_line(&r->log, LOG_LEVEL_WARN, "%s is again what it was", UNIT_SOCKET);
                return;
        }
}

static const struct op *failed_op(const struct run *r, enum phase phase)
{
        for (size_t k = 0; k < r->plan.n; k++)
                if (r->plan.ops[k].phase == phase && !r->plan.ops[k].done &&
                    r->plan.ops[k].kind != OP_MODULE)
                        return &r->plan.ops[k];
        return NULL;
}

/* A start of the socket that failed is as good as a door that does not answer, and gets the same
 * diagnosis; any other unit has its own words. */
static int activate(struct run *r)
{
        uint64_t began = clock_realtime();
        int rc = steps_run(r, PHASE_ACTIVATE);
        const struct op *op = rc == -EIO ? failed_op(r, PHASE_ACTIVATE) : NULL;

        if (rc == 0)
                return EXIT_DONE;
        if (op && strcmp(op->name, UNIT_SOCKET) == 0) {
                int status;

                log_line(&r->log, LOG_LEVEL_ERROR, "%s", r->why.text);
                r->verdict =
                        (struct verdict){ .port = r->config.port, .cause = CAUSE_SOCKET_FAILED };
                r->verified = true;
                status = say_verdict(r, &r->verdict);
                put_socket_back(r);
                return status;
        }
        if (op)
                say_last_words(r, op->name, began);
        return run_fail(r);
}

/* The candidate is tried before it is written: a bad ListenAddress would also kill `sshd -i`. */
static int try_listen(struct run *r)
{
        AUTO_FREE char *text = NULL;
        AUTO_BUF lines = BUF_INIT, effective = BUF_INIT;
        const char *path = r->facts.sshd_config ? PATH_SSHD_CONFIG : PATH_SSHD_CONFIG_VENDOR;
        size_t len;
        int rc = rootfs_read(&r->root, path, ROOTFS_FILE_MAX, &text, &len, NULL);

        if (rc < 0)
                return why_set(&r->why, rc, "cannot read %s", path);
        render_listen(&r->config, &lines);
        return sshd_effective(r->facts.sshd, buf_str(&lines), text, &effective, &r->why);
}

/* Whether addresses are written before anything is proven: TCP is closed, and opens on them. */
static bool opens_confined(const struct run *r)
{
        for (size_t k = 0; k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                if (op->phase == PHASE_OPEN && op->item && (op->item->flags & ITEM_SSHD) &&
                    op->item->wanted)
                        return r->manager != NULL;
        }
        return false;
}

static int check_listen(struct run *r)
{
        AUTO_BUF effective = BUF_INIT, extra = BUF_INIT, missing = BUF_INIT;
        int rc = sshd_effective(r->facts.sshd, NULL, NULL, &effective, &r->why);

        if (rc < 0)
                return rc;
        listen_compare(&r->config, buf_str(&effective), &extra, &missing);
        if (extra.len == 0 && missing.len == 0)
                return 0;
        why_fix(&r->why, "take other ListenAddress lines out of sshd_config and of the files it "
                         "includes (they add up)");
        return why_say(&r->why, -EINVAL, "sshd would listen %s %s%s%s",
                       "on other addresses:", buf_str(&extra), missing.len ? ", and not on " : "",
                       buf_str(&missing));
}

/* The reverse of one unit operation. */
static int undo_unit(struct run *r, const struct op *op, struct why *why)
{
        switch (op->kind) {
        case OP_START:
                return manager_job(r->manager, JOB_STOP, op->name, JOB_SECONDS, why);
        case OP_STOP:
                return manager_job(r->manager, JOB_START, op->name, JOB_SECONDS, why);
        case OP_RESTART:
                return manager_job(r->manager, JOB_RESTART, op->name, JOB_SECONDS, why);
        case OP_REFRESH:
                return apply_refresh(r->manager, op->name, why);
        default:
                return 0;
        }
}

/* Sockets before services: a service that runs already keeps its socket from starting. What failed
 * is put back, too: a socket that could not restart is down. */
static int undo_units(struct run *r, bool sockets, struct why *why)
{
        int rc = 0;

        for (size_t k = 0; rc == 0 && k < r->plan.n; k++) {
                const struct op *op = &r->plan.ops[k];

                if (op->tried && op->phase == PHASE_CLOSE && !op->item &&
                    (strstr(op->name, ".socket") != NULL) == sockets)
                        rc = undo_unit(r, op, why);
        }
        return rc;
}

static void undo_close(struct run *r)
{
        struct why why = { 0 };
        int rc = apply_undo(&r->root, &r->plan, PHASE_CLOSE, 0, &why);

        if (rc == 0 && r->manager)
                rc = manager_reload(r->manager, &why);
        if (rc == 0)
                rc = undo_units(r, true, &why);
        if (rc == 0)
                rc = undo_units(r, false, &why);
        if (rc < 0)
                log_why(&r->log, &why);
        if (tcp_is_back(r) && rc == 0)
                log_line(&r->log, LOG_LEVEL_WARN, "TCP is again what it was");
}

static void say_kept(struct run *r, enum log_level level)
{
        const char *cause = r->verified ? causes[r->verdict.cause].id : NULL;

        if (r->who.known && !r->who.enough)
                cause = causes[CAUSE_NO_LOGIN].id;
        else if (r->verified && r->verdict.cause == CAUSE_NONE)
                cause = causes[CAUSE_NO_WAY_TO_HOST].id;
        log_event(&r->log, LOG_EVENT_TCP_KEPT, level, cause, "TCP stays as it was");
}

/* Whether there is something to close; or would be, were nothing in the way. */
static bool wants_to_close(const struct run *r)
{
        return plan_has(&r->plan, PHASE_CLOSE) || plan_blocked(&r->plan) == BLOCKS_CLOSE;
}

static int refuse_to_close(struct run *r)
{
        run_say_conflicts(r, BLOCKS_CLOSE);
        log_event(&r->log, LOG_EVENT_TCP_KEPT, LOG_LEVEL_ERROR, NULL, "TCP stays as it was");
        return EXIT_WORLD;
}

static int close_tcp(struct run *r)
{
        bool proven = !r->options.no_verify;
        int status = EXIT_DONE, rc;

        if (plan_blocked(&r->plan) == BLOCKS_CLOSE)
                return refuse_to_close(r);
        if (proven && !say_way_to_host(r, LOG_LEVEL_ERROR)) {
                say_kept(r, LOG_LEVEL_ERROR);
                return EXIT_CLOSED_NOTHING;
        }
        if (proven)
                status = say_logins(r, true);
        if (status != EXIT_DONE) {
                say_kept(r, LOG_LEVEL_ERROR);
                return status;
        }
        if (getenv("SSH_CONNECTION"))
                log_line(&r->log, LOG_LEVEL_WARN,
                         "this session came over SSH; it stays open, new ones over TCP will %s",
                         r->config.disable_tcp ? "be refused" : "need the listed addresses");
        rc = r->config.n_listen > 0 ? try_listen(r) : 0;
        if (rc == 0)
                rc = tcp_note(r);
        if (rc < 0)
                return run_fail(r);
        say_strays(r);
        rc = steps_run(r, PHASE_CLOSE);
        if (rc == 0 && r->config.n_listen > 0)
                rc = check_listen(r);
        if (rc == 0)
                rc = tcp_expect(r);
        if (rc < 0)
                (void)run_fail(r);
        else if (proven)
                status = say_door(r);
        if (rc < 0 || status != EXIT_DONE)
                undo_close(r);
        return rc < 0 ? EXIT_WORLD : status;
}

static int say_closed(struct run *r)
{
        AUTO_BUF text = BUF_INIT;

        tcp_claim(r, &text);
        log_event(&r->log, LOG_EVENT_TCP_CLOSED, LOG_LEVEL_STEP, NULL, "%s", buf_str(&text));
        return EXIT_DONE;
}

/* Run from cloud-init's bootcmd and the like. What is enqueued runs later in this same boot, and
 * ends with the provision unit, which does what is left undone here. */
static int apply_early(struct run *r)
{
        int status;

        manager_never_wait(r->manager);
        if (steps_run(r, PHASE_ACTIVATE) < 0 ||
            manager_job(r->manager, JOB_START, UNIT_PROVISION, 0, &r->why) < 0)
                return run_fail(r);
        log_line(&r->log, LOG_LEVEL_STEP,
                 "the system is still booting: verifying, and what comes after, is left "
                 "to " UNIT_PROVISION " of this boot");
        if (!r->options.no_verify || !wants_to_close(r))
                return EXIT_DONE;
        log_line(&r->log, LOG_LEVEL_WARN, "closing without proof, as told by --no-verify");
        status = close_tcp(r);
        return status == EXIT_DONE ? say_closed(r) : status;
}

/* After a daemon-reload with another port, systemd holds no descriptor any more and still calls the
 * socket listening: a run that was killed between that and its restart left it so, and no file
 * tells. Where this plan has not just started it, that is mended here. */
static void revive_socket(struct run *r)
{
        struct why why = { 0 };

        if (r->verdict.cause != CAUSE_NO_LISTENER || !r->units.socket.active ||
            tried(r, OP_START, UNIT_SOCKET) || tried(r, OP_RESTART, UNIT_SOCKET))
                return;
        log_line(&r->log, LOG_LEVEL_WARN,
                 "systemd calls %s listening, but nobody listens: it is restarted", UNIT_SOCKET);
        if (manager_job(r->manager, JOB_RESTART, UNIT_SOCKET, JOB_SECONDS, &why) < 0)
                log_why(&r->log, &why);
        else
                diagnose_door(r->manager, r->door, r->config.port, r->config.verify_timeout,
                              &r->verdict);
}

static int prove(struct run *r)
{
        int status;

        if (r->options.no_verify) {
                log_line(&r->log, LOG_LEVEL_WARN, "not verified, as told by --no-verify");
                return EXIT_DONE;
        }
        diagnose_door(r->manager, r->door, r->config.port, r->config.verify_timeout, &r->verdict);
        r->verified = true;
        revive_socket(r);
        status = say_verdict(r, &r->verdict);
        if (status == EXIT_CLOSED_NOTHING)
                put_socket_back(r);
        return status;
}

/* The door is proven and there is nothing to close: what holds is looked at all the same. */
static int check_closed(struct run *r)
{
        if (r->config.n_listen > 0 && check_listen(r) < 0)
                return run_fail(r);
        if (!r->options.no_verify)
                (void)say_way_to_host(r, LOG_LEVEL_WARN);
        return EXIT_DONE;
}

static int apply_live(struct run *r)
{
        bool closes = wants_to_close(r), booting;
        int status;

        if (manager_is_booting(r->manager, &booting, &r->why) < 0)
                return run_fail(r);
        if (booting)
                return apply_early(r);
        status = activate(r);
        if (status == EXIT_DONE)
                status = prove(r);
        if (status != EXIT_DONE) {
                run_say_conflicts(r, BLOCKS_CLOSE);
                if (closes)
                        say_kept(r, LOG_LEVEL_WARN);
                return status;
        }
        status = closes ? close_tcp(r) : check_closed(r);
        if (status == EXIT_DONE)
                status = tcp_check(r);
        return status == EXIT_DONE && closes ? say_closed(r) : status;
}

/* No sshd of an image is run, so what it would refuse has to be known here. */
static int refuse_family(struct run *r)
{
        const struct listen_address *l = listen_refused(&r->config, r->facts.address_family);

        if (!l)
                return 0;
        why_fix(&r->why, "take that line out of sshd_config or of the file that it includes, or "
                         "this address out of listen_address");
        return why_say(&r->why, -EINVAL,
                       "sshd would refuse %s of listen_address: AddressFamily is %s; TCP stays as "
                       "it was",
                       l->address, r->facts.address_family == 4 ? "inet" : "inet6");
}

static int apply_image(struct run *r)
{
        if (!r->facts.program)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "the image has no sshd-vsock of its own: its first boot can neither "
                         "verify nor close anything; install it as %s",
                         layout_program[0]);
        if (steps_run(r, PHASE_ACTIVATE) < 0)
                return run_fail(r);
        if (plan_blocked(&r->plan) == BLOCKS_CLOSE)
                return refuse_to_close(r);
        if (!plan_has(&r->plan, PHASE_CLOSE))
                return EXIT_DONE;
        if (refuse_family(r) < 0)
                return run_fail(r);
        if (!r->options.no_verify) {
                log_line(&r->log, LOG_LEVEL_STEP,
                         "left to the first boot, once the door is proven there: closing TCP");
                return EXIT_DONE;
        }
        log_line(&r->log, LOG_LEVEL_WARN, "closing without proof, as told by --no-verify");
        return steps_run(r, PHASE_CLOSE) < 0 ? run_fail(r) : EXIT_DONE;
}

/* af_vsock.c, LAST_RESERVED_PORT: ports below 1024 need CAP_NET_BIND_SERVICE, all others are
 * whoever's asks first. */
static void warn_of_port(const struct run *r)
{
        if (r->config.disable_tcp && r->config.port >= 1024)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "disable_tcp with vsock port %u: any local user may listen on it whenever "
                         "%s does not, and nobody then gets in; ports below 1024 are root's",
                         r->config.port, UNIT_SOCKET);
}

int verb_apply(struct run *r)
{
        int status = steps_prepare(r, false);

        if (status != EXIT_DONE)
                return status;
        run_report_skipped(r);
        warn_of_port(r);
        if (r->facts.generated_door)
                log_line(&r->log, LOG_LEVEL_STEP,
                         "%s of systemd's own generator answers: it is left alone", r->door);
        if (r->plan.n == 0)
                log_line(&r->log, LOG_LEVEL_STEP, "nothing to do");
        if (opens_confined(r) && try_listen(r) < 0)
                return run_fail(r);
        if (steps_run(r, PHASE_OPEN) < 0)
                return run_fail(r);
        status = r->root.image ? apply_image(r) : apply_live(r);
        steps_run_extras(r);
        return status;
}
