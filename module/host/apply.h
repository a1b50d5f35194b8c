/* SPDX-License-Identifier: MIT
 *
 * apply.h: runs a plan's operations, one phase at a time, and undoes them. The only writer
 * of what lasts.
 */
#pragma once

#include "core/plan/plan.h"
#include "host/rootfs.h"
#include "host/systemd.h"

/* What apply tells while it works; NULL members are skipped. */
struct apply_report {
        /* before a unit or module is asked for, which may take its time */
        void (*begins)(void *userdata, const struct op *op);
        void (*done)(void *userdata, const struct op *op);
        /* an operation that failed without harm */
        void (*skipped)(void *userdata, const struct op *op, const struct error *error);
        void *userdata;
};

/* Takes away temporary files that a killed run left beside the items, as far as that can be done.
 * Under the lock; `observed` as for plan_make(). 0 or -ENOMEM. */
int apply_sweep(const struct rootfs *root, const struct desired *d,
                const struct observed *observed) MUST_CHECK;

/* Runs the operations of one phase in order; stops at the first failure,
 * but for modules and extras, which are told as skipped, and but for
 * the units of the vsock listener: without them TCP opens all the same. What was written until
 * then is a safe prefix. Each path is looked at once more before it is changed: -ESTALE when it is
 * no longer what the plan was made for. `m` may be NULL where the phase has only files. */
int apply_phase(const struct rootfs *root, struct systemd *m, struct plan *p, enum phase phase,
                const struct apply_report *report, struct error *error) MUST_CHECK;

/* Puts back what the phase's file operations that ran, with one of the `flags` (0: all), replaced,
 * last first. Goes on after a failure and returns the first. The caller reloads and starts. */
int apply_undo(const struct rootfs *root, const struct plan *p, enum phase phase, unsigned flags,
               struct error *error) MUST_CHECK;

/* The same of those with none of the flags. */
int apply_undo_but(const struct rootfs *root, const struct plan *p, enum phase phase,
                   unsigned flags, struct error *error) MUST_CHECK;
