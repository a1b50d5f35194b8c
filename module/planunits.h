/* SPDX-License-Identifier: MIT
 *
 * planunits.h: between plan.c and planunits.c only: the second half of making a plan. Pure.
 */
#pragma once

#include "plan.h"

/* Appends an operation; NULL when out of memory. */
struct op *plan_add(struct plan *p, enum op_kind kind, enum phase phase, const char *name);

/* What has to be loaded, reloaded, started and stopped, given the file operations that are in the
 * plan already. 0 or -ENOMEM. */
int plan_units(struct plan *p, const struct desired *d, const struct object *objects,
               const struct facts *f, const struct units *u) MUST_CHECK;
