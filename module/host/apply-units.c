/* SPDX-License-Identifier: MIT
 *
 * apply-units.c: see apply-units.h. Asks systemd and modprobe; writes no file.
 */
#include "host/apply-units.h"

#include "host/spawn.h"

#include <errno.h>
#include <string.h>

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

        return systemd_unit(m, unit, &s, NULL) < 0 || (s.active && !s.starting);
}

/* Lets a unit re-read its configuration; one that ended of it, or is about to be started again,
 * starts. */
static int refresh(struct systemd *m, const char *unit, struct error *error)
{
        struct error first = { 0 };
        int r = -ESRCH;

        if (runs(m, unit))
                r = systemd_job(m, JOB_RELOAD, unit, JOB_SECONDS, &first);
        if (r == 0)
                return 0;
        if (!runs(m, unit))
                return systemd_job(m, JOB_START, unit, JOB_SECONDS, error);
        *error = first;
        return r;
}

/* Stops the service that has the socket's descriptors, where one runs. */
static int stop_service(struct systemd *m, const char *service, struct error *error)
{
        struct unit_state s = { 0 };
        int r = service[0] ? systemd_unit(m, service, &s, error) : 0;

        return r == 0 && s.active ? systemd_job(m, JOB_STOP, service, JOB_SECONDS, error) : r;
}

int apply_rebind(struct systemd *m, const char *socket, struct error *error)
{
        struct error first = { 0 };
        char service[256] = "";
        int r = systemd_socket_service(m, socket, service, sizeof(service), &first), restarted;

        if (r == 0)
                r = stop_service(m, service, &first);
        /* all the same: it may be the only way in, and may be bound */
        restarted = systemd_job(m, JOB_RESTART, socket, JOB_SECONDS, r < 0 ? NULL : error);
        if (r < 0 && restarted < 0 && error)
                *error = first;
        return restarted;
}

/* A connection to the socket would start its service again. */
int apply_release(struct systemd *m, const char *socket, struct error *error)
{
        char service[256] = "";
        int r = systemd_socket_service(m, socket, service, sizeof(service), error);

        if (r == 0)
                r = systemd_job(m, JOB_STOP, socket, JOB_SECONDS, error);
        return r < 0 ? r : stop_service(m, service, error);
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
                return refresh(m, op->name, error);
        return systemd_job(m, jobs[op->kind], op->name, JOB_SECONDS, error);
}

static bool is_socket(const char *unit)
{
        return strstr(unit, ".socket") != NULL;
}

/* The reverse of one operation. What a socket got may be in use by now. */
static int undo(struct systemd *m, const struct op *op, struct error *error)
{
        if (is_socket(op->name) && (op->kind == OP_STOP || op->kind == OP_RESTART))
                return apply_rebind(m, op->name, error);
        switch (op->kind) {
        case OP_START:
                return systemd_job(m, JOB_STOP, op->name, JOB_SECONDS, error);
        case OP_STOP:
                return systemd_job(m, JOB_START, op->name, JOB_SECONDS, error);
        case OP_RESTART:
                return systemd_job(m, JOB_RESTART, op->name, JOB_SECONDS, error);
        case OP_REFRESH:
                return refresh(m, op->name, error);
        default:
                return 0;
        }
}

/* Sockets before services: a service that runs already keeps its socket from starting. One that
 * fails keeps no other from being tried. */
int apply_undo_units(struct systemd *m, const struct plan *p, enum phase phase, struct error *error)
{
        int first = 0;

        for (int services = 0; services < 2; services++)
                for (size_t k = 0; k < p->n; k++) {
                        const struct op *op = &p->ops[k];
                        int r = 0;

                        if (op->tried && op->phase == phase && !op->item &&
                            is_socket(op->name) == (services == 0))
                                r = undo(m, op, error);
                        first = first < 0 ? first : r;
                }
        return first;
}
