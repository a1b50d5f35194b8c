/* SPDX-License-Identifier: MIT
 *
 * desired-list.h: between the files of desired*.c only: the list in the making, and who adds to it.
 * Pure.
 */
#pragma once

#include "core/plan/desired.h"
#include "core/util/buf.h"

struct maker {
        const struct config *c; /* NULL: nothing is wanted */
        const struct facts *f;
        struct desired d;
        int error; /* sticky: what is added after it is not */
};

/* Appends an item that is not wanted so far; NULL after an error. */
struct item *desired_add(struct maker *m, enum item_kind kind, enum phase phase, unsigned flags,
                         const char *path);

/* Makes the item wanted, with the bytes of `b`, which is emptied. NULL, and any item after an
 * error, stay as they are. */
void desired_want(struct maker *m, struct item *i, struct buf *b);

/* A link. Its target is kept where it is to go, too: it tells whether the link is ours. */
void desired_add_link(struct maker *m, enum phase phase, unsigned flags, const char *path,
                      const char *target, bool wanted);

/* The record of a mask (render_record()). */
void desired_add_record(struct maker *m, enum phase phase, unsigned flags, const char *unit,
                        bool wanted);

/* The item of that path; NULL: none. */
struct item *desired_find(struct maker *m, const char *path);

/* Whether the record of what is open again goes last of all, or as soon as it runs: a run that is
 * killed before that finds it, and goes on. (desired-tcp.c) */
bool desired_opens_late(const struct maker *m);

/* Closed: masked, after verification. Open: unmasked, on the listed addresses only where there are
 * any. (desired-tcp.c) */
void desired_add_closed(struct maker *m);
void desired_add_open(struct maker *m);

/* Other units that have our port: masked, or without their stream. Where they come back: those that
 * were masked before ours go, their streams after that. (desired-rivals.c) */
void desired_add_rivals(struct maker *m, enum rival_kind kind);

/* What is left of masks whose units are no such units any more: for another version of theirs, or
 * none. It goes. (desired-rivals.c) */
void desired_add_left_masks(struct maker *m);

/* The hushlogin files of users, and of those to come. (desired-homes.c) */
void desired_add_homes(struct maker *m);
