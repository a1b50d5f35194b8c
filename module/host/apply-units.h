/* SPDX-License-Identifier: MIT
 *
 * apply-units.h: the part of applying that is no file: jobs of systemd, and kernel modules.
 */
#pragma once

#include "core/plan/plan.h"
#include "host/systemd.h"

/* Runs the plan's operation, of a kind that changes no file. -EIO: systemd or modprobe could not.
 */
int apply_unit(struct systemd *m, const struct plan *p, const struct op *op,
               struct error *error) MUST_CHECK;

/* A socket unit that listens anew, whatever state it is in. It can only be bound while the service
 * that has its descriptors is down. 0 or −errno. */
int apply_rebind(struct systemd *m, const char *socket, struct error *error) MUST_CHECK;

/* Stops it, and that service: nothing holds its addresses any more. 0 or −errno. */
int apply_release(struct systemd *m, const char *socket, struct error *error) MUST_CHECK;

/* Undoes what a phase did, or tried, to units, once its files are as before: a socket that could
 * not restart is down. -EIO: systemd could not. */
int apply_undo_units(struct systemd *m, const struct plan *p, enum phase phase,
                     struct error *error) MUST_CHECK;
