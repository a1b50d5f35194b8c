/* SPDX-License-Identifier: MIT
 *
 * cmd-check.c: `check` reads the configuration and says its faults. Looks at nothing else,
 * but whether the users it names exist, and whether another configuration differs.
 */
#include "cli/run.h"

int cmd_check(struct run *r)
{
        int status = run_open_root(r);

        r->checks = true;
        if (status == EXIT_DONE)
                status = run_read_config(r);
        if (status == EXIT_DONE && r->source == CONFIG_DEFAULTS)
                log_line(&r->log, LOG_LEVEL_STEP, "there is no %s%s: the defaults hold",
                         r->root.path, CONFIG_PATH_DEFAULT);
        else if (status == EXIT_DONE)
                log_line(&r->log, LOG_LEVEL_STEP, "the configuration is valid");
        return status;
}
