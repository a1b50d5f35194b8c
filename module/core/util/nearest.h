/* SPDX-License-Identifier: MIT
 *
 * nearest.h: "did you mean": which of some words is nearest to one that is none of them. Pure.
 */
#pragma once

#include "core/util/base.h"

struct nearest {
        const char *word; /* what was written; borrowed, as the candidates are */
        const char *best; /* NULL: none is near so far */
        unsigned distance;
};

/* Takes the candidate where it is nearer than those before. A third of its letters may be wrong, so
 * that `x` is nobody's neighbour. */
void nearest_offer(struct nearest *n, const char *candidate);
