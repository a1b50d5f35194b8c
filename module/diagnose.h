/* SPDX-License-Identifier: MIT
 *
 * diagnose.h: from "the door does not answer" to the link of the chain that is broken. Reads unit
 * states and the journal; changes nothing.
 */
#pragma once

#include "manager.h"
#include "verify.h"

/* Makes the verdict's cause as precise as the evidence allows. `m` may be NULL. */
void diagnose(struct manager *m, struct verdict *v);
