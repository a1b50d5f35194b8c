/* SPDX-License-Identifier: MIT
 *
 * cmd-verify.c: `verify` connects over vsock loopback, looks for a way in for the host, asks who
 * can log in, and looks at the hosts entry. Writes nothing that lasts.
 */
#include "cli/checks.h"
#include "cli/drop-ins.h"
#include "cli/messages.h"
#include "core/format/hosts-file.h"

#include <errno.h>

/* Not a broken link of the vsock listener, but of the login behind it. */
static void check_hosts(struct run *r)
{
        run_find_hosts(r);
        if (!r->hosts.address)
                message_cause(r, LOG_LEVEL_WARN, CAUSE_NO_UNKNOWN, "");
        else if (r->hosts.bypassed)
                log_line(
                        &r->log, LOG_LEVEL_WARN,
                        "%s (it is there, and DNS is asked before it, or nobody asks it); fix: put "
                        "the word files before all others into the hosts line of "
                        "/etc/nsswitch.conf",
                        causes[CAUSE_NO_UNKNOWN].what);
        else
                log_line(&r->log, LOG_LEVEL_STEP, "UNKNOWN resolves from /etc/hosts");
}

static int show_drop_ins(struct run *r)
{
        if (drop_ins_find(r) < 0)
                return run_fail(r);
        for (size_t i = 0; i < r->drop_ins.settings.n; i++)
                log_line(&r->log, LOG_LEVEL_STEP, "the units are changed by %s: %s",
                         r->drop_ins.paths.list[i], r->drop_ins.settings.list[i]);
        return EXIT_DONE;
}

/* What needs no root: whether an SSH server answers, and as far as systemd tells why not. Who gets
 * in and by which transport cannot be asked, and no module be loaded. */
static int verify_for_anybody(struct run *r)
{
        int status = run_read_config_or_port(r);

        if (status == EXIT_DONE && systemd_open(&r->systemd, NULL) == 0)
                status = run_make_plan(r, false);
        if (status != EXIT_DONE)
                return status;
        if (r->config_hidden)
                plan_free(&r->plan); /* towards what nobody asked for */
        run_find_verdict(r, &r->verdict);
        if (r->verdict.cause == CAUSE_NO_LOOPBACK) {
                r->verified = true;
                message_cause(r, LOG_LEVEL_WARN, CAUSE_NO_LOOPBACK, r->verdict.detail);
                status = EXIT_UNVERIFIABLE;
        } else {
                status = check_verdict(r);
        }
        check_hosts(r);
        log_line(&r->log, LOG_LEVEL_STEP,
                 "whose listener it is, who can log in and whether a host can connect is for root "
                 "to see: sudo sshd-vsock verify");
        return status;
}

int cmd_verify(struct run *r)
{
        int status = run_begin(r, false);

        r->as_it_is = true;
        r->homes = HOMES_NONE;
        if (status == EXIT_DONE && r->root.image) {
                /* AF_VSOCK would be the one of the machine around the image */
                error_fix(&r->error, "boot the image: its provision unit verifies, and so can you");
                (void)error_say(&r->error, -EINVAL,
                                "an image cannot be verified, only a running system");
                (void)run_fail(r);
                return EXIT_USAGE;
        }
        if (status == EXIT_DONE && geteuid() != 0)
                return verify_for_anybody(r);
        if (status == EXIT_DONE)
                status = run_compare(r);
        if (status != EXIT_DONE)
                return status;

        status = show_drop_ins(r);
        if (status != EXIT_DONE)
                return status;
        status = check_listener(r);
        if (status == EXIT_DONE)
                status = check_reachable(r);
        check_hosts(r);
        if (status == EXIT_DONE)
                status = check_logins(r, false);
        return status;
}
