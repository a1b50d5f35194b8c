/* SPDX-License-Identifier: MIT
 *
 * plan.c: compares each desired item with what was observed and decides: nothing to do, an
 * operation, or a conflict. The unit operations that follow from it are plan-units.c's. Decides
 * only; touches nothing.
 */
#include "core/plan/plan-units.h"

#include "core/format/hosts-file.h"
#include "core/format/sshd-config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool plan_is_ours(const struct observed *o)
{
        return o->type == OBSERVED_FILE && distro_has_marker(o->data, o->len);
}

/* Everybody else's ListenAddress commented out, since they all add up; then our block. */
static int edit_sshd_config(const struct item *i, const char *text, size_t len, struct buf *out)
{
        AUTO_BUF bare = BUF_INIT, plain = BUF_INIT, kept = BUF_INIT;
        AUTO(sshd_config_free) struct sshd_config c = { 0 };
        int r;

        sshd_config_uncomment(text, len, &bare);
        sshd_config_set_block(buf_str(&bare), bare.len, NULL, &plain);
        r = bare.error < 0 ? bare.error : plain.error;
        if (r == 0 && i->wanted)
                r = sshd_config_scan(buf_str(&plain), plain.len, &c);
        if (r == 0)
                sshd_config_comment_strays(buf_str(&plain), plain.len, &c, &kept);
        if (r < 0 || kept.error < 0)
                return r < 0 ? r : kept.error;
        sshd_config_set_block(buf_str(&kept), kept.len,
                              i->wanted && i->content[0] ? i->content : NULL, out);
        return out->error;
}

/* The bytes of a shared file with our part put in or removed. What is not there may have bytes
 * all the same: those that systemd-tmpfiles would put there. */
static int edited(const struct item *i, const struct observed *o, struct buf *out)
{
        bool has_bytes = o->type == OBSERVED_FILE || o->type == OBSERVED_NONE;
        const char *old = has_bytes ? o->data : NULL;
        size_t len = has_bytes ? o->len : 0;

        if (i->kind == ITEM_SSHD_CONFIG)
                return edit_sshd_config(i, old, len, out);
        hosts_file_edit(old, len, i->wanted ? i->content : NULL, out);
        return out->error;
}

static const char hosts_cure[] =
        "; fix: put a file in its place, or say hosts_entry: false and map " HOSTS_NAME
        " to 127.0.0.1 yourself";

static enum blocks blocks_of(const struct item *i)
{
        if (item_is_extra(i))
                return BLOCKS_NOTHING;
        return i->phase == PHASE_CLOSE || (i->flags & ITEM_TCP) ? BLOCKS_CLOSE : BLOCKS_LISTENER;
}

static PRINTF(4, 0) int add_conflict(struct plan *p, const char *path, enum blocks blocks,
                                     const char *fmt, va_list ap)
{
        struct conflict *c = list_room(p->conflicts, p->n_conflicts, sizeof(*c));

        if (!c)
                return -ENOMEM;
        p->conflicts = c;
        c = &p->conflicts[p->n_conflicts++];
        *c = (struct conflict){ .path = path, .blocks = blocks };
        (void)vsnprintf(c->reason, sizeof(c->reason), fmt, ap);
        return 0;
}

int plan_add_conflict(struct plan *p, const struct item *i, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = add_conflict(p, i->path, blocks_of(i), fmt, ap);
        va_end(ap);
        return r;
}

int plan_add_obstacle(struct plan *p, const char *path, enum blocks blocks, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = add_conflict(p, path, blocks, fmt, ap);
        va_end(ap);
        return r;
}

struct op *plan_add(struct plan *p, enum op_kind kind, enum phase phase, const char *name)
{
        struct op *ops = list_room(p->ops, p->n, sizeof(*ops));

        if (!ops)
                return NULL;
        p->ops = ops;
        p->ops[p->n] = (struct op){ .kind = kind, .phase = phase, .name = name };
        return &p->ops[p->n++];
}

int plan_add_file(struct plan *p, enum op_kind kind, const struct item *i, const struct observed *o,
                  struct buf *content)
{
        struct op *op = plan_add(p, kind, i->phase, o->path ? o->path : i->path);
        bool keep = o->type == OBSERVED_FILE && i->kind >= ITEM_HOSTS;

        if (!op)
                return -ENOMEM;
        op->item = i;
        op->before = o;
        op->mode = keep ? o->mode : i->mode;
        op->uid = keep ? o->uid : i->uid;
        op->gid = keep ? o->gid : i->gid;
        return content ? buf_take(content, &op->content, &op->len) : 0;
}

/* A file that sshd includes and that is not ours to edit. */
static int plan_stray(struct plan *p, const struct item *i, const struct observed *o)
{
        AUTO(sshd_config_free) struct sshd_config c = { 0 };
        int r = o->type == OBSERVED_FILE ? sshd_config_scan(o->data, o->len, &c) : 0;

        for (size_t k = 0; r == 0 && k < c.n; k++)
                if (c.items[k].kind == SSHD_CONFIG_LISTEN_ADDRESS)
                        return plan_add_conflict(
                                p, i,
                                "line %u, \"ListenAddress %.64s\", would stay open: sshd-vsock "
                                "edits files below /etc; fix: delete it, or what includes that "
                                "file, and run this again",
                                c.items[k].line, c.items[k].argument);
        return r;
}

static int plan_edit(struct plan *p, const struct item *i, const struct observed *o)
{
        AUTO_BUF content = BUF_INIT;
        size_t old = o->type == OBSERVED_FILE ? o->len : 0;
        int r;

        if (i->kind == ITEM_SSHD_CONFIG && strncmp(i->path, "/etc/", 5) != 0)
                return i->wanted ? plan_stray(p, i, o) : 0;
        if (o->unseen)
                return i->wanted ? plan_add_conflict(p, i, "is left as it is: %s%s", o->what,
                                                     hosts_cure)
                                 : 0;
        if (i->wanted && o->maps_behind && i->kind == ITEM_HOSTS)
                return 0; /* whoever keeps that file has seen to it */
        if (!i->wanted && o->ours_behind)
                return plan_add_conflict(p, i,
                                         "is %s: the line of sshd-vsock in it stays; fix: delete "
                                         "its line that ends in \"" HOSTS_MARKER "\"",
                                         o->what);
        if (o->type == OBSERVED_LINK || o->type == OBSERVED_OTHER)
                return i->wanted
                               ? plan_add_conflict(p, i,
                                                   "is %s; sshd-vsock edits only regular files "
                                                   "below /etc%s",
                                                   o->what ? o->what : "a link that leads nowhere",
                                                   i->kind == ITEM_HOSTS
                                                           ? hosts_cure
                                                           : "; fix: put a file in its place")
                               : 0;
        if (o->type != OBSERVED_FILE && !i->wanted)
                return 0;
        if (o->type != OBSERVED_FILE && i->kind == ITEM_SSHD_CONFIG)
                return plan_add_conflict(p, i,
                                         "is not there, and nothing includes " PATH_SSHD_DROPIN
                                         ": listen_address has no place; fix: make that file, as a "
                                         "copy of " PATH_SSHD_CONFIG_VENDOR " if that is there");
        r = edited(i, o, &content);
        if (r < 0)
                return r;
        if (o->type == OBSERVED_FILE && content.len == old &&
            (old == 0 || memcmp(content.data, o->data, old) == 0))
                return 0;
        if (content.len == 0 && i->kind == ITEM_HOSTS && hosts_file_is_created(o->data, old))
                return plan_add_file(p, OP_UNLINK, i, o, NULL);
        return plan_add_file(p, OP_WRITE, i, o, &content);
}

/* Where sshd listens is not decided over files that nobody could read. */
static int plan_unseen(struct plan *p, const struct item *i, const struct observed *o)
{
        return i->wanted ? plan_add_conflict(p, i,
                                             "is left as it is: %s; fix: see why, and run it again",
                                             o->unseen ? o->what : p->facts->unread)
                         : 0;
}

static int plan_item(struct plan *p, const struct desired *d, const struct observed *observed,
                     size_t at)
{
        const struct item *i = &d->items[at];
        const struct observed *o = &observed[at];

        if (o->hidden || (p->facts->anybody && p->facts->sshd_unread && (i->flags & ITEM_SSHD)))
                return 0; /* for root to see, and to decide */
        if ((i->flags & ITEM_SSHD) && (o->unseen || p->facts->sshd_unread))
                return plan_unseen(p, i, o);
        if (p->facts->sshd_unread && plan_is_ours(o) &&
            strcmp(basename(i->path), UNIT_TEMPLATE) == 0)
                return 0; /* which options it is to pass on is not known for now */
        switch (i->kind) {
        case ITEM_FILE:
                return plan_file(p, d, observed, i, o);
        case ITEM_SAVED:
                return plan_saved(p, d, observed, i, o);
        case ITEM_FLAG:
                return plan_flag(p, i, o);
        case ITEM_LINK:
                return plan_link(p, d, observed, i, o);
        case ITEM_HOSTS:
        case ITEM_SSHD_CONFIG:
                return plan_edit(p, i, o);
        }
        return -EINVAL;
}

static int plan_files(struct plan *p, const struct desired *d, const struct observed *observed,
                      enum phase phase, unsigned late)
{
        for (size_t k = 0; k < d->n; k++) {
                int r;

                if (d->items[k].phase != phase || (d->items[k].flags & ITEM_LATE) != late)
                        continue;
                r = plan_item(p, d, observed, k);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* With a conflict in the way of where sshd is to listen nothing may open either. */
static void hold_back(struct plan *p)
{
        if (plan_blocked(p) < BLOCKS_CLOSE)
                return;
        for (size_t k = 0; k < p->n; k++)
                if (p->ops[k].item &&
                    (p->ops[k].phase == PHASE_ACTIVATE || (p->ops[k].item->flags & ITEM_TCP)))
                        p->ops[k].phase = PHASE_CLOSE;
}

/* Files of both phases first, since what the one phase starts depends on what the other writes;
 * the operations are put into the order of their phases in the end. */
static int make(struct plan *p, const struct desired *d, const struct observed *observed,
                const struct facts *f, const struct units *u)
{
        int r = plan_files(p, d, observed, PHASE_OPEN, 0);

        if (r == 0)
                r = plan_files(p, d, observed, PHASE_CLOSE, 0);
        if (r == 0)
                r = plan_own_tcp(p, d, f);
        if (r == 0)
                r = plan_rivals_obstacles(p, d, f);
        hold_back(p);
        if (r == 0 && u)
                r = plan_units(p, d, observed, f, u);
        if (r == 0)
                r = plan_files(p, d, observed, PHASE_ACTIVATE, 0);
        if (r == 0)
                r = plan_files(p, d, observed, PHASE_CLOSE, ITEM_LATE);
        hold_back(p);
        if (r == 0)
                r = plan_files(p, d, observed, PHASE_EXTRAS, 0);
        return r;
}

/* A stable sort by phase. Only those of EXTRAS may be thousands, and they stand at the end already.
 */
static void sort_by_phase(struct plan *p)
{
        for (size_t k = 1; k < p->n; k++) {
                struct op op = p->ops[k];
                size_t to = k;

                for (; to > 0 && p->ops[to - 1].phase > op.phase; to--)
                        p->ops[to] = p->ops[to - 1];
                p->ops[to] = op;
        }
}

int plan_make(const struct desired *d, const struct observed *observed, const struct facts *f,
              const struct units *u, struct plan *ret)
{
        struct plan p = { .facts = f };
        int r = plan_note_flags(&p, d, observed);

        if (r == 0)
                r = make(&p, d, observed, f, u);
        if (r < 0) {
                plan_free(&p);
                return r;
        }
        sort_by_phase(&p);
        *ret = p;
        return 0;
}

static bool is_meant(const struct op *op, const struct op_query *q)
{
        const struct item *i = op->item;

        return (!q->phases || (q->phases & BIT(op->phase))) &&
               (!q->kinds || (q->kinds & BIT(op->kind))) &&
               (!q->flags || (i && (i->flags & q->flags))) &&
               (!q->name || strcmp(op->name, q->name) == 0) && (!q->wanted || (i && i->wanted)) &&
               (!q->job || !i) && (!q->tcp || distro_is_tcp_unit(op->name)) &&
               (!q->tried || op->tried) && (!q->changed || op->changed) && (!q->done || op->done);
}

const struct op *plan_find(const struct plan *p, const struct op *after, const struct op_query *q)
{
        for (size_t k = after ? (size_t)(after - p->ops) + 1 : 0; k < p->n; k++)
                if (is_meant(&p->ops[k], q))
                        return &p->ops[k];
        return NULL;
}

bool plan_has(const struct plan *p, enum phase phase)
{
        return PLAN_FIRST(p, .phases = BIT(phase));
}

enum blocks plan_blocked(const struct plan *p)
{
        enum blocks most = BLOCKS_NOTHING;

        for (size_t k = 0; k < p->n_conflicts; k++)
                if (p->conflicts[k].blocks > most)
                        most = p->conflicts[k].blocks;
        return most;
}

void plan_free(struct plan *p)
{
        for (size_t k = 0; k < p->n; k++)
                free(p->ops[k].content);
        free(p->ops);
        free(p->conflicts);
        free(p->skipped);
        free(p->flags);
        *p = (struct plan){ 0 };
}
