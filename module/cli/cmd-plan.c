/* SPDX-License-Identifier: MIT
 *
 * cmd-plan.c: `plan` shows what `apply` would do. Changes nothing.
 */
#include "cli/run.h"

int cmd_plan(struct run *r)
{
        int status = run_begin(r, false);

        r->quietly = true;
        if (status == EXIT_DONE)
                status = run_compare(r);
        if (status != EXIT_DONE)
                return status;

        run_report_skipped(r);
        run_report_hidden(r);
        if (r->root.image && run_report_program(r) < 0)
                return run_fail(r);
        if (r->log.max >= LOG_LEVEL_STEP || r->options.json)
                plan_print(&r->plan,
                           r->options.no_verify ? CLOSING_BLIND
                           : r->root.image      ? CLOSING_DEFERRED
                                                : CLOSING_VERIFIED,
                           &r->text);
        plan_print_summary(&r->plan, &r->text);
        status = run_report_conflicts(r);
        if (status == EXIT_DONE && r->plan.n > 0 && run_check_listen(r) < 0)
                status = run_fail(r);
        if (status != EXIT_DONE)
                return status;
        if (run_has_changes(r))
                return EXIT_CHANGES;
        log_line(&r->log, LOG_LEVEL_STEP, "nothing to do");
        return EXIT_DONE;
}
