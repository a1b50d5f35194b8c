/* SPDX-License-Identifier: MIT
 *
 * guarded.h: works in users' homes by a child that can be killed: a home on a dead FUSE, NFS or
 * autofs costs a deadline, and no more.
 */
#pragma once

#include "core/plan/object.h"
#include "core/util/why.h"

struct guarded {
        size_t n;
        int keep;          /* the one descriptor that the child has */
        unsigned patience; /* seconds for one of them; less once several did not answer */
        /* what the child does for each of 0 … n - 1; 0 or −errno */
        int (*work)(void *userdata, size_t k, struct object *ret, struct why *why);
        /* and what is then done here: with the child's result, or -ETIMEDOUT. It takes the object's
         * bytes over. */
        void (*take)(void *userdata, size_t k, int result, const struct object *o,
                     const struct why *why);
        void *userdata;
};

/* Works on each. 0 or -ENOMEM. */
int guarded_each(const struct guarded *g) MUST_CHECK;
