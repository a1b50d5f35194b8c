/* SPDX-License-Identifier: MIT
 *
 * apply.c: see apply.h. Executes; what is to be done was decided in plan.c, and in which order.
 */
#include "host/applyhomes.h"

#include "host/atomic.h"
#include "host/label.h"
#include "host/process.h"
#include "host/survey.h"

#include <errno.h>
#include <string.h>

#define JOB_TIMEOUT    90 /* seconds; systemd's own DefaultTimeoutStartSec */
#define MODULE_TIMEOUT 30

/* What cannot be taken away stays: a folder of that name in a user's home must not keep the door
 * shut. */
static int sweep_one(int dir, const char *name, void *userdata)
{
        int r = atomic_is_temporary(name) ? atomic_unlink(dir, name) : 0;

        (void)userdata;
        (void)r; /* nor need it be durable: the next run sweeps again */
        return 0;
}

int apply_sweep_folder(const struct rootfs *root, const char *path)
{
        AUTO_FREE char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));

        if (!folder)
                return -ENOMEM;
        return rootfs_list(root, folder, sweep_one, NULL) == -ENOMEM ? -ENOMEM : 0;
}

/* Where the path is written: a shared file that is a link is so in another folder. */
static const char *place(const struct item *i, const struct object *o)
{
        return o->path ? o->path : i->path;
}

static bool same_folder(const char *a, const char *b)
{
        size_t n = (size_t)(strrchr(a, '/') - a);

        return n == (size_t)(strrchr(b, '/') - b) && strncmp(a, b, n) == 0;
}

int apply_sweep(const struct rootfs *root, const struct desired *d, const struct object *objects)
{
        const char *last = NULL;

        for (size_t k = 0; k < d->n; k++) {
                const char *path = place(&d->items[k], &objects[k]);
                bool skip = d->items[k].kind == ITEM_FLAG || objects[k].unseen ||
                            (last && same_folder(path, last));
                int r = skip ? 0 : apply_sweep_folder(root, path);

                if (r < 0)
                        return r;
                last = path;
        }
        return apply_sweep_homes(root, d, objects);
}

/* The operation before this one on the same path, in the same plan. */
static const struct op *earlier(const struct plan *p, const struct op *op)
{
        for (const struct op *o = op; o-- > p->ops;)
                if (o->item && strcmp(o->name, op->name) == 0)
                        return o;
        return NULL;
}

static bool same_object(const struct object *a, const struct object *b)
{
        bool nothing = a->type == OBJECT_NONE || a->type == OBJECT_NO_FOLDER;

        if (nothing)
                return b->type == OBJECT_NONE || b->type == OBJECT_NO_FOLDER;
        return a->type == b->type && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* Between plan and now someone else may have changed the file: cloud-init, an admin. 1 where what
 * is wanted is there by now. */
static int unchanged(const struct rootfs *root, const struct op *op, struct why *why)
{
        struct object now = { 0 };
        int r = survey_object(root, op->item, &now);
        bool same = r == 0 && same_object(op->before, &now);
        /* another home that is a link to this one, or its user was quicker */
        bool there = r == 0 && op->item->kind == ITEM_FLAG && op->kind == OP_WRITE &&
                     now.type == OBJECT_FILE;

        object_free(&now);
        if (r < 0)
                return why_set(why, r, "cannot look at %s%s", root->path, op->name);
        if (same || there)
                return there;
        why_fix(why, "run it again");
        return why_say(why, -ESTALE, "%s%s changed while sshd-vsock was at work", root->path,
                       op->name);
}

/* In PHASE_OPEN what is added comes in no order that anyone depends on: sync_folders() syncs each
 * folder once (13 fsyncs instead of 16 in a fresh apply); but what says where sshd listens comes
 * after all that, and before it is unmasked. All else is durable before the next
 * operation starts, so that a power cut, too, leaves a prefix of the plan. */
static bool is_synced_later(const struct op *op)
{
        return op->phase == PHASE_OPEN && op->item && op->kind != OP_UNLINK &&
               !item_is_extra(op->item) && !(op->item->flags & ITEM_TCP);
}

static int write_op(const struct rootfs *root, const struct op *op)
{
        bool create = op->kind != OP_UNLINK && op->item->kind != ITEM_FLAG;
        struct content c = { op->content, op->len, op->mode, op->uid, op->gid, false };
        AUTO_CLOSE int dir = -1;
        const char *name;
        int r = rootfs_parent(root, op->name, create, &dir, &name);

        if (r < 0)
                return r;
        c.in_home = op->item->kind == ITEM_FLAG && strncmp(op->name, "/etc/", 5) != 0;
        if (op->kind == OP_WRITE)
                r = atomic_write(dir, name, &c);
        else if (op->kind == OP_LINK)
                r = atomic_link(dir, name, op->content);
        else
                r = atomic_unlink(dir, name);
        if (r == 0 && !is_synced_later(op))
                r = atomic_sync(dir);
        if (r == 0 && op->kind == OP_UNLINK && (op->item->flags & ITEM_FOLDER))
                rootfs_drop_if_empty(root, op->name);
        return r;
}

/* Whether an operation before this one has its name in the same folder. */
static bool folder_was_synced(const struct plan *p, const struct op *op)
{
        for (const struct op *o = p->ops; o < op; o++)
                if (o->done && is_synced_later(o) && same_folder(o->name, op->name))
                        return true;
        return false;
}

/* Goes on after a failure and returns the first. */
static int sync_folders(const struct rootfs *root, const struct plan *p, struct why *why)
{
        int first = 0;

        for (const struct op *op = p->ops; op < p->ops + p->n; op++) {
                AUTO_CLOSE int dir = -1;
                const char *name;
                int r;

                if (!op->done || !is_synced_later(op) || folder_was_synced(p, op))
                        continue;
                r = rootfs_parent(root, op->name, false, &dir, &name);
                if (r == 0)
                        r = atomic_sync(dir);
                if (r < 0 && first == 0)
                        first = why_set(why, r, "cannot sync the folder of %s%s", root->path,
                                        op->name);
        }
        return first;
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
                return "look for an immutable file or folder (lsattr), and run as root";
        case -EBUSY:
                return "it is a mount point of its own (a container's?): change it from where it "
                       "is mounted";
        }
        return NULL;
}

int apply_file(const struct rootfs *root, const struct plan *p, const struct op *op,
               struct why *why)
{
        const char *fix;
        int r;

        if (!earlier(p, op)) {
                r = unchanged(root, op, why);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
        if (op->phase == PHASE_OPEN && (op->item->flags & ITEM_TCP)) {
                r = sync_folders(root, p, why);
                if (r < 0)
                        return r;
        }
        r = write_op(root, op);
        if (r >= 0)
                return 0;
        fix = advice(r);
        if (fix)
                why_fix(why, "%s", fix);
        return why_set(why, r, "cannot %s %s%s", op->kind == OP_UNLINK ? "remove" : "write",
                       root->path, op->name);
}

static int run_module(const struct op *op, struct why *why)
{
        const char *const argv[] = { "/sbin/modprobe", op->name, NULL };
        AUTO_BUF text = BUF_INIT;
        int r = spawn_wait(argv, -1, -1, MODULE_TIMEOUT, &text);

        if (r < 0)
                return why_set(why, r, "cannot run modprobe");
        if (r > 0)
                return why_say(why, -EIO, "cannot load the module %s: %.*s", op->name,
                               (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
        return 0;
}

static bool runs(struct manager *m, const char *unit)
{
        struct unit_state s;
        struct why why = { 0 };

        return manager_unit(m, unit, &s, &why) < 0 || (s.active && !s.starting);
}

int apply_refresh(struct manager *m, const char *unit, struct why *why)
{
        struct why first = { 0 };
        int r = -ESRCH;

        if (runs(m, unit))
                r = manager_job(m, JOB_RELOAD, unit, JOB_TIMEOUT, &first);
        if (r == 0)
                return 0;
        if (!runs(m, unit))
                return manager_job(m, JOB_START, unit, JOB_TIMEOUT, why);
        *why = first;
        return r;
}

static int run_unit(struct manager *m, const struct plan *p, const struct op *op, struct why *why)
{
        static const enum job jobs[] = {
                [OP_START] = JOB_START,
                [OP_RESTART] = JOB_RESTART,
                [OP_STOP] = JOB_STOP,
        };
        const struct op *next = op + 1 < p->ops + p->n && op[1].phase == op->phase ? op + 1 : NULL;

        if (op->kind == OP_RELOAD && next && next->kind == OP_RESTART)
                return manager_reload_for(m, next->name, why);
        if (op->kind == OP_RELOAD)
                return manager_reload(m, why);
        if (op->kind == OP_REFRESH)
                return apply_refresh(m, op->name, why);
        return manager_job(m, jobs[op->kind], op->name, JOB_TIMEOUT, why);
}

static int run_op(const struct rootfs *root, struct manager *m, const struct plan *p,
                  const struct op *op, struct why *why)
{
        if (op->kind == OP_LABEL)
                return label_restore(&op->name, 1, why);
        if (op->item)
                return apply_file(root, p, op, why);
        return op->kind == OP_MODULE ? run_module(op, why) : run_unit(m, p, op, why);
}

/* A job for the door. Where it fails TCP units that are to open do so all the same: that locks
 * nobody out, and may be the way in that is left. */
static bool is_of_door(const struct op *op)
{
        return op->phase == PHASE_ACTIVATE && !op->item &&
               (strcmp(op->name, UNIT_SOCKET) == 0 || strcmp(op->name, UNIT_KEYGEN) == 0);
}

static int run_phase(const struct rootfs *root, struct manager *m, struct plan *p, enum phase phase,
                     const struct apply_report *report, struct why *why)
{
        int first = 0; /* of the door */

        for (size_t k = 0; k < p->n; k++) {
                struct op *op = &p->ops[k];
                struct why soft = { 0 };
                const bool is_soft = op->kind == OP_MODULE || (op->item && item_is_extra(op->item));
                int r;

                if (op->phase != phase || (first < 0 && is_of_door(op)))
                        continue;
                if (op->item && op->item->kind == ITEM_FLAG) {
                        k += apply_homes(root, p, k, report) - 1;
                        continue;
                }
                op->tried = true;
                r = run_op(root, m, p, op, is_soft || first < 0 ? &soft : why);
                if (r >= 0) {
                        op->done = true;
                        if (report->done)
                                report->done(report->userdata, op);
                        continue;
                }
                if ((is_soft || first < 0) && report->skipped)
                        report->skipped(report->userdata, op, &soft);
                if (!is_soft && (first < 0 || !is_of_door(op)))
                        return first < 0 ? first : r;
                if (!is_soft)
                        first = r;
        }
        return first;
}

/* What was written has the label of its folder; the policy may want another one. Homes have theirs
 * from the kernel. */
static int label_phase(const struct rootfs *root, const struct plan *p, enum phase phase,
                       struct why *why)
{
        AUTO_FREE const char **paths = calloc(p->n + 1, sizeof(*paths));
        size_t n = 0;

        if (!paths)
                return why_set(why, -ENOMEM, "cannot label what was written");
        for (const struct op *op = p->ops; op < p->ops + p->n; op++)
                if (op->phase == phase && op->done &&
                    (op->kind == OP_WRITE || op->kind == OP_LINK) && op->item->kind != ITEM_FLAG)
                        paths[n++] = op->name;
        return root->image ? 0 : label_restore(paths, n, why);
}

int apply_phase(const struct rootfs *root, struct manager *m, struct plan *p, enum phase phase,
                const struct apply_report *report, struct why *why)
{
        int r = run_phase(root, m, p, phase, report, why);
        int synced = phase == PHASE_OPEN ? sync_folders(root, p, why) : 0;
        int labelled = label_phase(root, p, phase, why);

        return r < 0 ? r : synced < 0 ? synced : labelled;
}

static int restore(const struct rootfs *root, const struct plan *p, const struct op *op)
{
        const struct op *first = earlier(p, op);
        const struct object *o = op->before;
        struct content c = { o->data, o->len, o->mode, o->uid, o->gid, false };
        AUTO_CLOSE int dir = -1;
        const char *name;
        int r = rootfs_parent(root, op->name, false, &dir, &name);

        if (r < 0 || op->kind == OP_LABEL)
                return r;
        if (first) /* back to what the earlier phase made of it */
                r = write_op(root, first);
        else if (o->type == OBJECT_FILE)
                r = atomic_write(dir, name, &c);
        else if (o->type == OBJECT_LINK)
                r = atomic_link(dir, name, o->data);
        else
                r = atomic_unlink(dir, name);
        return r < 0 ? r : atomic_sync(dir);
}

int apply_undo(const struct rootfs *root, const struct plan *p, enum phase phase, unsigned flags,
               struct why *why)
{
        int first = 0;

        for (size_t k = p->n; k-- > 0;) {
                const struct op *op = &p->ops[k];
                int r;

                if (op->phase != phase || !op->item || !op->done ||
                    (flags && !(op->item->flags & flags)))
                        continue;
                r = restore(root, p, op);
                if (r < 0 && first == 0)
                        first = why_set(why, r, "cannot put %s%s back", root->path, op->name);
        }
        return first;
}
