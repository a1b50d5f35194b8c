/* SPDX-License-Identifier: MIT
 *
 * plan-units.h: between plan.c, plan-file.c, plan-homes.c, plan-link.c, plan-rivals.c, plan-tcp.c
 * and plan-units.c only: the parts of making a plan. Pure.
 */
#pragma once

#include "core/plan/plan.h"

/* Appends an operation; NULL when out of memory. */
struct op *plan_add(struct plan *p, enum op_kind kind, enum phase phase, const char *name);

int plan_unit(struct plan *p, enum op_kind kind, enum phase phase, const char *unit) MUST_CHECK;

/* Whether a file operation of the phase has one of the flags. */
bool plan_changes(const struct plan *p, enum phase phase, unsigned flags);

/* The first item that has one of the flags, and is of that name, where there is one; or the first
 * such that is wanted. */
const struct item *plan_item_of(const struct desired *d, unsigned flags, bool wanted,
                                const char *name);

/* What TCP units that run need, because files change in this plan, or changed in an earlier run
 * that did not come to its end. */
int plan_tcp(struct plan *p, const struct desired *d, const struct observed *observed,
             const struct facts *f, enum phase phase) MUST_CHECK;

/* … whether systemd's next reload changes what a TCP socket listens on, whoever wrote that. */
bool plan_tcp_unread(const struct facts *f);

/* What has our own socket listen on TCP is in the way of closing it. 0 or -ENOMEM. */
int plan_own_tcp(struct plan *p, const struct desired *d, const struct facts *f) MUST_CHECK;

/* What has to be loaded, reloaded, started and stopped, given the file operations that are in the
 * plan already. 0 or -ENOMEM. */
int plan_units(struct plan *p, const struct desired *d, const struct observed *observed,
               const struct facts *f, const struct units *u) MUST_CHECK;

/* The end of a conflict where what is there is not ours to take away. */
#define PLAN_MOVE_AWAY "; fix: move it away and run this again"

/* A conflict on the item's path, in words. 0 or -ENOMEM. */
int plan_add_conflict(struct plan *p, const struct item *i, const char *fmt, ...) PRINTF(3, 4);

/* The same on the path of a file that is no item, which the facts own. 0 or -ENOMEM. */
int plan_add_obstacle(struct plan *p, const char *path, enum blocks blocks, const char *fmt, ...)
        PRINTF(4, 5);

/* An operation on the item's path; takes the content over (NULL: none). 0 or -ENOMEM. */
int plan_add_file(struct plan *p, enum op_kind kind, const struct item *i, const struct observed *o,
                  struct buf *content) MUST_CHECK;

/* Whether it is a file that our marker opens. */
bool plan_is_ours(const struct observed *o);

/* What an item that is a flag in a home needs, and before that: which of them are wanted, and
 * there. 0 or -ENOMEM. */
int plan_note_flags(struct plan *p, const struct desired *d,
                    const struct observed *observed) MUST_CHECK;
int plan_flag(struct plan *p, const struct item *i, const struct observed *o) MUST_CHECK;

/* What an item that is a link needs. 0 or -ENOMEM. */
int plan_link(struct plan *p, const struct desired *d, const struct observed *observed,
              const struct item *i, const struct observed *o) MUST_CHECK;

/* What an item that is a file of ours as a whole needs. 0 or -ENOMEM. */
int plan_file(struct plan *p, const struct desired *d, const struct observed *observed,
              const struct item *i, const struct observed *o) MUST_CHECK;

/* Whether ours is to go before a unit of its name in another directory that does something else,
 * and what that is. */
bool plan_covers_another(const struct plan *p, const struct desired *d, const struct item *i,
                         const struct observed *o, struct buf *different);

/* What the copy of a unit needs that an administrator wrote by hand and ours takes the place of.
 * 0 or -ENOMEM. */
int plan_saved(struct plan *p, const struct desired *d, const struct observed *observed,
               const struct item *i, const struct observed *o) MUST_CHECK;

/* A file as that one is: bytes, mode and owner. 0 or -ENOMEM. */
int plan_copy(struct plan *p, const struct item *i, const struct observed *o,
              const struct observed *from) MUST_CHECK;

/* The copy that was kept of what is at the path, when ours took its place; NULL: there is none. */
const struct observed *plan_find_saved(const struct desired *d, const struct observed *observed,
                                       const char *path);

/* The conflict of a stream that stays. (plan-rivals.c, as all below) 0 or -ENOMEM. */
int plan_add_different_stream(struct plan *p, const struct item *i) MUST_CHECK;

/* What has our port beside others, in a file that is not ours to write. 0 or -ENOMEM. */
int plan_rivals_obstacles(struct plan *p, const struct desired *d,
                          const struct facts *f) MUST_CHECK;

/* What the mask of another unit on our port needs. 0 or -ENOMEM. */
int plan_rival(struct plan *p, const struct desired *d, const struct observed *observed,
               const struct item *i, const struct observed *o) MUST_CHECK;

/* Whether a reload is needed for them; who stops before it, while systemd still knows the unit;
 * what has a stream's descriptor after it; who listens again, once ours has stopped. */
bool plan_rivals_unread(const struct facts *f);
int plan_rivals_stop(struct plan *p, const struct facts *f) MUST_CHECK;
int plan_rivals_release(struct plan *p, const struct facts *f, const struct units *u) MUST_CHECK;
int plan_rivals_return(struct plan *p, const struct facts *f) MUST_CHECK;
