/* SPDX-License-Identifier: MIT
 *
 * cmd-apply-close.c: the part of apply that closes: what has to hold before TCP closes, closing,
 * the second verification, and giving back what was where that fails. Every step leaves a system
 * that can be got into.
 */
#include "cli/cmd-apply-close.h"

#include "cli/checks.h"
#include "cli/drop-ins.h"
#include "cli/messages.h"
#include "cli/other-access-parts.h"
#include "cli/tcp-reality.h"
#include "core/plan/render.h"
#include "core/plan/sshd-listen.h"
#include "core/util/words.h"
#include "host/apply-units.h"
#include "host/label.h"
#include "host/sshd-query.h"

#include <errno.h>
#include <string.h>

bool apply_tried(const struct run *r, enum op_kind kind, const char *unit)
{
        return PLAN_FIRST(&r->plan, .tried = true, .kinds = BIT(kind), .name = unit);
}

/* The candidate is tried before it is written: a bad ListenAddress would also kill `sshd -i`. */
static int try_listen(struct run *r)
{
        AUTO_FREE char *text = NULL;
        AUTO_BUF lines = BUF_INIT, effective = BUF_INIT;
        const char *path = r->facts.sshd_config ? PATH_SSHD_CONFIG : PATH_SSHD_CONFIG_VENDOR;
        int rc = rootfs_read(&r->root, path, ROOTFS_FILE_MAX, &text, NULL, NULL);

        if (rc < 0)
                return error_set(&r->error, rc, "cannot read %s", path);
        render_listen(&r->config, &lines);
        return sshd_effective(r->facts.sshd, &r->facts.sshd_options, buf_str(&lines), text,
                              &effective, &r->error);
}

/* Whether the plan writes addresses before anything is verified: TCP is closed, and opens on them.
 */
static bool writes_confined(const struct run *r)
{
        return PLAN_FIRST(&r->plan, .phases = BIT(PHASE_OPEN), .flags = ITEM_SSHD, .wanted = true);
}

/* Whether TCP opens on addresses that are written already. */
static bool opens_confined(const struct run *r)
{
        const unsigned before = BIT(PHASE_OPEN) | BIT(PHASE_ACTIVATE);

        return r->config.n_listen > 0 &&
               (PLAN_FIRST(&r->plan, .phases = before, .kinds = BIT(OP_START), .job = true,
                           .tcp = true) ||
                PLAN_FIRST(&r->plan, .phases = before, .kinds = BIT(OP_UNLINK),
                           .flags = ITEM_MASK));
}

static int compare_listen(struct run *r, const char *effective)
{
        AUTO_BUF extra = BUF_INIT, missing = BUF_INIT;

        listen_compare(&r->config, effective, &extra, &missing);
        if (extra.len == 0 && missing.len == 0)
                return 0;
        error_fix(&r->error,
                  "take other ListenAddress lines out of sshd_config, of the files it includes and "
                  "of the options of its unit (they add up)");
        if (extra.len == 0)
                return error_say(&r->error, -EINVAL, "sshd would not listen on %s",
                                 buf_str(&missing));
        return error_say(&r->error, -EINVAL, "sshd would listen on other addresses: %s%s%s",
                         buf_str(&extra), missing.len ? ", and not on " : "", buf_str(&missing));
}

int apply_check_listen(struct run *r)
{
        AUTO_BUF effective = BUF_INIT;
        int rc = sshd_effective(r->facts.sshd, &r->facts.sshd_options, NULL, NULL, &effective,
                                &r->error);

        return rc < 0 ? rc : compare_listen(r, buf_str(&effective));
}

/* The command of a service under a mask of ours, which systemd does not show; 0: of none. */
static int find_masked_command(struct run *r, struct argv *ret)
{
        int rc = 0;

        for (size_t k = 0; rc == 0 && k < N_TCP_PAIRS; k++) {
                const size_t service = distro_tcp_pairs[k].service;

                if (r->facts.tcp[service].ours)
                        rc = other_access_words(r, distro_tcp_units[service], true, ret, &r->error);
        }
        return rc;
}

/* With the options of its unit. */
static int check_started(struct run *r)
{
        AUTO(argv_free) struct argv words = { 0 };
        AUTO_BUF effective = BUF_INIT;
        struct argv options = r->facts.sshd_options; /* to be read */
        int rc = find_masked_command(r, &words);

        if (rc > 0)
                options = (struct argv){ .list = words.list + 1, .n = words.n - 1 };
        if (rc >= 0)
                rc = sshd_effective_started(r->facts.sshd, &options, &effective, &r->error);
        return rc == 0 ? compare_listen(r, buf_str(&effective)) : rc;
}

int apply_check_before_open(struct run *r)
{
        const bool writes = writes_confined(r);

        if (!writes && !opens_confined(r))
                return 0;
        if (!r->systemd)
                return run_check_listen(r);
        if (listen_late(&r->facts))
                return run_listens_elsewhere(r, listen_late(&r->facts));
        return writes ? try_listen(r) : check_started(r);
}

int apply_check_opened(struct run *r)
{
        struct error undo = { 0 };
        int rc = r->systemd && writes_confined(r) ? check_started(r) : 0;

        if (rc < 0)
                (void)run_said(r, apply_undo(&r->root, &r->plan, PHASE_OPEN, ITEM_TCP, &undo),
                               &undo);
        return rc;
}

/* Each step goes on after a failure of the one before. */
static void undo_close(struct run *r)
{
        struct error error = { 0 };
        int rc = run_said(r, apply_undo(&r->root, &r->plan, PHASE_CLOSE, 0, &error), &error);

        if (r->systemd)
                rc |= run_said(r, systemd_reload(r->systemd, &error), &error);
        rc |= run_said(r, apply_undo_units(r->systemd, &r->plan, PHASE_CLOSE, &error), &error);
        if (tcp_is_back(r))
                log_line(&r->log, LOG_LEVEL_WARN, "%s",
                         rc == 0 ? "rolled back: TCP listeners restored"
                                 : "TCP listens as before, though not all was rolled back");
}

void apply_say_kept(struct run *r, enum log_level level)
{
        const char *cause = r->verified ? causes[r->verdict.cause].id : NULL;

        if (r->who.known && !r->who.enough)
                cause = causes[CAUSE_NO_LOGIN].id;
        else if (r->verified && r->verdict.cause == CAUSE_NONE)
                cause = r->host_transport.known && !r->host_transport.reachable
                                ? causes[CAUSE_NO_WAY_TO_HOST].id
                                : NULL;
        log_event(&r->log, LOG_EVENT_TCP_KEPT, level, cause, "TCP stays as it was");
}

bool apply_wants_to_close(const struct run *r)
{
        return plan_has(&r->plan, PHASE_CLOSE) || plan_blocked(&r->plan) == BLOCKS_CLOSE;
}

int apply_refuse_to_close(struct run *r)
{
        run_say_conflicts(r, BLOCKS_CLOSE);
        log_event(&r->log, LOG_EVENT_TCP_KEPT, LOG_LEVEL_ERROR, NULL, "TCP stays as it was");
        return EXIT_WORLD;
}

/* Whether a drop-in may decide where the vsock listener is, or what comes of a connection: so may
 * all but what is known to be about limits, shares and words. */
static bool decides(const char *settings)
{
        static const char known[] =
                "Backlog CPUAccounting CPUQuota CPUWeight Description Documentation IOAccounting "
                "IOWeight KeepAlive LogLevelMax LogRateLimitBurst LogRateLimitIntervalSec "
                "MaxConnections MaxConnectionsPerSource MemoryAccounting Nice OOMScoreAdjust "
                "PollLimitBurst PollLimitIntervalSec Slice StartLimitBurst StartLimitIntervalSec "
                "StandardError SyslogIdentifier TasksAccounting TriggerLimitBurst "
                "TriggerLimitIntervalSec";

        for (struct word w; word_next(&settings, ' ', &w);)
                if (!word_is_in(known, w.text, w.len))
                        return true;
        return false;
}

/* What was shown is worth nothing at the next boot where it rests on a file that is gone by then.
 */
static int check_lasting(struct run *r)
{
        const char *name, *directory;
        size_t i = 0;

        if (drop_ins_find(r) < 0)
                return run_fail(r);
        while (i < r->drop_ins.paths.n && (systemd_file_lasts(r->drop_ins.paths.list[i]) ||
                                           !decides(r->drop_ins.settings.list[i])))
                i++;
        if (i == r->drop_ins.paths.n)
                return EXIT_DONE;
        name = strrchr(r->drop_ins.paths.list[i], '/');
        directory =
                memrchr(r->drop_ins.paths.list[i], '/', (size_t)(name - r->drop_ins.paths.list[i]));
        error_fix(&r->error, "install -D -m 0644 -t " SYSTEM_UNIT_DIR "%.*s %s; sshd-vsock apply",
                  (int)(name - directory), directory, r->drop_ins.paths.list[i]);
        (void)error_say(&r->error, -EINVAL,
                        "the vsock listener works by %s, which is gone at the next boot",
                        r->drop_ins.paths.list[i]);
        (void)run_fail(r);
        return EXIT_CLOSED_NOTHING;
}

/* Nobody can know what the policy says of a connection while it stops none. */
static int check_policy(struct run *r)
{
        if (!label_lets_pass_for_now(&r->root))
                return EXIT_DONE;
        error_fix(&r->error, "setenforce 1; sshd-vsock apply");
        (void)error_say(&r->error, -EPERM,
                        "SELinux is permissive for this boot only: whether it lets anybody in at "
                        "the next one is not known");
        (void)run_fail(r);
        return EXIT_CLOSED_NOTHING;
}

/* What has to hold before anything closes, and verifies that. */
static int check_way_in(struct run *r)
{
        int status;

        if (!check_host_transport(r, LOG_LEVEL_ERROR))
                return EXIT_CLOSED_NOTHING;
        status = check_policy(r);
        if (status == EXIT_DONE)
                status = check_lasting(r);
        return status == EXIT_DONE ? check_logins(r, true) : status;
}

/* Each sshd looks them up, one behind a socket too, and ends where it finds none (servconf.c,
 * add_one_listen_addr()). */
static void warn_of_names(const struct run *r)
{
        AUTO_FREE char *hosts = NULL;
        AUTO_BUF names = BUF_INIT;

        if (rootfs_read(&r->root, PATH_HOSTS, ROOTFS_FILE_MAX, &hosts, NULL, NULL) < 0)
                hosts = NULL;
        if (r->config.disable_tcp)
                listen_names(&r->facts.sshd_listen, hosts ? hosts : "", &names);
        if (names.len > 0)
                log_line(&r->log, LOG_LEVEL_WARN,
                         "ListenAddress of sshd_config names %s: where DNS does not know that, no "
                         "sshd starts, for vsock neither; fix: write an address in its place, or "
                         "the name into /etc/hosts",
                         buf_str(&names));
}

int apply_close(struct run *r)
{
        bool verified = !r->options.no_verify;
        int status = EXIT_DONE, rc;

        if (plan_blocked(&r->plan) == BLOCKS_CLOSE)
                return apply_refuse_to_close(r);
        if (verified)
                status = check_way_in(r);
        if (status != EXIT_DONE) {
                apply_say_kept(r, LOG_LEVEL_ERROR);
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
        message_strays(r);
        warn_of_names(r);
        if (r->systemd)
                systemd_leave_session(r->systemd);
        rc = transaction_run(r, PHASE_CLOSE);
        if (rc == 0 && r->config.n_listen > 0)
                rc = apply_check_listen(r);
        if (rc == 0)
                rc = tcp_expect(r);
        if (rc < 0)
                (void)run_fail(r);
        else if (verified)
                status = check_listener(r);
        if (rc < 0 || status != EXIT_DONE)
                undo_close(r);
        return rc < 0 ? EXIT_WORLD : status;
}
