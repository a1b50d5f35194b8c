/* SPDX-License-Identifier: MIT
 *
 * diagnose.h: from "the door does not answer" to the link of the chain that is broken. Reads unit
 * states and the journal; changes nothing, and breaks nothing by looking.
 */
#pragma once

#include "manager.h"
#include "verify.h"

/* verify_door(), but where systemd has no service for the connection that is the verdict, and
 * nobody connects: it would fail the socket unit. `m` may be NULL. */
void diagnose_door(struct manager *m, uint32_t port, unsigned timeout, struct verdict *ret);

/* Makes the verdict's cause as precise as the evidence allows. `m` may be NULL. */
void diagnose(struct manager *m, struct verdict *v);
