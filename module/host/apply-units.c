/* SPDX-License-Identifier: MIT
 *
 * apply-units.c: see apply-units.h. Asks systemd and modprobe; writes no file.
 */
#include "host/apply-units.h"

#include "host/spawn.h"

#include <errno.h>
#include <string.h>

#define JOB_TIMEOUT    90 /* seconds; systemd's own DefaultTimeoutStartSec */
#define MODULE_TIMEOUT 30

static int load_module(const char *name, struct error *error)
{
        const char *const argv[] = { "/sbin/modprobe", name, NULL };
        AUTO_BUF text = BUF_INIT;
        int r = spawn_wait(argv, -1, -1, MODULE_TIMEOUT, &text);

        if (r < 0)
                return error_set(error, r, "cannot run modprobe");
        if (r > 0)
                return error_say(error, -EIO, "cannot load the module %s: %.*s", name,
                                 (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
        return 0;
}

static bool runs(struct systemd *m, const char *unit)
{
        struct unit_state s;
        struct error error = { 0 };

        return systemd_unit(m, unit, &s, &error) < 0 || (s.active && !s.starting);
}

int apply_refresh(struct systemd *m, const char *unit, struct error *error)
{
        struct error first = { 0 };
        int r = -ESRCH;

        if (runs(m, unit))
                r = systemd_job(m, JOB_RELOAD, unit, JOB_TIMEOUT, &first);
        if (r == 0)
                return 0;
        if (!runs(m, unit))
                return systemd_job(m, JOB_START, unit, JOB_TIMEOUT, error);
        *error = first;
        return r;
}

int apply_unit(struct systemd *m, const struct plan *p, const struct op *op, struct error *error)
{
        static const enum job jobs[] = {
                [OP_START] = JOB_START,
                [OP_RESTART] = JOB_RESTART,
                [OP_STOP] = JOB_STOP,
        };
        const struct op *next = op + 1 < p->ops + p->n && op[1].phase == op->phase ? op + 1 : NULL;

        if (op->kind == OP_MODULE)
                return load_module(op->name, error);
        if (op->kind == OP_RELOAD && next && next->kind == OP_RESTART)
                return systemd_reload_for(m, next->name, error);
        if (op->kind == OP_RELOAD)
                return systemd_reload(m, error);
        if (op->kind == OP_REFRESH)
                return apply_refresh(m, op->name, error);
        return systemd_job(m, jobs[op->kind], op->name, JOB_TIMEOUT, error);
}
