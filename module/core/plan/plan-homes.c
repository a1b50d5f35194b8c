/* SPDX-License-Identifier: MIT
 *
 * plan-homes.c: the part of making a plan that is about users' homes: a .hushlogin for whoever is
 * to have one, and none of ours for all others. Linear in the users. Decides only.
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

int plan_note_flags(struct plan *p, const struct desired *d)
{
        p->flags = calloc(d->n + 1, sizeof(*p->flags));
        for (size_t k = 0; p->flags && k < d->n; k++)
                if (d->items[k].kind == ITEM_FLAG && d->items[k].wanted)
                        p->flags[p->n_flags++] = k;
        return p->flags ? 0 : -ENOMEM;
}

/* Homes that are links to one another have one file, and it is there for whoever wants it. Only a
 * list of users has both sorts, and it is short. */
static bool is_wanted_elsewhere(const struct plan *p, const struct observed *observed,
                                const struct observed *o)
{
        for (size_t k = 0; k < p->n_flags; k++) {
                const struct observed *other = &observed[p->flags[k]];

                if (other->type == OBSERVED_FILE && other->inode == o->inode &&
                    other->device == o->device)
                        return true;
        }
        return false;
}

/* A user's own .hushlogin, whatever it is, already does what is wanted; a home that is not there
 * is not made, but said. */
int plan_flag(struct plan *p, const struct observed *observed, const struct item *i,
              const struct observed *o)
{
        AUTO_BUF content = BUF_INIT;

        if (!i->wanted && plan_is_ours(o) && is_wanted_elsewhere(p, observed, o))
                return 0;
        if (!i->wanted)
                return plan_is_ours(o) ? plan_add_file(p, OP_UNLINK, i, o, NULL) : 0;
        if (o->type == OBSERVED_NO_DIRECTORY)
                return add_skip(p, i->path, o->what);
        if (o->type != OBSERVED_NONE)
                return 0;
        buf_add(&content, i->content, i->len);
        return plan_add_file(p, OP_WRITE, i, o, &content);
}
