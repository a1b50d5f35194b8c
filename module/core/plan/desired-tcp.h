/* SPDX-License-Identifier: MIT
 *
 * desired-tcp.h: between desired.c and desired-tcp.c only: the list in the making, and the part of
 * it that is about TCP. Pure.
 */
#pragma once

#include "core/plan/desired.h"

#include <errno.h>
#include <string.h>

struct maker {
        const struct config *c; /* NULL: nothing is wanted */
        const struct facts *f;
        struct desired d;
        size_t cap;
        size_t *index;  /* of users' items by their paths: 1 + the item's number, 0 where free */
        size_t n_index; /* a power of two, more than twice the users */
        int error;      /* sticky */
};

static inline struct item *add(struct maker *m, enum item_kind kind, enum phase phase,
                               unsigned flags, const char *path)
{
        struct item *i;

        if (m->error < 0)
                return NULL;
        if (m->d.n == m->cap) {
                size_t cap = m->cap ? m->cap * 2 : 32;
                struct item *items = reallocarray(m->d.items, cap, sizeof(*items));

                if (!items) {
                        m->error = -ENOMEM;
                        return NULL;
                }
                m->d.items = items;
                m->cap = cap;
        }
        i = &m->d.items[m->d.n];
        *i = (struct item){ .kind = kind, .phase = phase, .flags = flags, .mode = 0644 };
        i->path = strdup(path);
        if (!i->path) {
                m->error = -ENOMEM;
                return NULL;
        }
        m->d.n++;
        return i;
}

/* Makes the item wanted, with the bytes of `b`, which is emptied. An item found, not added, may
 * come here after an error, which has to stay. */
static inline void want(struct maker *m, struct item *i, struct buf *b)
{
        if (!i || m->error < 0)
                return;
        m->error = buf_take(b, &i->content, &i->len);
        i->wanted = m->error == 0;
}

static inline struct item *find(struct maker *m, const char *path)
{
        for (size_t i = 0; i < m->d.n; i++)
                if (strcmp(m->d.items[i].path, path) == 0)
                        return &m->d.items[i];
        return NULL;
}

static inline void add_link(struct maker *m, enum phase phase, unsigned flags, const char *path,
                            const char *target, bool wanted)
{
        struct item *i = add(m, ITEM_LINK, phase, flags, path);
        AUTO_BUF b = BUF_INIT;

        /* The target is kept where the link is to go, too: it tells whether the link is ours. */
        buf_adds(&b, target);
        want(m, i, &b);
        if (i)
                i->wanted = wanted && m->error == 0;
}

/* Closed: masked, after verification. Open: unmasked, on the listed addresses only where there are
 * any. */
void desired_closed(struct maker *m);
void desired_open(struct maker *m);
