/* SPDX-License-Identifier: MIT
 *
 * home-child.h: works in users' homes by a child that can be killed: a home on a dead FUSE, NFS or
 * autofs costs a deadline, and no more.
 */
#pragma once

#include "core/plan/observed.h"
#include "core/util/error.h"
#include "host/clock.h"

/* Of the processor's time, in microseconds, which 100,000 homes take a second of; the way to each
 * of an image's may be one that the kernel goes a millisecond, and all of them the same directory
 * of very many names. What is left then waits for a later run. */
#define HOMES_COST_MAX 4000000u

/* Whether that is over since a process began; a child, whose own time begins at 0, has a little
 * more.
 */
static inline bool homes_cost_too_much(bool image, uint64_t begun)
{
        return image && clock_of(CLOCK_PROCESS_CPUTIME_ID) > begun + HOMES_COST_MAX;
}

struct home_child {
        size_t n;
        int keep;          /* the one descriptor that the child has */
        unsigned patience; /* seconds for one of them; less once several did not answer */
        /* what the child does for each of 0 … n - 1; 0 or −errno */
        int (*work)(void *userdata, size_t k, struct observed *ret, struct error *error);
        /* and what is then done here: with the child's result, or -ETIMEDOUT. It takes the object's
         * bytes over. NULL: nothing */
        void (*take)(void *userdata, size_t k, int result, const struct observed *o,
                     const struct error *error);
        /* whether one cannot hang, since it is where the rest of the system is; may be NULL. When
         * all are so, no child is made: that costs more than the work. */
        bool (*near)(void *userdata, size_t k);
        void *userdata;
};

/* Works on each. 0 or -ENOMEM. */
int home_child_each(const struct home_child *g) MUST_CHECK;
