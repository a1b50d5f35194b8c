/* SPDX-License-Identifier: MIT
 *
 * plan-homes.c: the part of making a plan that is about users' homes: a .hushlogin for whoever is
 * to have one, and none of ours for all others. Sorts, for users may be thousands. Decides only.
 */
#include "core/plan/plan-units.h"

#include <errno.h>
#include <string.h>

static int add_skip(struct plan *p, const char *path, const char *reason)
{
        struct skip *s = list_room(p->skipped, p->n_skipped, sizeof(*s));

        if (!s)
                return -ENOMEM;
        p->skipped = s;
        p->skipped[p->n_skipped++] = (struct skip){ path, reason };
        return 0;
}

/* Which file it is, as qsort(3) and bsearch(3) have it. */
static int by_inode(const void *a, const void *b)
{
        const struct file_id *x = a, *y = b;

        if (x->device != y->device)
                return x->device < y->device ? -1 : 1;
        return x->inode < y->inode ? -1 : x->inode > y->inode;
}

int plan_note_flags(struct plan *p, const struct desired *d, const struct observed *observed)
{
        p->flags = calloc(d->n + 1, sizeof(*p->flags));
        for (size_t k = 0; p->flags && k < d->n; k++)
                if (d->items[k].kind == ITEM_FLAG && d->items[k].wanted &&
                    observed[k].type == OBSERVED_FILE)
                        p->flags[p->n_flags++] =
                                (struct file_id){ observed[k].device, observed[k].inode };
        if (p->flags)
                qsort(p->flags, p->n_flags, sizeof(*p->flags), by_inode);
        return p->flags ? 0 : -ENOMEM;
}

/* A user's own .hushlogin, whatever it is, already does what is wanted; a home that is not there
 * is not made, but said. */
int plan_flag(struct plan *p, const struct item *i, const struct observed *o)
{
        const struct file_id id = { o->device, o->inode };
        AUTO_BUF content = BUF_INIT;

        /* homes that are links to one another have one file, there for whoever wants it */
        if (!i->wanted &&
            (!plan_is_ours(o) || bsearch(&id, p->flags, p->n_flags, sizeof(*p->flags), by_inode)))
                return 0;
        if (!i->wanted)
                return plan_add_file(p, OP_UNLINK, i, o, NULL);
        if (o->type == OBSERVED_NO_DIRECTORY)
                return add_skip(p, i->path, o->what);
        if (o->type != OBSERVED_NONE)
                return 0;
        buf_add(&content, i->content, i->len);
        return plan_add_file(p, OP_WRITE, i, o, &content);
}
