/* SPDX-License-Identifier: MIT
 *
 * plan-link.c: the part of making a plan that is about links: enablement links, and the masks of
 * TCP units. Whose a link is, is told by the unit that it enables, never by its name. Decides only.
 */
#include "core/plan/plan-units.h"

#include "core/format/unit-file.h"
#include "core/util/words.h"

#include <string.h>

static bool same_link(const struct item *i, const struct observed *o)
{
        if (i->flags & ITEM_MASK)
                return observed_is_mask(o, i->path);
        if (o->type != OBSERVED_LINK)
                return false;
        /* systemd reads no more than the names of such links; but one that leads to a file in
         * another directory was made to enable that */
        if ((i->flags & ITEM_ALIAS) && !i->wanted)
                return observed_enables(o, i->content);
        if (i->flags & ITEM_ALIAS)
                return strcmp(basename(o->data), basename(i->content)) == 0;
        return strcmp(o->data, i->content) == 0;
}

/* A unit of the administrator's own in the way of a mask. From that directory, too, it goes before
 * the vendor's, and it can be masked: what closes is the run at the end, which verifies first.
 */
static int add_own_unit(struct plan *p, const struct item *i)
{
        static const char directory[] = "/usr/local/lib/systemd/system";

        if (!p->facts->live)
                return plan_add_conflict(p, i,
                                         "is a unit of the administrator's own, which sshd-vsock "
                                         "does not replace; fix: move it to %s of the image",
                                         directory);
        return plan_add_conflict(
                p, i,
                "is a unit of the administrator's own, which sshd-vsock does not replace; fix: "
                "\"mkdir -p %s && mv %s %s/ && systemctl daemon-reload && sshd-vsock apply\"",
                directory, i->path, directory);
}

/* Whether the link is one that the administrator's unit had, which comes back. Where others of his
 * enable it, it is his if his unit says so, else the one that came with ours. */
static bool enables_saved(const struct facts *f, const struct observed *saved)
{
        AUTO_UNIT_FILE file = { .text = saved->data, .len = saved->len };
        bool wanted = !f->covered_enabled;

        for (struct unit_setting s; !wanted && unit_file_next(&file, &s);)
                wanted = unit_setting_is(&s, "Install", "WantedBy") &&
                         word_is_in(s.value, "sockets.target", strlen("sockets.target"));
        return wanted;
}

/* Whether an enablement link of this name is ours to take away: it enables a unit file of ours, or
 * none at all where one was before and other parts of ours still are. An administrator's own unit
 * may have the same name; one that comes back was enabled. */
static bool enables_ours(const struct facts *f, const struct desired *d,
                         const struct observed *observed, const struct item *i,
                         const struct observed *link)
{
        const struct observed *saved =
                d->port == 0 ? plan_find_saved(d, observed, i->content) : NULL;
        bool others = false, ours = false, none = false;

        if (saved && enables_saved(f, saved))
                return false;
        for (size_t k = 0; k < d->n; k++) {
                bool unit = strcmp(d->items[k].path, i->content) == 0;

                if (d->items[k].kind != ITEM_FILE)
                        continue;
                ours = ours || (unit && plan_is_ours(&observed[k]));
                none = none || (unit && (observed[k].type == OBSERVED_NONE ||
                                         observed[k].type == OBSERVED_NO_DIRECTORY));
                others = others || plan_is_ours(&observed[k]);
        }
        return ours || (none && others && strcmp(link->data, i->content) == 0);
}

int plan_link(struct plan *p, const struct desired *d, const struct observed *observed,
              const struct item *i, const struct observed *o)
{
        AUTO_BUF content = BUF_INIT;

        if (i->flags & ITEM_RIVAL)
                return plan_rival(p, d, observed, i, o);
        if (!i->wanted && same_link(i, o) &&
            (!(i->flags & ITEM_ALIAS) || enables_ours(p->facts, d, observed, i, o)))
                return plan_add_file(p, OP_UNLINK, i, o, NULL);
        if (!i->wanted)
                return 0;
        if (same_link(i, o))
                return o->mislabelled ? plan_add_file(p, OP_LABEL, i, o, NULL) : 0;
        if ((i->flags & ITEM_MASK) && (o->type == OBSERVED_LINK || o->type == OBSERVED_FILE))
                return add_own_unit(p, i);
        if (o->type == OBSERVED_LINK)
                return plan_add_conflict(
                        p, i, "is a link to %.96s and not managed by sshd-vsock" PLAN_MOVE_AWAY,
                        o->data);
        if (o->type == OBSERVED_FILE)
                return plan_add_conflict(p, i,
                                         "exists and is not managed by sshd-vsock" PLAN_MOVE_AWAY);
        if (o->type == OBSERVED_OTHER)
                return plan_add_conflict(p, i, "is %s, not a link" PLAN_MOVE_AWAY, o->what);
        buf_add(&content, i->content, i->len);
        return plan_add_file(p, OP_LINK, i, o, &content);
}
