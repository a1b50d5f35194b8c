/* SPDX-License-Identifier: MIT
 *
 * verbs.c: the verbs that change nothing: check, plan, verify. They read, and say.
 */
#include "run.h"

#include "diagnose.h"
#include "hosts.h"
#include "say.h"

#include <stdio.h>

int verb_check(struct run *r)
{
        int status = run_open_root(r);

        if (status == EXIT_DONE)
                status = run_read_config(r);
        if (status == EXIT_DONE)
                log_line(&r->log, LOG_LEVEL_STEP, "the configuration is valid");
        return status;
}

static bool leaves_something(const struct run *r)
{
        bool closes = !r->root.image || r->options.no_verify;

        return plan_has(&r->plan, PHASE_OPEN) || plan_has(&r->plan, PHASE_ACTIVATE) ||
               (closes && plan_has(&r->plan, PHASE_CLOSE));
}

int verb_plan(struct run *r)
{
        AUTO_BUF out = BUF_INIT;
        int status = run_begin(r);

        if (status == EXIT_DONE)
                status = run_read_config(r);
        if (status == EXIT_DONE)
                status = run_make_plan(r, false);
        if (status != EXIT_DONE)
                return status;

        plan_print(&r->plan, r->root.image && !r->options.no_verify, &out);
        if (fwrite(buf_str(&out), 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
                (void)why_say(&r->why, -1, "cannot write the plan to standard output");
                return run_fail(r);
        }
        status = run_report_conflicts(r);
        if (status != EXIT_DONE)
                return status;
        if (leaves_something(r))
                return EXIT_CHANGES;
        log_line(&r->log, LOG_LEVEL_STEP, "nothing to do");
        return EXIT_DONE;
}

/* Not a broken link of the door, but of the login behind it. */
static void check_hosts(struct run *r)
{
        AUTO_FREE char *text = NULL;
        enum hosts_state state = HOSTS_ABSENT;
        size_t len = 0;

        if (rootfs_read(&r->root, "/etc/hosts", 1024u * 1024u, &text, &len, NULL) < 0 ||
            hosts_inspect(text, len, &state, NULL) < 0 || state == HOSTS_ABSENT)
                say_cause(r, LOG_LEVEL_WARN, CAUSE_NO_UNKNOWN, "");
        else
                log_line(&r->log, LOG_LEVEL_STEP, "UNKNOWN resolves from /etc/hosts");
}

int verb_verify(struct run *r)
{
        struct verdict v;
        int status = run_begin(r);

        if (status == EXIT_DONE)
                status = run_read_config(r);
        if (status == EXIT_DONE)
                status = run_make_plan(r, false);
        if (status != EXIT_DONE)
                return status;

        verify_door(r->config.port, r->config.verify_timeout, &v);
        status = say_verdict(r, &v);
        check_hosts(r);
        return status;
}
