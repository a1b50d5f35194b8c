/* SPDX-License-Identifier: MIT
 *
 * apply-homes.c: see apply-homes.h. All of it in a child with a deadline, but where all homes are
 * in an image's own file system: a home on a dead one may answer a look, and hang for ever in a
 * write. A child that is killed in the middle leaves a temporary file at most, as a run that is.
 */
#include "host/apply-homes.h"

#include "host/clock.h"
#include "host/home-child.h"

#include <errno.h>

/* An fsync(2) on a slow disk takes its time. */
#define WRITE_SECONDS 10
#define SWEEP_SECONDS 2

struct homes_work {
        const struct rootfs *root;
        struct op *ops;
        const struct apply_report *report;
};

static int run_home(void *userdata, size_t k, struct observed *ret, struct error *error)
{
        const struct homes_work *h = userdata;

        (void)ret;
        return apply_file(h->root, &h->ops[k], error);
}

static bool is_home_near(void *userdata, size_t k)
{
        const struct homes_work *h = userdata;

        return rootfs_is_near(h->root, h->ops[k].name);
}

static void take_home(void *userdata, size_t k, int result, const struct observed *o,
                      const struct error *error)
{
        const struct homes_work *h = userdata;
        struct op *op = &h->ops[k];
        struct error soft = *error;

        (void)o;
        op->tried = true;
        op->done = result == 0;
        if (result == -ETIMEDOUT && !soft.text[0]) {
                error_fix(&soft, "see why the file system of that home hangs (mount, df)");
                (void)error_say(&soft, result, "cannot %s %s%s: its file system does not answer",
                                op->kind == OP_UNLINK ? "remove" : "write", h->root->path,
                                op->name);
        } else if (result < 0) {
                (void)error_set(&soft, result, "cannot %s %s%s",
                                op->kind == OP_UNLINK ? "remove" : "write", h->root->path,
                                op->name);
        }
        if (op->done && h->report->done)
                h->report->done(h->report->userdata, op);
        else if (!op->done && h->report->skipped)
                h->report->skipped(h->report->userdata, op, &soft);
}

size_t apply_homes(const struct rootfs *root, struct plan *p, size_t first,
                   const struct apply_report *report)
{
        struct homes_work h = { root, &p->ops[first], report };
        const struct op *op = h.ops;
        size_t n = 0;
        int r;

        while (first + n < p->n && op[n].phase == op->phase && op[n].item &&
               op[n].item->kind == ITEM_FLAG)
                n++;
        r = home_child_each(&(struct home_child){ n, root->fd, WRITE_SECONDS, run_home, take_home,
                                                  is_home_near, &h });
        /* no memory is no reason either: what was not tried is said, and done by the next run */
        for (size_t k = 0; r < 0 && k < n; k++)
                if (!op[k].tried)
                        take_home(&h, k, r, NULL, &(struct error){ 0 });
        return n;
}

struct sweep {
        const struct rootfs *root;
        const char **paths;
        size_t n;
        uint64_t begun;
};

static bool costs_too_much(const struct sweep *s)
{
        return homes_cost_too_much(s->root->image, s->begun);
}

static int sweep_home(void *userdata, size_t k, struct observed *ret, struct error *error)
{
        const struct sweep *s = userdata;

        (void)ret, (void)error;
        return costs_too_much(s) ? 0 : apply_sweep_directory(s->root, s->paths[k]);
}

static bool is_sweep_near(void *userdata, size_t k)
{
        const struct sweep *s = userdata;

        return costs_too_much(s) || rootfs_is_near(s->root, s->paths[k]);
}

int apply_sweep_homes(const struct rootfs *root, const struct desired *d,
                      const struct observed *observed)
{
        AUTO_FREE const char **paths = calloc(d->n + 1, sizeof(*paths));
        struct sweep s = { root, paths, 0, clock_of(CLOCK_PROCESS_CPUTIME_ID) };

        if (!paths)
                return -ENOMEM;
        for (size_t k = 0; k < d->n; k++)
                if (d->items[k].kind == ITEM_FLAG && observed[k].type != OBSERVED_NO_DIRECTORY)
                        paths[s.n++] = d->items[k].path;
        return home_child_each(&(struct home_child){ s.n, root->fd, SWEEP_SECONDS, sweep_home, NULL,
                                                     is_sweep_near, &s });
}
