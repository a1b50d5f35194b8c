/* SPDX-License-Identifier: MIT
 *
 * plan-rivals.c: the part of making a plan that is about other units on our port: their masks, and
 * what is started and stopped so that the port changes hands. A daemon-reload closes a stream that
 * is not named any more and leaves all others open (socket.c, socket_deserialize_item()): TCP is
 * never down when a unit loses its vsock stream. Decides only; asks and touches nothing.
 */
#include "core/plan/plan-units.h"

#include <string.h>

static int add_different(struct plan *p, const struct item *i)
{
        const char *unit = basename(i->path);

        if (!p->facts->live)
                return plan_add_conflict(p, i,
                                         "would mask %s, which has the vsock port and does what "
                                         "ours does not: %.320s; fix: disable it there, with "
                                         "\"systemctl --root\", and run this again; or \"apply "
                                         "--takeover\" masks it, and \"remove\" puts it back",
                                         unit, i->different);
        return plan_add_conflict(p, i,
                                 "would mask %s, which has the vsock port and does what ours does "
                                 "not: %.320s; fix: \"systemctl disable --now %s && sshd-vsock "
                                 "apply\"; or \"sshd-vsock apply --takeover\" masks it, and "
                                 "\"remove\" puts it back",
                                 unit, i->different, unit);
}

int plan_add_different_stream(struct plan *p, const struct item *i)
{
        return plan_add_conflict(
                p, i,
                "would lose its vsock stream, whose service does what ours does not: %.320s; fix: "
                "delete the stream and run %s; or \"%s --takeover\" deletes it, and "
                "\"remove\" puts it back",
                i->different,
                p->facts->live ? "\"systemctl daemon-reload && sshd-vsock apply\"" : "this again",
                p->facts->live ? "sshd-vsock apply" : "apply");
}

/* A copy in /etc takes the place of the file, and what is in /etc is taken over; but not of what
 * systemd looks at before that (path-lookup.c; a transient unit starts at no boot). */
static int add_obstacle(struct plan *p, const struct rival *v)
{
        const char *path = v->obstacle, *name = basename(path);
        const char *again = p->facts->live ? "then \"systemctl daemon-reload && sshd-vsock apply\""
                                           : "and run this again";
        const char *dropin = memrchr(path, '/', (size_t)(name - 1 - path));

        if (strstr(path, "/system.control/"))
                return plan_add_obstacle(p, path, BLOCKS_LISTENER,
                                         "has %s listen on the vsock port, too; fix: take that "
                                         "stream out of it, %s",
                                         v->name, again);
        if (strncmp(path, SYSTEM_UNIT_DIR "/", strlen(SYSTEM_UNIT_DIR "/")) == 0)
                return plan_add_obstacle(p, path, BLOCKS_LISTENER,
                                         "is a link, and has %s listen on the vsock port, too; "
                                         "fix: put a copy of what it leads to in its place, %s",
                                         v->name, again);
        return plan_add_obstacle(
                p, path, BLOCKS_LISTENER,
                "has %s listen on the vsock port, too; fix: copy it to " SYSTEM_UNIT_DIR "%s, %s",
                v->name, strstr(path, ".d/") ? dropin : name - 1, again);
}

int plan_rivals_obstacles(struct plan *p, const struct desired *d, const struct facts *f)
{
        int r = 0;

        for (size_t k = 0; r == 0 && d->port != 0 && k < f->n_rivals; k++) {
                const struct rival *v = &f->rivals[k];
                /* it stays masked, by us */
                const bool closed = v->masked && plan_item_of(d, ITEM_MASK, true, v->name);

                if (v->obstacle && !closed)
                        r = add_obstacle(p, v);
        }
        return r;
}

int plan_rival(struct plan *p, const struct desired *d, const struct observed *observed,
               const struct item *i, const struct observed *o)
{
        const bool masked = observed_is_mask(o, i->path);
        AUTO_BUF content = BUF_INIT;

        if (!i->wanted) {
                const struct observed *saved = plan_find_saved(d, observed, i->path);

                if (saved && (masked || o->type == OBSERVED_NONE))
                        return plan_copy(p, i, o, saved);
                return masked ? plan_add_file(p, OP_UNLINK, i, o, NULL) : 0;
        }
        if (masked)
                return o->mislabelled ? plan_add_file(p, OP_LABEL, i, o, NULL) : 0;
        if (i->different)
                return add_different(p, i);
        if (o->type == OBSERVED_LINK || o->type == OBSERVED_OTHER)
                return plan_add_conflict(
                        p, i, "is not a file and not managed by sshd-vsock" PLAN_MOVE_AWAY);
        buf_adds(&content, i->content);
        return plan_add_file(p, OP_LINK, i, o, &content);
}

/* ---- jobs --------------------------------------------------------------------------------------
 */

bool plan_touches(const struct plan *p, const char *unit)
{
        const struct op_query q = { .flags = ITEM_RIVAL };
        const size_t n = strlen(unit);

        for (const struct op *op = NULL; (op = plan_find(p, op, &q));) {
                const char *at = op->name + strlen(SYSTEM_UNIT_DIR "/");

                if (strncmp(at, unit, n) == 0 && (at[n] == '\0' || at[n] == '.'))
                        return true;
        }
        return false;
}

bool plan_rivals_unread(const struct facts *f)
{
        for (size_t k = 0; k < f->n_rivals; k++)
                if (f->rivals[k].kind != RIVAL_ASIDE && f->rivals[k].active &&
                    f->rivals[k].needs_reload)
                        return true;
        return false;
}

int plan_rivals_stop(struct plan *p, const struct facts *f)
{
        int r = 0;

        for (size_t k = 0; r == 0 && k < f->n_rivals; k++) {
                const struct rival *v = &f->rivals[k];

                if (v->kind != RIVAL_WHOLE || !v->active || v->different.len > 0)
                        continue;
                r = plan_unit(p, OP_STOP, PHASE_ACTIVATE, v->name);
                if (r == 0 && v->serves)
                        r = plan_unit(p, OP_STOP, PHASE_ACTIVATE, v->service);
        }
        return r;
}

int plan_rivals_release(struct plan *p, const struct facts *f, const struct units *u)
{
        int r = 0;

        for (size_t k = 0; r == 0 && k < f->n_rivals; k++)
                if (f->rivals[k].kind == RIVAL_STREAM && f->rivals[k].active &&
                    f->rivals[k].serves && !u->socket.active)
                        r = plan_unit(p, OP_STOP, PHASE_ACTIVATE, f->rivals[k].service);
        return r;
}

int plan_rivals_return(struct plan *p, const struct facts *f)
{
        int r = 0;

        for (size_t k = 0; r == 0 && k < f->n_rivals; k++) {
                const struct rival *v = &f->rivals[k];

                if (v->kind == RIVAL_WHOLE && v->enabled && !v->active)
                        r = plan_unit(p, OP_START, PHASE_CLOSE, v->name);
                if (v->kind != RIVAL_STREAM || !plan_touches(p, v->name) ||
                    (!v->active &&
                     !PLAN_FIRST(p, .job = true, .kinds = BIT(OP_START), .name = v->name)))
                        continue;
                if (v->serves)
                        r = plan_unit(p, OP_STOP, PHASE_CLOSE, v->service);
                if (r == 0)
                        r = plan_unit(p, OP_RESTART, PHASE_CLOSE, v->name);
        }
        return r;
}
