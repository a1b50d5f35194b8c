/* SPDX-License-Identifier: MIT
 *
 * diagnose.h: from "the vsock listener does not answer" to the link of the chain that is broken.
 * Reads unit states and the journal; changes nothing, but for the module it may load, and breaks
 * nothing by looking.
 */
#pragma once

#include "host/check/verify.h"
#include "host/systemd.h"

/* verify_listener() of the port on which the socket unit is to listen (borrowed; NULL: ours). Where
 * systemd has no service for the connection that is the verdict, and nobody connects: it would fail
 * the unit. What answers has to be that unit: a listener of anybody else is CAUSE_PORT_TAKEN. `m`
 * may be NULL. */
void diagnose_listener(struct systemd *m, const char *unit, uint32_t port, unsigned timeout,
                       struct verdict *ret);

/* The same for a look that is to change nothing: connects only where the socket unit listens, and
 * loads no module. */
void diagnose_quietly(struct systemd *m, const char *unit, uint32_t port, unsigned timeout,
                      struct verdict *ret);

/* What a security module has denied the vsock listener since then (realtime, in microseconds), with
 * the line that says so; CAUSE_NONE: nothing that is known of. */
enum cause diagnose_denial(uint64_t since, char *line, size_t size);

/* Makes the verdict's cause as precise as the evidence allows. `m` may be NULL. */
void diagnose(struct systemd *m, struct verdict *v);
