/* SPDX-License-Identifier: MIT
 *
 * apply-homes.h: the part of applying that is about users' homes. Between the files of this part
 * only.
 */
#pragma once

#include "host/apply.h"

/* Runs the operation at `first` and those right behind it that are about homes too. How many that
 * were. */
size_t apply_homes(const struct rootfs *root, struct plan *p, size_t first,
                   const struct apply_report *report);

/* Sweeps the directories of the items that are in homes. 0 or -ENOMEM. */
int apply_sweep_homes(const struct rootfs *root, const struct desired *d,
                      const struct observed *observed) MUST_CHECK;

/* What the other part has for one file and for one directory. (apply.c) */
int apply_file(const struct rootfs *root, struct op *op, struct error *error) MUST_CHECK;
int apply_sweep_directory(const struct rootfs *root, const char *path) MUST_CHECK;
