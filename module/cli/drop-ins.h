/* SPDX-License-Identifier: MIT
 *
 * drop-ins.h: what somebody else has changed about our units, for status and verify.
 */
#pragma once

#include "cli/run.h"

/* Drop-ins of the socket unit that serves the port, of the service behind it, and of our others, as
 * systemd has them in force, into run.drop_ins; those of a vendor for every service are left out.
 * Nothing in an image. 0 or -ENOMEM. */
int drop_ins_find(struct run *r) MUST_CHECK;
