/* SPDX-License-Identifier: MIT
 *
 * guarded.h: looks at users' homes by a child that can be killed: a home on a dead FUSE, NFS or
 * autofs costs a deadline, and no more.
 */
#pragma once

#include "object.h"

/* What the child does for each of 0 … n - 1. */
typedef void guarded_look(void *userdata, size_t k, struct object *ret);

/* Looks at each and hands it to `take`, with NULL for what did not answer in time: 2 s, and less
 * once several did not. `take` owns the object's bytes. 0 or -ENOMEM. */
int guarded_each(size_t n, guarded_look *look,
                 void (*take)(void *userdata, size_t k, const struct object *o),
                 void *userdata) MUST_CHECK;
