/* SPDX-License-Identifier: MIT
 *
 * apply.c: see apply.h. Executes; what is to be done was decided in plan.c, and in which order.
 */
#include "host/apply-homes.h"
#include "host/apply-units.h"

#include "host/atomic-file.h"
#include "host/label.h"
#include "host/survey.h"

#include <errno.h>
#include <string.h>

/* What cannot be taken away stays: a directory of that name in a user's home must not keep the
 * vsock listener shut. */
static int sweep_one(const char *name, void *userdata)
{
        if (atomic_is_temporary(name)) /* it need not be durable: the next run sweeps again */
                (void)!atomic_unlink(*(const int *)userdata, name);
        return 0;
}

int apply_sweep_directory(const struct rootfs *root, const char *path)
{
        AUTO_FREE char *directory = strndup(path, (size_t)(strrchr(path, '/') - path));
        AUTO_CLOSE int dir = -1;
        const char *name;
        int r = directory ? rootfs_parent(root, path, false, &dir, &name) : -ENOMEM;

        if (r == 0)
                r = rootfs_list(root, directory, sweep_one, &dir);
        return r == -ENOMEM ? r : 0;
}

/* Where the path is written: a shared file that is a link is so in another directory. */
static const char *place(const struct item *i, const struct observed *o)
{
        return o->path ? o->path : i->path;
}

static bool same_directory(const char *a, const char *b)
{
        size_t n = (size_t)(strrchr(a, '/') - a);

        return n == (size_t)(strrchr(b, '/') - b) && strncmp(a, b, n) == 0;
}

int apply_sweep(const struct rootfs *root, const struct desired *d, const struct observed *observed)
{
        for (size_t k = 0; k < d->n; k++) {
                const char *path = place(&d->items[k], &observed[k]);
                bool skip = d->items[k].kind == ITEM_FLAG || observed[k].unseen;
                int r;

                for (size_t j = 0; !skip && j < k; j++)
                        skip = d->items[j].kind != ITEM_FLAG && !observed[j].unseen &&
                               same_directory(path, place(&d->items[j], &observed[j]));
                r = skip ? 0 : apply_sweep_directory(root, path);
                if (r < 0)
                        return r;
        }
        return apply_sweep_homes(root, d, observed);
}

static bool same_object(const struct observed *a, const struct observed *b)
{
        bool nothing = a->type == OBSERVED_NONE || a->type == OBSERVED_NO_DIRECTORY;

        if (nothing)
                return b->type == OBSERVED_NONE || b->type == OBSERVED_NO_DIRECTORY;
        return a->type == b->type && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static int has_changed(const struct rootfs *root, const struct op *op, struct error *error)
{
        error_fix(error, "run it again");
        return error_say(error, -ESTALE, "%s%s changed while sshd-vsock was at work", root->path,
                         op->name);
}

/* Between plan and now someone else may have changed the file: cloud-init, an admin. 1 where what
 * is wanted is there by now. */
static int unchanged(const struct rootfs *root, const struct op *op, struct error *error)
{
        struct observed now = { 0 };
        int r = survey_path(root, op->item, &now);
        bool same = r == 0 && same_object(op->before, &now);
        /* another home that is a link to this one, or its user was quicker */
        bool there = r == 0 && op->item->kind == ITEM_FLAG && op->kind == OP_WRITE &&
                     now.type == OBSERVED_FILE;

        observed_free(&now);
        if (r < 0)
                return error_set(error, r, "cannot look at %s%s", root->path, op->name);
        if (same || there)
                return there;
        return has_changed(root, op, error);
}

/* Durable before the next operation starts: a power cut, too, leaves a prefix of the plan. */
static int write_op(const struct rootfs *root, struct op *op, struct error *error)
{
        bool create = op->kind != OP_UNLINK && op->item->kind != ITEM_FLAG;
        struct content c = { op->content, op->len, op->mode, op->uid, op->gid, false };
        AUTO_CLOSE int dir = -1;
        const char *name;
        int r = rootfs_parent(root, op->name, create, &dir, &name);

        if (r < 0)
                return r;
        if (op->item->kind == ITEM_FLAG && !survey_is_home(root, op->item, dir))
                return has_changed(root, op, error);
        c.in_home = op->item->kind == ITEM_FLAG && strncmp(op->name, "/etc/", 5) != 0;
        if (op->kind == OP_WRITE)
                r = atomic_write(dir, name, &c);
        else if (op->kind == OP_LINK)
                r = atomic_link(dir, name, op->content);
        else
                r = atomic_unlink(dir, name);
        op->changed = r == 0;
        if (r == 0)
                r = atomic_sync(dir);
        if (r == 0 && op->kind == OP_UNLINK && (op->item->flags & ITEM_DIRECTORY))
                rootfs_drop_if_empty(root, op->name);
        return r;
}

static const char *advice(int error)
{
        switch (error) {
        case -EROFS:
                return "mount its file system read-write (\"mount -o remount,rw DIR\")";
        case -ENOSPC:
        case -EDQUOT:
                return "make room on the file system; a re-run finishes the job";
        case -EPERM:
                if (geteuid() != 0)
                        return "run as root, whose files these are to be, or under \"unshare -r\"";
                return "look for an immutable file or directory (lsattr), and run as root";
        case -EBUSY:
                return "it is a mount point of its own (a container's?): change it from where it "
                       "is mounted";
        }
        return NULL;
}

int apply_file(const struct rootfs *root, struct op *op, struct error *error)
{
        const char *fix;
        int r;

        r = unchanged(root, op, error);
        if (r != 0)
                return r < 0 ? r : 0;
        r = write_op(root, op, error);
        if (r >= 0 || (r == -ESTALE && error->text[0]))
                return r;
        fix = advice(r);
        if (fix)
                error_fix(error, "%s", fix);
        return error_set(error, r, "cannot %s %s%s", op->kind == OP_UNLINK ? "remove" : "write",
                         root->path, op->name);
}

static int run_op(const struct rootfs *root, struct systemd *m, const struct plan *p, struct op *op,
                  struct error *error)
{
        if (op->kind == OP_LABEL)
                return label_restore(&op->name, 1, error);
        if (op->item)
                return apply_file(root, op, error);
        return apply_unit(m, p, op, error);
}

/* A job for the vsock listener. Where it fails TCP units that are to open do so all the same: that
 * locks nobody out, and may be the way in that is left. */
static bool is_of_listener(const struct op *op)
{
        return op->phase == PHASE_ACTIVATE && !op->item &&
               (strcmp(op->name, UNIT_SOCKET) == 0 || strcmp(op->name, UNIT_KEYGEN) == 0);
}

static int run_phase(const struct rootfs *root, struct systemd *m, struct plan *p, enum phase phase,
                     const struct apply_report *report, struct error *error)
{
        int first = 0; /* of the vsock listener */

        for (size_t k = 0; k < p->n; k++) {
                struct op *op = &p->ops[k];
                struct error soft = { 0 };
                const bool is_soft = op->kind == OP_MODULE ||
                                     (op->item ? item_is_extra(op->item)
                                               : strcmp(op->name, UNIT_CREDENTIAL) == 0);
                int r;

                if (op->phase != phase || (first < 0 && is_of_listener(op)))
                        continue;
                if (op->item && op->item->kind == ITEM_FLAG) {
                        k += apply_homes(root, p, k, report) - 1;
                        continue;
                }
                op->tried = true;
                if (!op->item && report->begins)
                        report->begins(report->userdata, op);
                r = run_op(root, m, p, op, is_soft || first < 0 ? &soft : error);
                if (r >= 0) {
                        op->done = true;
                        if (report->done)
                                report->done(report->userdata, op);
                        continue;
                }
                if ((is_soft || first < 0) && report->skipped)
                        report->skipped(report->userdata, op, &soft);
                if (!is_soft && (first < 0 || !is_of_listener(op)))
                        return first < 0 ? first : r;
                if (!is_soft)
                        first = r;
        }
        return first;
}

/* What was written has the label of its directory; the policy may want another one. Homes have
 * theirs from the kernel. */
static int label_phase(const struct rootfs *root, const struct plan *p, enum phase phase,
                       struct error *error)
{
        AUTO_FREE const char **paths = calloc(p->n + 1, sizeof(*paths));
        size_t n = 0;

        if (!paths)
                return error_set(error, -ENOMEM, "cannot label what was written");
        for (const struct op *op = p->ops; !root->image && op < p->ops + p->n; op++) {
                struct error extra = { 0 };

                if (op->phase != phase || !op->done ||
                    (op->kind != OP_WRITE && op->kind != OP_LINK) || op->item->kind == ITEM_FLAG)
                        continue;
                if (!item_is_extra(op->item))
                        paths[n++] = op->name;
                else if (label_restore(&op->name, 1, &extra) < 0)
                        continue; /* the hosts entry ends no run: its label is drift then */
        }
        return label_restore(paths, n, error);
}

int apply_phase(const struct rootfs *root, struct systemd *m, struct plan *p, enum phase phase,
                const struct apply_report *report, struct error *error)
{
        int r = run_phase(root, m, p, phase, report, error);
        int labelled = label_phase(root, p, phase, error);

        return r < 0 ? r : labelled;
}

static int restore(const struct rootfs *root, const struct op *op)
{
        const struct observed *o = op->before;
        struct content c = { o->data, o->len, o->mode, o->uid, o->gid, false };
        /* its directory went with it where it was the last one in it */
        bool comes_back = o->type == OBSERVED_FILE || o->type == OBSERVED_LINK;
        AUTO_CLOSE int dir = -1;
        const char *name;
        int r = rootfs_parent(root, op->name, comes_back, &dir, &name);

        if (r < 0)
                return r;
        if (o->type == OBSERVED_FILE)
                r = atomic_write(dir, name, &c);
        else if (o->type == OBSERVED_LINK)
                r = atomic_link(dir, name, o->data);
        else
                r = atomic_unlink(dir, name);
        return r < 0 ? r : atomic_sync(dir);
}

/* The record of a mask stays where a mask does: whoever comes next knows whose it is. */
static int put_back(const struct rootfs *root, const struct plan *p, enum phase phase,
                    unsigned flags, unsigned but, struct error *error)
{
        int first = 0;

        for (size_t k = p->n; k-- > 0;) {
                const struct op *op = &p->ops[k];
                int r;

                if (op->phase != phase || !op->item || !op->changed ||
                    (flags && !(op->item->flags & flags)) || (op->item->flags & but) ||
                    (first < 0 && (op->item->flags & ITEM_RECORD)))
                        continue;
                r = restore(root, op);
                if (r < 0 && first == 0)
                        first = error_set(error, r, "cannot put %s%s back", root->path, op->name);
        }
        return first;
}

int apply_undo(const struct rootfs *root, const struct plan *p, enum phase phase, unsigned flags,
               struct error *error)
{
        return put_back(root, p, phase, flags, 0, error);
}

int apply_undo_but(const struct rootfs *root, const struct plan *p, enum phase phase,
                   unsigned flags, struct error *error)
{
        return put_back(root, p, phase, 0, flags, error);
}
