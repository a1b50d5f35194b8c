/* SPDX-License-Identifier: MIT
 *
 * plan-file.c: the part of making a plan that is about whole files: ours, others in the way, and
 * units that an administrator wrote by hand and ours do no less than: ours take their place, and
 * what was there is kept beside until ours go again. Decides only.
 */
#include "core/plan/plan-units.h"

#include "core/plan/takeover.h"
#include "core/util/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int add_masked(struct plan *p, const struct item *i)
{
        int r = p->facts->live
                        ? plan_add_conflict(
                                  p, i,
                                  "is masked; fix: \"systemctl unmask %s && sshd-vsock apply\"",
                                  basename(i->path))
                        : plan_add_conflict(p, i, "is masked" PLAN_MOVE_AWAY);

        if (r == 0)
                p->conflicts[p->n_conflicts - 1].masked = true;
        return r;
}

/* The item that the copy at that path is a copy for: of the path without the suffix, and not the
 * mask that a TCP unit is to become besides. */
static const struct item *find_original(const struct desired *d, const char *path)
{
        size_t n = strlen(path) - strlen(SAVED_SUFFIX);

        for (size_t k = 0; k < d->n; k++)
                if (!(d->items[k].flags & ITEM_MASK) && strncmp(d->items[k].path, path, n) == 0 &&
                    d->items[k].path[n] == '\0')
                        return &d->items[k];
        return NULL;
}

const struct observed *plan_find_saved(const struct desired *d, const struct observed *observed,
                                       const char *path)
{
        size_t n = strlen(path);

        for (size_t k = 0; k < d->n; k++)
                if (d->items[k].kind == ITEM_SAVED && strncmp(d->items[k].path, path, n) == 0 &&
                    strcmp(d->items[k].path + n, SAVED_SUFFIX) == 0)
                        return observed[k].type == OBSERVED_FILE ? &observed[k] : NULL;
        return NULL;
}

static bool same_bytes(const struct observed *a, const struct observed *b)
{
        return a->type == b->type && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* Whether systemd starts the socket at boot, by whichever target. */
static bool is_enabled(const struct facts *f, const struct desired *d,
                       const struct observed *observed, const struct item *i)
{
        if (f->covered_enabled)
                return true;
        for (size_t k = 0; k < d->n; k++)
                if (d->items[k].kind == ITEM_LINK && d->items[k].content &&
                    strcmp(d->items[k].content, i->path) == 0)
                        return observed[k].type == OBSERVED_LINK;
        return false;
}

static const char not_enabled[] = "it is not enabled in sockets.target";

/* Whether ours takes the place of an administrator's. One that is not enabled is no way in, and
 * would be one from then on, also after ours went again. 1, 0, -ENOMEM. */
static int takes_over(const struct facts *f, const struct desired *d,
                      const struct observed *observed, const struct item *i, struct buf *different)
{
        const struct observed *o = &observed[i - d->items];
        enum takeover kind = i->flags & ITEM_SOCKET ? TAKEOVER_SOCKET : TAKEOVER_TEMPLATE;

        if (i->flags & ITEM_RIVAL) /* decided by rivals.c */
                return i->wanted && !i->different && o->type == OBSERVED_FILE && !plan_is_ours(o);
        if (!(i->flags & ITEM_HANDMADE) || !i->wanted || o->type != OBSERVED_FILE ||
            plan_is_ours(o))
                return 0;
        if (kind == TAKEOVER_SOCKET && !is_enabled(f, d, observed, i)) {
                buf_adds(different, not_enabled);
                return different->error;
        }
        if (d->takeover)
                return 1;
        return takeover_is_alike(kind, o->data, o->len, d->port, different);
}

int plan_copy(struct plan *p, const struct item *i, const struct observed *o,
              const struct observed *from)
{
        AUTO_BUF content = BUF_INIT;
        struct op *op;
        int r;

        buf_add(&content, from->data, from->len);
        r = plan_add_file(p, OP_WRITE, i, o, &content);
        if (r < 0)
                return r;
        op = &p->ops[p->n - 1];
        op->mode = from->mode;
        op->uid = from->uid;
        op->gid = from->gid;
        return 0;
}

static int plan_gone(struct plan *p, const struct desired *d, const struct observed *observed,
                     const struct item *i, const struct observed *o)
{
        const struct observed *saved = d->port == 0 ? plan_find_saved(d, observed, i->path) : NULL;
        bool none = o->type == OBSERVED_NONE || o->type == OBSERVED_NO_DIRECTORY;

        if (saved && (none || plan_is_ours(o)))
                return plan_copy(p, i, o, saved);
        return plan_is_ours(o) ? plan_add_file(p, OP_UNLINK, i, o, NULL) : 0;
}

/* The one of the same name that ours would hide; without a text there is none. */
static const struct covered *covered_by(const struct facts *f, const struct item *i)
{
        return i->flags & ITEM_SOCKET ? &f->covered_socket : &f->covered_template;
}

bool plan_covers_another(const struct plan *p, const struct desired *d, const struct item *i,
                         const struct observed *o, struct buf *different)
{
        const struct covered *c = covered_by(p->facts, i);

        return (i->flags & ITEM_HANDMADE) && c->text &&
               (o->type == OBSERVED_NONE || o->type == OBSERVED_NO_DIRECTORY) &&
               takeover_is_alike(i->flags & ITEM_SOCKET ? TAKEOVER_SOCKET : TAKEOVER_TEMPLATE,
                                 c->text, c->len, d->port, different) <= 0;
}

static int add_own(struct plan *p, const struct item *i, const struct buf *different)
{
        if (different->len == 0)
                return plan_add_conflict(p, i,
                                         "exists and is not managed by sshd-vsock" PLAN_MOVE_AWAY);
        if (strcmp(buf_str(different), not_enabled) == 0)
                return plan_add_conflict(
                        p, i,
                        "is not managed by sshd-vsock, and starts at no boot: %s; fix: %s, or move "
                        "it away; then run this again",
                        not_enabled,
                        p->facts->live ? "\"systemctl enable " UNIT_SOCKET "\""
                                       : "enable it there, with \"systemctl --root\"");
        return plan_add_conflict(p, i,
                                 "is not managed by sshd-vsock, whose unit does not do what it "
                                 "does: %.320s; fix: move it away or delete that, and run this "
                                 "again; or \"%s\" puts ours in its place, and \"remove\" it back",
                                 buf_str(different),
                                 p->facts->live ? "sshd-vsock apply --takeover"
                                                : "apply --takeover");
}

/* It stays where it is, and is in force no more. */
static int add_covered(struct plan *p, const struct item *i, const struct buf *different)
{
        int r = different->error < 0 ? different->error : add_own(p, i, different);

        if (r == 0)
                p->conflicts[p->n_conflicts - 1].path = covered_by(p->facts, i)->path;
        return r;
}

/* What else is empty masks nothing. */
static bool is_unit(const char *path)
{
        return text_ends(path, ".socket") || text_ends(path, ".service");
}

int plan_file(struct plan *p, const struct desired *d, const struct observed *observed,
              const struct item *i, const struct observed *o)
{
        AUTO_BUF content = BUF_INIT, different = BUF_INIT;

        if (!i->wanted)
                return plan_gone(p, d, observed, i, o);
        if (o->type == OBSERVED_OTHER)
                return plan_add_conflict(p, i, "is %s, not a file" PLAN_MOVE_AWAY, o->what);
        if (is_unit(i->path) && observed_is_mask(o, i->path))
                return add_masked(p, i);
        if (o->type == OBSERVED_LINK)
                return plan_add_conflict(
                        p, i, "is a link to %.96s and not managed by sshd-vsock" PLAN_MOVE_AWAY,
                        o->data);
        if (o->type == OBSERVED_FILE) {
                bool same = o->len == i->len && memcmp(o->data, i->content, i->len) == 0;
                int alike = 1;

                if (same && o->mode == i->mode && o->uid == i->uid && o->gid == i->gid)
                        return o->mislabelled ? plan_add_file(p, OP_LABEL, i, o, NULL) : 0;
                if (!same && !plan_is_ours(o))
                        alike = takes_over(p->facts, d, observed, i, &different);
                if (alike == 0 && i->different)
                        return plan_add_different_stream(p, i);
                if (alike <= 0)
                        return alike < 0 ? alike : add_own(p, i, &different);
        }
        if (!d->takeover && plan_covers_another(p, d, i, o, &different))
                return add_covered(p, i, &different);
        buf_add(&content, i->content, i->len);
        return plan_add_file(p, OP_WRITE, i, o, &content);
}

/* The mask that we put in its place. */
static bool is_mask(const struct item *unit, const struct observed *o)
{
        return (unit->flags & ITEM_RIVAL) && unit->kind == ITEM_LINK &&
               observed_is_mask(o, unit->path);
}

/* The copy goes with ours, but not where the administrator has put another unit there since. */
int plan_saved(struct plan *p, const struct desired *d, const struct observed *observed,
               const struct item *i, const struct observed *o)
{
        AUTO_BUF different = BUF_INIT;
        const struct item *unit = find_original(d, i->path);
        const struct observed *original = unit ? &observed[unit - d->items] : NULL;
        int r;

        if (!original)
                return 0;
        r = takes_over(p->facts, d, observed, unit, &different);
        if (r < 0)
                return r;
        if (r > 0)
                return same_bytes(o, original) ? 0 : plan_copy(p, i, o, original);
        if (d->port == 0 && o->type == OBSERVED_FILE &&
            (original->type == OBSERVED_NONE || plan_is_ours(original) || is_mask(unit, original) ||
             same_bytes(o, original)))
                return plan_add_file(p, OP_UNLINK, i, o, NULL);
        return 0;
}
