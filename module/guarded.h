/* SPDX-License-Identifier: MIT
 *
 * guarded.h: looks at users' homes by a child that can be killed: a home on a dead FUSE, NFS or
 * autofs costs a deadline, and no more.
 */
#pragma once

#include "object.h"

struct guarded {
        size_t n;
        int keep; /* the one descriptor that the child has */
        /* what the child does for each of 0 … n - 1 */
        void (*look)(void *userdata, size_t k, struct object *ret);
        /* and what is then done here; NULL for what did not answer in time: 2 s, and less once
         * several did not. It takes the object's bytes over. */
        void (*take)(void *userdata, size_t k, const struct object *o);
        void *userdata;
};

/* Looks at each. 0 or -ENOMEM. */
int guarded_each(const struct guarded *g) MUST_CHECK;
